"""k-means clusters of an embedding, how well separated they are, and whether they are classes.

N images, D dimensions, K clusters or groups, F measured features; distances are Euclidean.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import ClassVar, NamedTuple

import numpy as np
from pydantic import PositiveInt
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist
from threadpoolctl import threadpool_limits

from visrep.data.store import ImageSet
from visrep.measures.spread import ROUNDING
from visrep.records import Column, Interval, Tabulated, data
from visrep.settings.base import Section, Seed32

SHORTER = 1 - 64 * 2.0**-52  # times a squared length, so that its rounding in a product cannot make up for it


class Settings(Section):
    seed: Seed32
    restarts: PositiveInt
    runs: PositiveInt


@dataclass(frozen=True)
class Metrics:
    silhouette: float
    nmi: float
    ari: float
    accuracy: float


@dataclass(frozen=True)
class Range:
    """Of a number over several runs."""

    low: float
    high: float


@dataclass(frozen=True)
class Ranges:
    """Of each of the `Metrics`."""

    silhouette: Range
    nmi: Range
    ari: Range
    accuracy: Range


@dataclass(frozen=True)
class Cell:
    """How many images of the class ``label`` fall into a ``cluster``, and what percent of the class."""

    label: str
    cluster: int
    count: int
    percent: float


@dataclass(frozen=True)
class Result:
    """``n`` training images; distances by ``metric``. The metrics are those of the first of ``runs`` of k-means, the
    ``ranges`` over all. For comparison the silhouette of the true classes, and of the same classes shuffled among the
    images; and the share in [0, 1] of the variance of the images' mean color that lies between clusters, and between
    classes."""

    CHART: ClassVar = "counts"

    metrics: Metrics
    n: int
    source: str
    metric: str
    runs: int
    ranges: Ranges
    silhouette_of_classes: float
    silhouette_at_random: float
    color_explained_by_clusters: float
    color_explained_by_classes: float
    counts: tuple[Cell, ...]


def evaluate(train: np.ndarray, images: ImageSet, settings: Settings) -> "tuple[Result, Clusters]":
    """Of the embeddings (N, D) of the training images: as many clusters as there are classes."""
    labels, seeds = images.train.labels, [(settings.seed + run) % 2**32 for run in range(settings.runs)]
    runs = [kmeans(train, len(images.classes), seed, settings.restarts) for seed in seeds]
    clusters = runs[0]
    shuffled = np.random.default_rng(settings.seed).permutation(labels)
    of_classes, at_random, *silhouettes = each_silhouette(train, [labels, shuffled, *(run.labels for run in runs)])
    metrics_of_runs = [
        Metrics(tightness, nmi(labels, run.labels), ari(labels, run.labels), matched_accuracy(labels, run.labels))
        for tightness, run in zip(silhouettes, runs, strict=True)
    ]
    values = {field.name: [getattr(metrics, field.name) for metrics in metrics_of_runs] for field in fields(Metrics)}
    color = images.train.images.mean((1, 2), dtype=np.float64)  # (N, 3)
    result = Result(
        metrics=metrics_of_runs[0],
        n=len(labels),
        source=images.source,
        metric="Euclidean",
        runs=settings.runs,
        ranges=Ranges(**{name: Range(min(each), max(each)) for name, each in values.items()}),
        silhouette_of_classes=of_classes,
        silhouette_at_random=at_random,
        color_explained_by_clusters=explained(color, clusters.labels),
        color_explained_by_classes=explained(color, labels),
        counts=table(labels, clusters.labels, images.classes),
    )
    return result, clusters


def tabulated(result: Result) -> Tabulated:
    return Tabulated(
        title="Do clusters find classes?",
        text="k-means with as many clusters as classes. The silhouette measures how tight clusters are, whatever "
        "they contain; NMI and ARI how well they match the classes (0 by chance, 1 for a perfect match). Tight "
        "clusters need not be classes: they may follow color, or the few directions of a collapsed embedding; and "
        f"classes need not be tight. Small print: the range over {result.runs} runs of k-means.",
        data=data(result.source, result.n, "training images"),
        columns=(
            Column(
                "silhouette",
                "silhouette",
                read=lambda result: _ranged(result.metrics.silhouette, result.ranges.silhouette),
                digits=3,
                caption=f"Silhouette of the clusters, by {result.metric} distance: from -1 to 1, tight clusters are "
                "near 1.",
                percent=False,
                headline=True,
            ),
            Column(
                "nmi",
                "NMI",
                read=lambda result: _ranged(result.metrics.nmi, result.ranges.nmi),
                digits=3,
                caption="NMI of the clusters and the classes: 0 by chance, 1 where they are the same.",
                percent=False,
                headline=True,
            ),
            Column("ari", "ARI", read=lambda result: result.metrics.ari, digits=3),
            Column("accuracy", "accuracy, %", read=lambda result: result.metrics.accuracy),
            Column("classes", "silhouette of the classes", read=lambda result: result.silhouette_of_classes, digits=3),
            Column("random", "of shuffled classes", read=lambda result: result.silhouette_at_random, digits=3),
        ),
        more="Clusters compared with classes, and how tight the classes are",
    )


def _ranged(value: float, over: Range) -> Interval:
    return Interval(value, over.low, over.high)


class Clusters(NamedTuple):
    """``labels`` (N,) int64, cluster 0 the largest; ``centroids`` (K, D) float64, the means; ``inertia``, the sum of
    squared distances to them."""

    labels: np.ndarray
    centroids: np.ndarray
    inertia: float


def kmeans(x: np.ndarray, clusters: int, seed: int, restarts: int) -> Clusters:
    """The tightest of several k-means of ``x`` (N, D), each started by k-means++ (Arthur and Vassilvitskii 2007).

    The restarts run in float32 on a centred and scaled copy; the best goes on in float64 until no label changes. Where
    fewer than ``clusters`` rows differ, there are as many clusters as rows that do.
    """
    from sklearn.cluster import KMeans  # here, since reading results does not need it
    from sklearn.exceptions import ConvergenceWarning

    x = x.astype(np.float64)
    centred = x - x.mean(0)
    centred /= np.abs(centred).max() or 1.0
    count = min(clusters, len(x))
    # scikit-learn adds up what its threads found in the order in which they end, so there must be only one
    with threadpool_limits(1, "openmp"), warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # fewer distinct rows than clusters
        rough = KMeans(count, n_init=restarts, random_state=seed).fit(centred.astype(np.float32))
        start = rough.cluster_centers_.astype(np.float64)
        exact = KMeans(count, init=start, n_init=1, tol=0, max_iter=10_000, random_state=seed).fit(centred)
    labels = _ordered(exact.labels_)
    centroids = np.stack([x[labels == cluster].mean(0) for cluster in range(labels.max() + 1)])
    return Clusters(labels, centroids, float(((x - centroids[labels]) ** 2).sum()))


def _ordered(labels: np.ndarray) -> np.ndarray:
    """The same partition numbered by size, largest first, and then by first member, whatever its numbers were."""
    _, first, which, size = np.unique(labels, return_index=True, return_inverse=True, return_counts=True)
    numbers: np.ndarray = np.argsort(np.lexsort((first, -size)))[which]
    return numbers


def distances(x: np.ndarray, centroids: np.ndarray) -> np.ndarray:
    """(M, K) from each row of ``x`` (M, D) to each of the ``centroids`` (K, D); the least names its cluster."""
    distances: np.ndarray = cdist(x, centroids)
    return distances


def silhouette(x: np.ndarray, labels: np.ndarray, block: int = 512) -> float:
    """The mean silhouette of all images (Rousseeuw 1987): (b - a) / max(a, b), where a is the mean distance to the
    other members of the own cluster and b the least mean distance to another cluster.

    An image alone in its cluster scores 0 (as in the paper), one with a = b = 0 too, and a single cluster is 0 as a
    whole. Exact: all distances, in float64, ``block`` by ``block`` of them at once.
    """
    return each_silhouette(x, [labels], block)[0]


def each_silhouette(x: np.ndarray, labellings: Sequence[np.ndarray], block: int = 512) -> list[float]:
    """`silhouette` under each of several labellings (N,), for the price of one: they share the distances."""
    clusters = [np.unique(labels, return_inverse=True)[1] for labels in labellings]
    members = [np.eye(which.max() + 1)[which] for which in clusters]
    sums = _sums(x, np.hstack(members), block)
    ends = np.cumsum([part.shape[1] for part in members])[:-1]
    return [_silhouette(*pair) for pair in zip(np.split(sums, ends, 1), members, strict=True)]


def _silhouette(sums: np.ndarray, members: np.ndarray) -> float:
    """Of the `_sums` (N, K) of distances to the ``members`` (N, K) of each cluster."""
    size, which, everyone = members.sum(0), members.argmax(1), np.arange(len(members))
    if len(size) < 2:
        return 0.0
    own = sums[everyone, which] / np.maximum(size[which] - 1, 1)
    means = sums / size
    means[everyone, which] = np.inf
    other = means.min(1)
    larger = np.maximum(own, other)
    scores = np.divide(other - own, larger, out=np.zeros(len(own)), where=(size[which] > 1) & (larger > 0))
    return float(scores.mean())


def _sums(x: np.ndarray, members: np.ndarray, block: int) -> np.ndarray:
    """(N, K) sums of the distances of each row of ``x`` (N, D) to the rows that ``members`` (N, K) in {0, 1} names.

    A block of distances above the diagonal serves its rows and, transposed, its columns. The squares come out of one
    product, (x, |x|^2, 1) with (-2 y, 1, |y|^2), on centred rows; the lengths are shortened by more than float64 loses,
    so that duplicates are at 0 and not at the root of a rounding error.
    """
    x = x.astype(np.float64)
    x -= x.mean(0)
    length, one = np.vecdot(x, x) * SHORTER, np.ones(len(x))
    left, right = np.column_stack([x, length, one]), np.column_stack([-2 * x, one, length])
    sums = np.zeros(members.shape)
    for start in range(0, len(x), block):
        rows = slice(start, start + block)
        for first in range(start, len(x), block):
            columns = slice(first, first + block)
            distance = left[rows] @ right[columns].T
            np.sqrt(np.maximum(distance, 0, out=distance), out=distance)
            sums[rows] += distance @ members[columns]
            if first > start:
                sums[columns] += distance.T @ members[rows]
    return sums


def nmi(labels: np.ndarray, clusters: np.ndarray) -> float:
    """Mutual information of two (N,) labellings over the mean of their entropies; 1 if both are constant."""
    from sklearn.metrics import normalized_mutual_info_score

    return float(normalized_mutual_info_score(labels, clusters))


def ari(labels: np.ndarray, clusters: np.ndarray) -> float:
    """Adjusted Rand index of two (N,) labellings: 0 in expectation at random; 1 if both are constant."""
    from sklearn.metrics import adjusted_rand_score

    return float(adjusted_rand_score(labels, clusters))


def matched_accuracy(labels: np.ndarray, clusters: np.ndarray) -> float:
    """Percent of (N,) images in the cluster matched to their class, under the best matching of each cluster to at most
    one class and each class to at most one cluster (Kuhn 1955)."""
    (classes, kinds), (occupied, groups) = (np.unique(x, return_inverse=True) for x in (labels, clusters))
    counts = np.bincount(kinds * len(occupied) + groups, minlength=len(classes) * len(occupied))
    counts = counts.reshape(len(classes), len(occupied))
    return float(counts[linear_sum_assignment(counts, maximize=True)].sum() / len(labels) * 100)


def explained(values: np.ndarray, groups: np.ndarray) -> float:
    """Share in [0, 1] of the variance of ``values`` (N, F) that lies between the groups (N,): eta squared, summed over
    features. About (K - 1) / (N - 1) by chance. 0 where the values vary no more than rounding to float32 makes them."""
    values = values.astype(np.float64)
    centred = values - values.mean(0)
    total = (centred**2).sum()
    if total <= ROUNDING**2 * (values**2).sum():
        return 0.0
    _, which, size = np.unique(groups, return_inverse=True, return_counts=True)
    sums = np.zeros((len(size), values.shape[1]))
    np.add.at(sums, which, centred)
    return float(min((sums**2 / size[:, None]).sum() / total, 1.0))


def table(labels: np.ndarray, clusters: np.ndarray, classes: Sequence[str]) -> tuple[Cell, ...]:
    """A cell for each pair of class and cluster."""
    counts = np.zeros((len(classes), int(clusters.max()) + 1), int)
    np.add.at(counts, (labels, clusters), 1)
    shares = counts / counts.sum(1, keepdims=True).clip(1) * 100
    return tuple(Cell(classes[k], c, int(count), float(shares[k, c])) for (k, c), count in np.ndenumerate(counts))
