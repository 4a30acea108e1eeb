"""Accuracy of a linear probe against the number of dimensions of the embedding.

N training images, M test images, D dimensions of the embedding, W features of what it was made from.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar, NamedTuple

import numpy as np
from pydantic import Field, PositiveInt

from visrep.data.store import ImageSet
from visrep.measures import probes, statistics
from visrep.records import Column, Interval, Tabulated, data
from visrep.settings.base import Section


class Settings(Section):
    widths: Annotated[tuple[PositiveInt, ...], Field(min_length=1)]  # dimensions, where an embedding has so many
    widest: PositiveInt


class Parts(NamedTuple):
    """Of one encoder: the training and test embeddings (N, D) and (M, D), the most important dimension first where they
    are ``ordered``; and all features (N, W) and (M, W) that they were made from, where they are a map of some."""

    train: np.ndarray
    test: np.ndarray
    ordered: bool
    full: tuple[np.ndarray, ...] | None


@dataclass(frozen=True)
class Point:
    """Accuracy of a linear probe in ``width`` dimensions, percent, with its 95 % interval."""

    width: int
    accuracy: float
    low: float
    high: float


@dataclass(frozen=True)
class Result:
    """``n`` test images, of which the most frequent class makes ``chance`` percent."""

    CHART: ClassVar = "points"

    metrics: dict[str, Interval]
    n: int
    source: str
    chance: float
    points: tuple[Point, ...]

    def at(self, width: int) -> Interval:
        """In so many dimensions, or in as many as there are at most."""
        point = next((point for point in self.points if point.width >= width), self.points[-1])
        return Interval(point.accuracy, point.low, point.high)


def evaluate(parts: Parts, images: ImageSet, settings: Settings, choice: probes.Choice) -> Result:
    """The probe is `probes.logistic` in every width, its strength chosen by ``choice`` each time."""
    truth, points = images.test.labels, {}
    for width, (train, test) in _each(parts, settings).items():
        predicted = probes.logistic(train, images.train.labels, test, choice).predicted
        points[width] = statistics.accuracy(predicted, truth)
    return Result(
        metrics={f"accuracy_{width}": accuracy for width, accuracy in points.items()},
        n=len(truth),
        source=images.source,
        chance=statistics.chance(truth),
        points=tuple(Point(width, accuracy.value, accuracy.low, accuracy.high) for width, accuracy in points.items()),
    )


def _each(parts: Parts, settings: Settings) -> Mapping[int, tuple[np.ndarray, np.ndarray]]:
    """By width, the embedding's own among them. Embeddings without an order of their own are turned to their principal
    axes."""
    train, test = parts.train, parts.test
    if not parts.ordered:
        mean = train.mean(0, dtype=np.float64)
        *_, axes = np.linalg.svd(train - mean, full_matrices=False)
        train, test = ((x - mean) @ axes.T for x in (train, test))
    own = train.shape[1]
    narrower = sorted({min(width, own) for width in (*settings.widths, own)})
    widths = {width: (train[:, :width], test[:, :width]) for width in narrower}
    if parts.full is not None:
        train, test = parts.full
        widths[train.shape[1]] = train, test
    return widths


def tabulated(result: Result) -> Tabulated:
    widths = [point.width for point in result.points[:-1]]
    return Tabulated(
        title="How many dimensions does a probe need?",
        text="A linear probe on the first dimensions of an embedding only: in its own order where it has one, else "
        "along its principal axes. The last column is all features of pixels and patches, before they are reduced to "
        "the others.",
        data=data(result.source, result.n, "test images"),
        columns=(
            *(_column(width) for width in widths),
            Column("widest", "all", read=lambda result: result.at(result.points[-1].width)),
            Column("width", "all are", read=lambda result: result.points[-1].width, digits=0),
        ),
        more="Accuracy of a linear probe, in percent, by number of dimensions",
    )


def _column(width: int) -> Column:
    return Column(f"accuracy_{width}", f"{width:,}", read=lambda result: result.at(width))
