"""Results of training an encoder without labels: records, without torch."""

from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True)
class Curve:
    """A scalar that an objective returns at every step: its ``key`` and its name. ``constant`` ones hardly change from
    epoch to epoch and are left out of the log."""

    key: str
    name: str
    constant: bool = False


@dataclass(frozen=True)
class Panel:
    """Curves of one chart, by epoch, and also by batch where they say so."""

    title: str
    curves: tuple[Curve, ...]
    by_batch: bool = True


@dataclass(frozen=True)
class Reporting:
    """How a method is reported: the panels of its curves; the ``columns`` of its table, which are also its metrics; the
    captions of the table and of the chart over batches."""

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
    """``n`` training images of ``source``; ``monitored`` test images are monitored each epoch and never used for
    selection. The metrics are ``reporting.columns`` on these, in the last epoch, and the effective rank; ``axes`` are
    those of their embeddings. ``processor`` computed it."""

    CHART: ClassVar = "axes"

    metrics: dict[str, float]
    n: int
    source: str
    processor: str
    monitored: int
    epochs: int
    parameters: int
    method: str
    reporting: Reporting
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
    """Of the stage `laplacian_eigenmaps`: a graph of ``n`` images with ``pieces`` connected components."""

    CHART: ClassVar = "spectrum"

    metrics: EigenmapsMetrics
    n: int
    source: str
    pieces: int
    spectrum: tuple[Eigenvalue, ...]
