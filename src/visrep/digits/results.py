"""Results of the stages of the classifier: records, without torch. Accuracies in percent."""

from dataclasses import dataclass
from typing import ClassVar

from visrep.measures.classification import ClassScore
from visrep.records import Interval

CLASSIFIERS = {"cnn": "undefended", "adv_cnn": "defended"}  # the two in every study, by the name of their weights


@dataclass(frozen=True)
class ClassifierMetrics:
    test_accuracy: Interval
    val_accuracy: Interval
    train_accuracy: Interval
    macro_f1: float
    test_loss: float


@dataclass(frozen=True)
class Classifier:
    """Of the stage `train_cnn`: ``n`` test images of ``source``, of which the most frequent class makes ``chance``
    percent; numbers of images ``trained`` on and for ``validation``; the selected ``epoch``; the ``processor``."""

    CHART: ClassVar = "per_class"

    metrics: ClassifierMetrics
    n: int
    source: str
    processor: str
    chance: float
    epoch: int
    parameters: int
    trained: int
    validation: int
    per_class: tuple[ClassScore, ...]


@dataclass(frozen=True)
class DefenceMetrics:
    """On validation images, at the epoch that was kept."""

    val_clean: Interval
    val_fgsm: Interval
    val_pgd: Interval
    epochs: int


@dataclass(frozen=True)
class ValidationAccuracy:
    """A row of the chart of the defence: the accuracy on validation ``images`` that are clean or attacked."""

    images: str
    accuracy: float


@dataclass(frozen=True)
class Defence:
    """Of the stage `adv_train`: ``n`` validation images."""

    CHART: ClassVar = "validation"

    metrics: DefenceMetrics
    n: int
    source: str
    processor: str
    epoch: int
    trained: int
    validation: tuple[ValidationAccuracy, ...]


@dataclass(frozen=True)
class Attacked:
    """The accuracy under an attack of radius ``epsilon``: ``attack`` is its key in `visrep.digits.table`, ``name`` what
    tables call it, and ``charted`` whether charts of the accuracy against the radius show it."""

    attack: str
    name: str
    epsilon: float
    accuracy: Interval
    charted: bool


@dataclass(frozen=True)
class ClassUnderAttack:
    """A class of ``n`` test images, of which FGSM leaves ``accuracy`` percent right; ``frequency`` is its share of the
    training images in percent; the mean ``contrast`` and ``contour`` of its test images as `visrep.digits.by_class` has
    them."""

    label: str
    n: int
    accuracy: float
    frequency: float
    contrast: float
    contour: float


@dataclass(frozen=True)
class ByClass:
    """Of the stage `fgsm_sweep`: ``n`` test images under FGSM at the radius ``epsilon``, class by class."""

    CHART: ClassVar = "classes"

    metrics: dict[str, float]
    n: int
    source: str
    epsilon: float
    classes: tuple[ClassUnderAttack, ...]


@dataclass(frozen=True)
class Sweep:
    """Of the stage `fgsm_sweep`: ``n`` test images; gates compare at the radius ``gate_epsilon``."""

    metrics: dict[str, Interval | float]
    n: int
    source: str
    chance: float
    clean: Interval
    attacks: tuple[Attacked, ...]
    gate_epsilon: float

    def at(self, attack: str, epsilon: float) -> Interval:
        """The accuracy under one attack. Raises `LookupError` where it was not run."""
        for row in self.attacks:
            if (row.attack, row.epsilon) == (attack, epsilon):
                return row.accuracy
        raise LookupError(f"{attack} was not run at {epsilon:g}")

    def radii(self, attack: str) -> list[float]:
        """Those at which it was run."""
        return [row.epsilon for row in self.attacks if row.attack == attack]
