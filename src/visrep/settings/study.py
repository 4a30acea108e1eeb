"""The whole of params.yaml."""

from typing import Annotated, Self

from pydantic import StringConstraints, ValidationError, model_validator

from visrep.params import Section, faults
from visrep.settings.adv_train import AdvTrain
from visrep.settings.anomaly import Anomaly
from visrep.settings.clustering import Clustering
from visrep.settings.download import Download
from visrep.settings.encoders import FLOORS
from visrep.settings.factors import Factors
from visrep.settings.fgsm_sweep import FgsmSweep
from visrep.settings.figures import Figures
from visrep.settings.floors import Floors
from visrep.settings.laplacian_eigenmaps import LaplacianEigenmaps
from visrep.settings.maps import Maps
from visrep.settings.neighbors import Neighbors, NoGeneratedNeighbors
from visrep.settings.probe import Probe
from visrep.settings.retrieval import Retrieval
from visrep.settings.runtime import Runtime
from visrep.settings.similarity import Family, Similarity
from visrep.settings.train_cnn import TrainCNN
from visrep.settings.vicreg import Overrides, VICReg, ablated

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
Label = Annotated[str, StringConstraints(min_length=1)]
TRAINED = ("vicreg", "no_generated_neighbors", "laplacian_eigenmaps")  # and the ablations


class Study(Section):
    runtime: Runtime
    download: Download
    train_cnn: TrainCNN
    adv_train: AdvTrain
    fgsm_sweep: FgsmSweep
    floors: Floors
    vicreg: VICReg
    ablations: dict[Name, Overrides]
    neighbors: Neighbors
    no_generated_neighbors: NoGeneratedNeighbors
    laplacian_eigenmaps: LaplacianEigenmaps
    encoders: dict[Name, Label]
    probe: Probe
    maps: Maps
    retrieval: Retrieval
    anomaly: Anomaly
    clustering: Clustering
    families: dict[Name, Family]
    similarity: Similarity
    factors: Factors
    figures: Figures

    @model_validator(mode="after")
    def _ablations_vary_vicreg(self) -> Self:
        for name, overrides in self.ablations.items():
            if name in FLOORS + TRAINED:
                raise ValueError(f"ablations.{name} has the name of another encoder")
            try:
                ablated(self.vicreg, overrides)
            except ValidationError as error:
                raise ValueError(faults(error, f"ablations.{name}")) from None
            except ValueError as error:
                raise ValueError(f"ablations.{name}.{error}") from None
        return self

    @model_validator(mode="after")
    def _encoders_are_trained(self) -> Self:
        known = [*FLOORS, *TRAINED, *self.ablations]
        for name in self.encoders:
            if name not in known:
                raise ValueError(f"encoders.{name} is trained by no stage; add it to ablations or take it out")
        for name in self.ablations:
            if name not in self.encoders:
                raise ValueError(f"ablations.{name} is missing in encoders, so nothing would read it")
        return self
