"""The whole of params.yaml."""

from typing import Self

from pydantic import ValidationError, model_validator

from visrep.settings.ablations import Ablations, Overrides, ablated
from visrep.settings.adv_train import AdvTrain
from visrep.settings.anomaly import Anomaly
from visrep.settings.clustering import Clustering
from visrep.settings.download import Download
from visrep.settings.encoders import FLOORS, Labels
from visrep.settings.factors import Factors
from visrep.settings.fgsm_sweep import FgsmSweep
from visrep.settings.figures import Figures
from visrep.settings.floors import Floors
from visrep.settings.laplacian_eigenmaps import LaplacianEigenmaps
from visrep.settings.maps import Maps
from visrep.settings.neighbors import Neighbors
from visrep.settings.no_generated_neighbors import NoGeneratedNeighbors
from visrep.settings.probe import Probe
from visrep.settings.retrieval import Retrieval
from visrep.settings.runtime import Runtime
from visrep.settings.simclr import SimCLR
from visrep.settings.similarity import Families, Similarity
from visrep.settings.train_cnn import TrainCNN
from visrep.settings.unlabelled import Unlabelled
from visrep.settings.vicreg import VICReg
from visrep.stage.params import Section, faults

TRAINED = ("vicreg", "no_generated_neighbors", "laplacian_eigenmaps", "simclr")  # and the ablations


class Study(Section):
    runtime: Runtime
    download: Download
    train_cnn: TrainCNN
    adv_train: AdvTrain
    fgsm_sweep: FgsmSweep
    floors: Floors
    vicreg: VICReg
    ablations: Ablations
    neighbors: Neighbors
    no_generated_neighbors: NoGeneratedNeighbors
    laplacian_eigenmaps: LaplacianEigenmaps
    simclr: SimCLR
    simclr_ablations: Ablations
    encoders: Labels
    probe: Probe
    maps: Maps
    retrieval: Retrieval
    anomaly: Anomaly
    clustering: Clustering
    families: Families
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
        for name in self.ablations.root.keys() & self.simclr_ablations.root.keys():
            raise ValueError(f"simclr_ablations.{name} has the name of an ablation of vicreg")
        return self

    @model_validator(mode="after")
    def _neighbors_train_as_vicreg_does(self) -> Self:
        try:
            self.no_generated_neighbors.of(self.vicreg)
        except ValidationError as error:
            raise ValueError(faults(error, "no_generated_neighbors with vicreg")) from None
        return self

    @model_validator(mode="after")
    def _the_defence_starts_from_the_classifier(self) -> Self:
        """Then the images that choose its epoch are none that the classifier was trained on."""
        if self.adv_train.init == "cnn":
            for name in ("seed", "validation"):
                if (own := getattr(self.adv_train, name)) != (other := getattr(self.train_cnn, name)):
                    raise ValueError(f"adv_train.{name} is {own}, train_cnn.{name} {other}; init cnn needs them equal")
            for name in ("channels", "depth", "hidden"):
                if getattr(self.adv_train.model, name) != getattr(self.train_cnn.model, name):
                    raise ValueError(
                        f"adv_train.model.{name} differs from train_cnn.model.{name}; init cnn needs it equal"
                    )
        return self

    @model_validator(mode="after")
    def _encoders_are_trained(self) -> Self:
        encoders = self.encoders.root
        if "vicreg" not in encoders:
            raise ValueError("encoders.vicreg is missing, on which neighbors and the report stand")
        if not self.ablations.root:
            raise ValueError("ablations holds none; the figures of learning show at least one")
        labels = list(encoders.values())
        for name, label in encoders.items():
            if labels.count(label) > 1:
                raise ValueError(f"encoders.{name}: {label!r} is the name of another encoder too")
        known = [*FLOORS, *TRAINED, *self.ablations.root, *self.simclr_ablations.root]
        for name in encoders:
            if name not in known:
                raise ValueError(f"encoders.{name} is trained by no stage; add it to ablations or take it out")
        for section, _, varied in self._varied():
            for name in varied:
                if name not in encoders:
                    raise ValueError(f"{section}.{name} is missing in encoders, so nothing would read it")
        return self

    def _varied(self) -> list[tuple[str, Unlabelled, dict[str, Overrides]]]:
        """(section, what it varies, by which overrides)."""
        return [
            ("ablations", self.vicreg, self.ablations.root),
            ("simclr_ablations", self.simclr, self.simclr_ablations.root),
        ]
