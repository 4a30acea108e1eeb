"""What the training of an encoder without labels leaves behind: records, without torch."""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class Curve:
    """A scalar that an objective tells at every step, by its ``key`` there, and what it is called. ``constant`` ones
    hardly change from epoch to epoch and are left out of the log."""

    key: str
    name: str
    constant: bool = False


@dataclass(frozen=True)
class Panel:
    """Curves that are drawn together by epoch, and by batch too where they say so."""

    title: str
    curves: tuple[Curve, ...]
    by_batch: bool = True


@dataclass(frozen=True)
class Telling:
    """What is worth telling of a method: how its curves are drawn; the ``columns`` of its table, which are also the
    numbers of its metrics file; what the table and the chart over batches say."""

    panels: tuple[Panel, ...]
    columns: tuple[Curve, ...]
    table: str
    batches: str


@dataclass(frozen=True)
class Axis:
    """``std`` is the ``axis``-th largest standard deviation of a dimension, ``share`` that of the variance along the
    ``axis``-th principal axis."""

    axis: int
    std: float
    share: float


@dataclass(frozen=True)
class Training:
    """``n`` training images of ``source``; ``watched`` test images are monitored each epoch and never used for
    selection. The metrics are ``telling.columns`` on these, in the last epoch, and the effective rank; ``axes`` are
    those of their embeddings. ``processor`` is what computed."""

    CHART: ClassVar = "axes"

    metrics: dict[str, float]
    n: int
    source: str
    processor: str
    watched: int
    epochs: int
    parameters: int
    method: str
    telling: Telling
    axes: tuple[Axis, ...]

    @property
    def effective_rank(self) -> float:
        return self.metrics["effective_rank"]


@dataclass(frozen=True)
class EigenmapsMetrics:
    effective_rank: float
    residual: float


@dataclass(frozen=True)
class Eigenvalue:
    place: int
    eigenvalue: float


@dataclass(frozen=True)
class Eigenmaps:
    """Of the stage `laplacian_eigenmaps`: a graph of ``n`` images that falls into so many ``pieces``."""

    CHART: ClassVar = "spectrum"

    metrics: EigenmapsMetrics
    n: int
    source: str
    pieces: int
    spectrum: tuple[Eigenvalue, ...]
