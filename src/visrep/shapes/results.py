"""Results of encoders of drawn shapes: records, without torch. Measurements in percent."""

from dataclasses import dataclass
from typing import ClassVar

from visrep.records import Interval

TRAINING, NEW = "training images", "new images"
KEPT, LOST = "kept", "lost"
CONFIRMED, REFUTED, UNDECIDED = "confirmed", "refuted", "undecided"
AGREEMENT, PROBE, MOVEMENT = "agreement", "probe", "movement"


@dataclass(frozen=True)
class Similarity:
    """Of the stage `similarity`: numbers of images trained on (``n``) and for ``validation``. ``chance`` and ``bound``
    of the loss on the latter: that of an encoder without information, and a lower bound. ``shared_by_chance``: percent
    of random pairs that share each factor; ``processor`` computed it."""

    n: int
    validation: int
    source: str
    processor: str
    loss: str
    varied: tuple[str, ...] | None
    chance: float
    bound: float
    shared_by_chance: dict[str, float]
    epochs: int
    parameters: int


@dataclass(frozen=True)
class Measurement:
    """An ``evaluation`` of one ``factor`` on ``n`` ``images`` of one kind: a value with its interval; the value by
    ``chance``, and that of an encoder that keeps all of the factor (``full``); the share of the way between the two;
    the prediction, and whether the interval confirms it. ``scored`` names the row."""

    images: str
    factor: str
    evaluation: str
    scored: str
    n: int
    value: float
    low: float
    high: float
    chance: float
    full: float
    share_kept: float
    prediction: str
    verdict: str

    @property
    def interval(self) -> Interval:
        return Interval(self.value, self.low, self.high)


@dataclass(frozen=True)
class Spread:
    """Mean and quantiles over sets."""

    mean: float
    q10: float
    q50: float
    q90: float


@dataclass(frozen=True)
class Neighbors:
    """Indices: an image, and the training images nearest to it."""

    query: int
    near: tuple[int, ...]


@dataclass(frozen=True)
class Factors:
    """Of the stage `factors`: ``n`` images by kind; ``k`` neighbors. ``verdicts`` count predictions by kind,
    evaluation and verdict. Of ``sets`` of ``redrawn`` pictures each: their diameters, margins, and the percent that lie
    farther from others than they are wide. ``shown`` are some random images of each kind with their neighbors."""

    CHART: ClassVar = "rows"

    metrics: dict[str, Interval | float]
    n: dict[str, int]
    source: str
    varied: tuple[str, ...] | None
    k: int
    definition: str
    rows: tuple[Measurement, ...]
    verdicts: dict[str, dict[str, dict[str, int]]]
    sets: int
    redrawn: int
    diameter: Spread
    margin: Spread
    separated: float
    alignment: float
    uniformity: float
    shown: dict[str, tuple[Neighbors, ...]]

    def read(self, images: str, evaluation: str) -> list[Measurement]:
        """The rows of one evaluation on one kind of images, factor by factor."""
        return [row for row in self.rows if (row.images, row.evaluation) == (images, evaluation)]
