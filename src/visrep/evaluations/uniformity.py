"""Alignment and uniformity on the unit sphere (Wang and Isola 2020, section 4.1), with pairs of one class as positives,
and the density of the embedding.

N images, D dimensions.
"""

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from pydantic import NonNegativeInt, PositiveFloat, PositiveInt

from visrep.data import store
from visrep.data.store import ImageSet
from visrep.measures import geometry, neighbors, scalings
from visrep.records import Column, Tabulated, data
from visrep.settings.base import Section


class Settings(Section):
    seed: NonNegativeInt
    points: PositiveInt  # their number squared is held in memory
    sharpness: PositiveFloat  # t in the paper
    k: PositiveInt


@dataclass(frozen=True)
class Metrics:
    """``neighbor_distance`` is the mean distance to the k-th nearest image, as a share of the distance of two images
    taken at random (root mean square); ``intrinsic_dimension`` as `geometry.intrinsic_dimension` has it."""

    alignment: float
    uniformity: float
    neighbor_distance: float
    intrinsic_dimension: float


@dataclass(frozen=True)
class ClassAlignment:
    label: str
    alignment: float


@dataclass(frozen=True)
class Result:
    """``n`` test images; the density is by the ``k`` nearest."""

    CHART: ClassVar = "per_class"

    metrics: Metrics
    n: int
    source: str
    k: int
    per_class: tuple[ClassAlignment, ...]


def evaluate(test: np.ndarray, images: ImageSet, settings: Settings) -> Result:
    """Of the embeddings (N, D) of the test images."""
    index = store.sample(len(test), settings.points, settings.seed)
    x, labels = scalings.unit(test[index]).astype(np.float64), images.test.labels[index]
    classes = {images.classes[k]: x[labels == k] for k in np.unique(labels)}
    pairs = np.array([len(own) * (len(own) - 1) / 2 for own in classes.values()])
    summed = np.array([len(own) * np.square(own - own.mean(0)).sum() for own in classes.values()])  # over all pairs
    each = np.divide(summed, pairs, out=np.zeros(len(pairs)), where=pairs > 0)
    alignment = float(summed.sum() / max(pairs.sum(), 1))
    k = min(settings.k, len(x) - 1)
    return Result(
        metrics=Metrics(alignment, geometry.uniformity(x, settings.sharpness), *_density(x, k)),
        n=len(x),
        source=images.source,
        k=k,
        per_class=tuple(ClassAlignment(name, float(own)) for name, own in zip(classes, each, strict=True)),
    )


def _density(x: np.ndarray, k: int) -> tuple[float, float]:
    """How far the k-th nearest is, and the intrinsic dimension, of (N, D)."""
    apart = np.sqrt(geometry.spread(x))
    if k < 2 or apart == 0:
        return 0.0, 0.0
    distance = neighbors.nearest(x, x, k, itself=True).distance
    return float(distance[:, -1].mean() / apart), geometry.intrinsic_dimension(distance)


def tabulated(result: Result) -> Tabulated:
    return Tabulated(
        title="Are images of one class close, and all images spread evenly?",
        text="For embeddings of length 1, alignment is the mean squared distance of two images of one class: 0 where "
        "all are equal, 2 where they are unrelated. Uniformity is lower the more evenly all images spread, and 0 "
        "where all are equal. Either is easy alone; a good embedding has both. The density is measured by the "
        f"{result.k} nearest other images: how far the last of them is, as a share of the distance of two random "
        "images (less is denser), and how many dimensions images fill around each image (Levina and Bickel).",
        data=data(result.source, result.n, "test images"),
        columns=(
            Column("alignment", "alignment", read=lambda result: result.metrics.alignment, digits=3),
            Column("uniformity", "uniformity", read=lambda result: result.metrics.uniformity, digits=2),
            Column(
                "neighbor_distance",
                "distance to the k-th nearest",
                read=lambda result: result.metrics.neighbor_distance,
                digits=3,
            ),
            Column(
                "intrinsic_dimension", "intrinsic dimension", read=lambda result: result.metrics.intrinsic_dimension
            ),
        ),
        more="Alignment, uniformity and density",
    )
