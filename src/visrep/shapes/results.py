"""What encoders of drawn shapes learned, and which factors they keep: records, without torch. Readings in percent."""

from dataclasses import dataclass
from typing import ClassVar

from visrep.records import Interval

TRAINING, NEW = "training images", "new images"
KEPT, LOST = "kept", "lost"
CONFIRMED, REFUTED, UNDECIDED = "confirmed", "refuted", "undecided"
AGREEMENT, PROBE, MOVEMENT = "agreement", "probe", "movement"


@dataclass(frozen=True)
class Similarity:
    """Of the stage `similarity`: images trained on (``n``) and ``held_out``. ``chance`` and ``floor`` of the loss on
    the latter: what an encoder reaches that tells nothing, and what none gets below. ``shared_by_chance``: percent of
    random pairs that share each factor; ``processor`` is what computed."""

    n: int
    held_out: int
    source: str
    processor: str
    loss: str
    varied: tuple[str, ...] | None
    chance: float
    floor: float
    shared_by_chance: dict[str, float]
    epochs: int
    parameters: int


@dataclass(frozen=True)
class Reading:
    """Which kind of ``images`` a ``reader`` was given, ``n`` of them, and what it says of a ``factor``: a value with
    its interval; what knowing nothing gets (``chance``) and what keeping the factor wholly gets (``full``); the share
    of the way between the two; what was predicted, and whether the interval confirms it. ``scored`` names the row."""

    images: str
    factor: str
    reader: str
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
    """Of the stage `factors`: ``n`` images by kind; ``k`` neighbours. ``verdicts`` by kind, reader and verdict count
    predictions. Of ``sets`` of ``redrawn`` pictures each: their diameters, margins, and the percent that lie farther
    from others than they are wide. ``shown`` are some random images of each kind with their neighbours."""

    CHART: ClassVar = "rows"

    metrics: dict[str, Interval | float]
    n: dict[str, int]
    source: str
    varied: tuple[str, ...] | None
    k: int
    definition: str
    rows: tuple[Reading, ...]
    verdicts: dict[str, dict[str, dict[str, int]]]
    sets: int
    redrawn: int
    diameter: Spread
    margin: Spread
    separated: float
    alignment: float
    uniformity: float
    shown: dict[str, tuple[Neighbors, ...]]

    def read(self, images: str, reader: str) -> list[Reading]:
        """The rows of one reader of one kind of images, factor by factor."""
        return [row for row in self.rows if (row.images, row.reader) == (images, reader)]
