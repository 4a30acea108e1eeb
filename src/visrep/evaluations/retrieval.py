"""Nearest and farthest training images of test images: whether they share the class, the color or the background, and
which are retrieved most often.

Q queries, k retrieved for each, N training images, K classes, D dimensions. ``retrieved`` (Q, k) are indices of
training images.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
from pydantic import NonNegativeInt
from scipy.spatial import KDTree

from visrep.data.store import ImageSet
from visrep.measures import neighbors, statistics
from visrep.records import Column, Tabulated, data
from visrep.settings.base import Section

FOUND = 5  # images, as in the reports
ALIKE = 0.1  # share of the training images, the nearest in mean color, that count as of the color of a query
RIM = 4  # pixels at each border that count as background


class Settings(Section):
    seed: NonNegativeInt


@dataclass(frozen=True)
class Metrics:
    """``color_at_5`` and ``background_at_5``: the percent of the nearest that are among the tenth of the training
    images which come nearest to the query in mean color, of the whole image and of its border."""

    precision_at_5: float
    class_farthest_agreement: float
    color_at_5: float
    background_at_5: float


@dataclass(frozen=True)
class Query:
    """Indices: a test image, its nearest and its farthest training images."""

    query: int
    near: tuple[int, ...]
    far: tuple[int, ...]


@dataclass(frozen=True)
class Hub:
    """How often a training ``image`` is among the farthest."""

    image: int
    appearances: int


@dataclass(frozen=True)
class ClassPrecision:
    label: str
    queries: int
    precision: float


@dataclass(frozen=True)
class Result:
    """``n`` queries; of random training images ``chance`` percent have the query's class."""

    CHART: ClassVar = "per_class"

    metrics: Metrics
    n: int
    source: str
    chance: float
    queries: tuple[Query, ...]
    hubs: tuple[Hub, ...]
    per_class: tuple[ClassPrecision, ...]


def evaluate(train: np.ndarray, test: np.ndarray, images: ImageSet, settings: Settings) -> Result:
    """Of the embeddings (N, D) and (Q, D) of ``images``; test images are the queries."""
    labels, truth = images.train.labels, images.test.labels
    near, far = neighbors.nearest(test, train, FOUND).index, neighbors.farthest(test, train, FOUND).index
    picked = queries(truth, len(images.classes), settings.seed)
    return Result(
        metrics=Metrics(
            precision(near, labels, truth),
            precision(far, labels, truth),
            *(alike(near, mean(images.train.images), mean(images.test.images)) for mean in (colors, backgrounds)),
        ),
        n=len(truth),
        source=images.source,
        chance=statistics.agreement_by_chance(labels, truth),
        queries=tuple(Query(int(q), tuple(near[q].tolist()), tuple(far[q].tolist())) for q in picked),
        hubs=tuple(Hub(*hub) for hub in hubs(far, FOUND)),
        per_class=per_class(near, labels, truth, images.classes),
    )


def tabulated(result: Result) -> Tabulated:
    return Tabulated(
        title="What is near an image, and what is far?",
        text="Good neighbors share the class rather than the color. The farthest images are often the same few for all "
        "queries.",
        data=data(result.source, result.n, "test images as queries"),
        columns=(
            Column(
                "precision_at_5",
                "precision at 5",
                read=lambda result: result.metrics.precision_at_5,
                chance=lambda result: result.chance,
                caption="How many of the five nearest have the query's class, in percent. Floor: chance. Five "
                "answers to one query are no independent trials, so there is no interval.",
                headline=True,
            ),
            Column(
                "class_farthest_agreement",
                "the same of the farthest",
                read=lambda result: result.metrics.class_farthest_agreement,
            ),
            Column(
                "color_at_5",
                "of the query's color",
                read=lambda result: result.metrics.color_at_5,
                chance=lambda _: 100 * ALIKE,
                caption="How many of the five nearest are among the tenth of the training images that come nearest "
                "to the query in mean color, in percent. Baseline: a tenth.",
            ),
            Column(
                "background_at_5",
                "of its background",
                read=lambda result: result.metrics.background_at_5,
                chance=lambda _: 100 * ALIKE,
                caption=f"The same by the mean color of the outer {RIM} pixels.",
            ),
        ),
        more="Nearest and farthest, in percent",
    )


def precision(retrieved: np.ndarray, train_labels: np.ndarray, labels: np.ndarray) -> float:
    """Percent of the retrieved images that have their query's class; ``labels`` (Q,) are the queries'. It should
    be low for the farthest."""
    return float(np.mean(train_labels[retrieved] == labels[:, None]) * 100)


def colors(images: np.ndarray) -> np.ndarray:
    """(N, 3) mean colors of (N, S, S, 3), in grey levels."""
    mean: np.ndarray = images.mean((1, 2), dtype=np.float64)
    return mean


def backgrounds(images: np.ndarray) -> np.ndarray:
    """`colors` of the outermost pixels alone."""
    inner = images[:, RIM:-RIM, RIM:-RIM]
    sums = images.sum((1, 2), dtype=np.float64) - inner.sum((1, 2), dtype=np.float64)
    mean: np.ndarray = sums / (images.shape[1] ** 2 - inner.shape[1] ** 2)
    return mean


def alike(retrieved: np.ndarray, train: np.ndarray, queries: np.ndarray) -> float:
    """Percent of the retrieved images (Q, k) that are no farther from their query than the nearest tenth of all, by
    mean colors (N, 3) and (Q, 3)."""
    tree, count = KDTree(train), max(1, round(ALIKE * len(train)))
    within = tree.query(queries, k=[count])[0][:, 0]
    apart = np.linalg.norm(train[retrieved] - queries[:, None], axis=2)
    return float(np.mean(apart <= within[:, None] * (1 + 1e-9)) * 100)


def queries(labels: np.ndarray, classes: int, seed: int) -> np.ndarray:
    """The index of one random image of each class, by class; a class without images is left out."""
    owned = [(k, np.flatnonzero(labels == k)) for k in range(classes)]
    return np.array([np.random.default_rng([seed, k]).choice(own) for k, own in owned if len(own)], np.int64)


def hubs(retrieved: np.ndarray, count: int) -> list[tuple[int, int]]:
    """(image, appearances) of the ``count`` training images that are retrieved most often, equal ones by index."""
    appearances = np.bincount(retrieved.ravel())
    order = np.argsort(-appearances, kind="stable")[:count]
    return [(int(i), int(appearances[i])) for i in order if appearances[i]]


def per_class(
    retrieved: np.ndarray, train_labels: np.ndarray, labels: np.ndarray, classes: Sequence[str]
) -> tuple[ClassPrecision, ...]:
    """`precision` of the queries of each class that has any."""
    owned = [(name, labels == k) for k, name in enumerate(classes)]
    return tuple(
        ClassPrecision(name, int(own.sum()), precision(retrieved[own], train_labels, labels[own]))
        for name, own in owned
        if own.any()
    )
