"""The whole of params.yaml."""

from typing import Annotated, Self

from pydantic import StringConstraints, ValidationError, model_validator

from visrep.settings.ablations import Overrides, ablated
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
from visrep.settings.simclr import SimCLR
from visrep.settings.similarity import Family, Similarity
from visrep.settings.train_cnn import TrainCNN
from visrep.settings.unlabelled import Unlabelled
from visrep.settings.vicreg import VICReg
from visrep.stage.params import Section, faults

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]
Label = Annotated[str, StringConstraints(min_length=1)]
TRAINED = ("vicreg", "no_generated_neighbors", "laplacian_eigenmaps", "simclr")  # and the ablations


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
    simclr: SimCLR
    simclr_ablations: dict[Name, Overrides]
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
    def _ablations_vary_their_section(self) -> Self:
        for section, whole, varied in self._varied():
            for name, overrides in varied.items():
                if name in FLOORS + TRAINED:
                    raise ValueError(f"{section}.{name} has the name of another encoder")
                try:
                    ablated(whole, overrides)
                except ValidationError as error:
                    raise ValueError(faults(error, f"{section}.{name}")) from None
                except ValueError as error:
                    raise ValueError(f"{section}.{name}.{error}") from None
        for name in self.ablations.keys() & self.simclr_ablations.keys():
            raise ValueError(f"simclr_ablations.{name} has the name of an ablation of vicreg")
        return self

    @model_validator(mode="after")
    def _encoders_are_trained(self) -> Self:
        known = [*FLOORS, *TRAINED, *self.ablations, *self.simclr_ablations]
        for name in self.encoders:
            if name not in known:
                raise ValueError(f"encoders.{name} is trained by no stage; add it to ablations or take it out")
        for section, _, varied in self._varied():
            for name in varied:
                if name not in self.encoders:
                    raise ValueError(f"{section}.{name} is missing in encoders, so nothing would read it")
        return self

    def _varied(self) -> list[tuple[str, Unlabelled, dict[str, Overrides]]]:
        """(section, what it varies, by which overrides)."""
        return [
            ("ablations", self.vicreg, self.ablations),
            ("simclr_ablations", self.simclr, self.simclr_ablations),
        ]
