"""Results of an audit: records, without torch. Shares in percent; radii in the units of the images, [-1, 1]."""

from dataclasses import dataclass
from typing import ClassVar

from visrep.digits.results import Attacked
from visrep.records import Interval

FMN = "fmn"  # the minimum-norm attack: one run serves all radii
NAMES = {  # of the attacks, in the order in which they run
    "apgd_ce": "APGD, cross entropy",
    "apgd_t": "APGD, targeted DLR",
    "square": "Square",
    "adaptive": "APGD through a stand-in",
    FMN: "minimum-norm (FMN)",
}
BLACK_BOX = ("square",)  # take no gradient


@dataclass(frozen=True)
class Signs:
    """Signs of masked gradients. The first three are of the model, the rest shares of the images that it classifies
    correctly:
    the gradient of the cross entropy is 0; the gradient is not finite, or promises ten times what a small step along it
    gives; a small step along it does not raise the loss; wrong somewhere along the FGSM step, right again at its
    end."""

    random_outputs: bool
    probabilities: bool
    optimises: bool
    zero_gradient: float
    wild_gradient: float
    flat_loss: float
    right_again: float


@dataclass(frozen=True)
class Gate:
    """A comparison that must hold before accuracies under attack are believed; ``message`` has its numbers, and what
    they should be."""

    name: str
    passed: bool
    message: str


@dataclass(frozen=True)
class Line:
    """The cross entropy at a ``distance`` from the images in a ``direction``: median, and quartiles ``low`` and
    ``high``."""

    direction: str
    distance: float
    loss: float
    low: float
    high: float


@dataclass(frozen=True)
class Smallest:
    """Of ``n`` test images of a class: the median of the smallest radii at which they are wrong."""

    label: str
    n: int
    radius: float


@dataclass(frozen=True)
class Worst:
    """What all attacks within a radius left right."""

    epsilon: float
    accuracy: Interval


@dataclass(frozen=True)
class Audit:
    """Of the stage `audit`: ``n`` test images. ``attacks`` are accuracies after each attack and those before it;
    ``worst`` after all of them and those of the sweep; ``curve`` the same at further radii, where only the
    minimum-norm attack was run; ``pgd`` and ``fgsm`` are those of the stage `fgsm_sweep` on the same images.
    ``signs`` and ``lines`` are of ``signs_n`` images."""

    CHART: ClassVar = "gates"

    metrics: dict[str, Interval | float]
    n: int
    source: str
    steps: int
    clean: Interval
    fgsm: Interval
    pgd: Interval
    attacks: tuple[Attacked, ...]
    worst: tuple[Worst, ...]
    curve: tuple[Worst, ...]
    smallest: tuple[Smallest, ...]
    gate_epsilon: float
    gates: tuple[Gate, ...]
    signs_n: int
    signs: Signs
    lines: tuple[Line, ...]

    def left(self, epsilon: float) -> Interval:
        """The robust accuracy at an audited radius. Raises `LookupError` where there was none."""
        for row in self.worst:
            if row.epsilon == epsilon:
                return row.accuracy
        raise LookupError(f"no audit at {epsilon:g}")

    def failed(self) -> list[Gate]:
        return [gate for gate in self.gates if not gate.passed]
