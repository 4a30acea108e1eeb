"""Maps of an embedding in two dimensions - PCA, t-SNE and UMAP - and their trustworthiness.

N training images, M points, D dimensions.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Annotated, ClassVar, NamedTuple

import numpy as np
from pydantic import Field, PositiveFloat, PositiveInt
from scipy.spatial.distance import cdist

from visrep.data import store
from visrep.data.store import ImageSet
from visrep.errors import Failure
from visrep.files import significant
from visrep.measures import neighbors, spread, statistics
from visrep.records import Column, Interval, Tabulated, data
from visrep.settings.base import Section, Seed32

BLOCK = 1 << 22  # float64 numbers held at once, 32 MiB
INTERPOLATED = (
    5000  # points from which interpolated repulsion costs t-SNE less than its tree does: 38 s against 66 at 8,000
)

CHARTED = 300  # points of a chart of `dvc plots`, at most; the figures show all


class Settings(Section):
    seed: Seed32
    points: Annotated[int, Field(ge=10)]
    perplexity: PositiveFloat
    neighbors: PositiveInt
    umap: bool


@dataclass(frozen=True)
class Trust:
    """Of one ``map``: percent of its points whose class most of their nearest points have, and `trustworthiness`."""

    map: str
    knn_accuracy: float
    trustworthiness: float


@dataclass(frozen=True)
class Coordinates:
    """Of all points on one ``map``, to six significant digits."""

    map: str
    across: tuple[float, ...]
    up: tuple[float, ...]


@dataclass(frozen=True)
class Point:
    """A row of the chart: a test image by ``index``, the name of its class, and where it lies."""

    index: int
    label: str
    pca_x: float
    pca_y: float
    tsne_x: float
    tsne_y: float


@dataclass(frozen=True)
class Result:
    """``n`` test images by ``index``, of which the most frequent class makes ``chance`` percent; the ``k`` nearest
    points are used; shares of the training variance that two principal components ``explained``."""

    CHART: ClassVar = "trust"

    metrics: dict[str, Interval | float]
    n: int
    source: str
    chance: float
    k: int
    explained: tuple[float, ...]
    trust: tuple[Trust, ...]
    index: tuple[int, ...]
    coordinates: tuple[Coordinates, ...]


def evaluate(train: np.ndarray, test: np.ndarray, images: ImageSet, settings: Settings, threads: int) -> Result:
    """Of the embeddings (N, D) of training images, and those (., D) of test images, of which M are on the maps."""
    index = store.sample(len(test), settings.points, settings.seed)
    points = test[index]
    plane = pca(train, points)
    maps = {"PCA": plane.coordinates, "t-SNE": tsne(points, settings.perplexity, settings.seed, threads)}
    if settings.umap:
        maps["UMAP"] = umap(points, settings.neighbors, settings.seed)
    k, labels = settings.neighbors, images.test.labels[index]
    named = {name: statistics.accuracy(by_neighbors(xy, labels, k), labels) for name, xy in maps.items()}
    kept = {name: trustworthiness(points, xy, k) for name, xy in maps.items()}
    keys = {name: name.lower().replace("-", "") for name in maps}
    return Result(
        metrics={f"{keys[name]}_knn_accuracy": accuracy for name, accuracy in named.items()}
        | {f"{keys[name]}_trustworthiness": value for name, value in kept.items()},
        n=len(points),
        source=images.source,
        chance=statistics.chance(labels),
        k=k,
        explained=tuple(plane.explained.tolist()),
        trust=tuple(Trust(name, named[name].value, kept[name]) for name in maps),
        index=tuple(index.tolist()),
        coordinates=tuple(
            Coordinates(name, *(tuple(map(significant, axis.tolist())) for axis in xy.T)) for name, xy in maps.items()
        ),
    )


def charted(result: Result, images: ImageSet) -> Iterator[Point]:
    """At most `CHARTED` of the points, evenly spread over them."""
    pca, tsne = result.coordinates[:2]
    for k in np.linspace(0, result.n - 1, min(CHARTED, result.n)).round().astype(int):
        label = images.classes[images.test.labels[result.index[k]]]
        yield Point(result.index[k], label, pca.across[k], pca.up[k], tsne.across[k], tsne.up[k])


def tabulated(result: Result) -> Tabulated:
    return Tabulated(
        title="Maps",
        text="Each point is a test image; marker and color are its class, which was not used in training. Above: the "
        "first two principal components; below: t-SNE. Trustworthiness is 1 where neighbors on the map are neighbors "
        "in the embedding.",
        data=data(result.source, result.n, "test images"),
        columns=(
            Column(
                "tsne_knn_accuracy",
                "k-NN on t-SNE",
                read=lambda result: result.metrics["tsne_knn_accuracy"],
                chance=lambda result: result.chance,
                caption="Do maps show classes? Percent of the points on a t-SNE map whose class most of the "
                f"{result.k} nearest points on it have.",
            ),
        ),
    )


def by_neighbors(plane: np.ndarray, labels: np.ndarray, k: int) -> np.ndarray:
    """(M,) the class that most of the ``k`` nearest other points of (M, 2) have, the first of those equally frequent;
    k is M - 1 at most."""
    near = neighbors.nearest(plane, plane, min(k, len(plane) - 1), itself=True).index
    votes = np.zeros((len(plane), int(labels.max()) + 1), int)
    np.add.at(votes, (np.arange(len(plane))[:, None], labels[near]), 1)
    return np.asarray(votes.argmax(1))


class Plane(NamedTuple):
    """``coordinates`` (M, dimensions) float64; ``explained`` (dimensions,), shares of the training variance."""

    coordinates: np.ndarray
    explained: np.ndarray


def pca(train: np.ndarray, points: np.ndarray, dimensions: int = 2) -> Plane:
    """``points`` in the principal directions of ``train``, signed so that the largest entry of each is positive.

    Where ``train`` is constant, as float32 tells it, there is no direction, and all is 0; so are directions beyond D.
    """
    mean = train.mean(0, dtype=np.float64)  # exact for equal rows of float32
    moved = train - mean
    values, vectors = np.linalg.eigh(moved.T @ moved / len(moved))  # ascending
    values, vectors = values[::-1][:dimensions].clip(0), vectors[:, ::-1][:, :dimensions]
    largest = np.take_along_axis(vectors, np.abs(vectors).argmax(0)[None], 0)
    coordinates, explained = np.zeros((len(points), dimensions)), np.zeros(dimensions)
    total = float(np.square(moved).sum() / len(moved))
    if total > (spread.RESOLUTION * np.linalg.norm(train)) ** 2 / len(train):
        coordinates[:, : len(values)] = (points - mean) @ (vectors * np.sign(largest))
        explained[: len(values)] = values / total
    return Plane(coordinates, explained)


def tsne(points: np.ndarray, perplexity: float, seed: int, threads: int) -> np.ndarray:
    """(M, 2) by t-SNE from exact neighbors, beginning with PCA (Kobak and Berens 2019). ``seed`` draws the jitter that
    separates points which begin in one place.

    The perplexity is at most (M - 1) / 3. Fewer than four points leave none of 1, and equal points have no neighbors:
    their map is PCA's.
    """
    start = pca(points, points).coordinates
    if len(points) < 4 or not start.any():
        return start
    library = import_module("openTSNE")
    perplexity = min(perplexity, (len(points) - 1) / 3)
    near = neighbors.nearest(points, points, max(1, int(3 * perplexity)), itself=True)
    scale = float(np.sqrt(np.square(start).sum(1).mean()))  # the search for a kernel's width begins at 1, and gives up
    graph = library.nearest_neighbors.PrecomputedNeighbors(near.index, near.distance / scale)
    affinities = library.affinity.PerplexityBasedNN(knn_index=graph, perplexity=perplexity, n_jobs=threads)
    start = library.initialization.jitter(library.initialization.rescale(start), random_state=seed)
    repulsion = "fft" if len(points) >= INTERPOLATED else "bh"
    fitted = library.TSNE(negative_gradient_method=repulsion, n_jobs=threads, random_state=seed)
    return np.array(fitted.fit(affinities=affinities, initialization=start))


def umap(points: np.ndarray, k: int, seed: int) -> np.ndarray:
    """(M, 2) by UMAP from ``k`` neighbors, at most M - 1. It needs the extra `umap`: raises `Failure` without it.

    As for `tsne`, the map of equal points and of fewer than four is PCA's.
    """
    try:
        library = import_module("umap")
    except ImportError:
        raise Failure("maps.umap: umap-learn is not installed; run `.uv/bin/uv pip install umap-learn`") from None
    start = pca(points, points).coordinates
    if len(points) < 4 or not start.any():
        return start
    settings = {"n_neighbors": max(2, min(k, len(points) - 1)), "random_state": seed, "n_jobs": 1}
    return np.asarray(library.UMAP(**settings).fit_transform(points), np.float64)


def trustworthiness(points: np.ndarray, plane: np.ndarray, k: int) -> float:
    """In [0, 1]: how rarely the ``k`` nearest on the map are far in the embedding (Venna and Kaski 2001, equation 1).

    A neighbor on the map is at fault by its rank in the embedding beyond k; its rank counts those strictly nearer, so
    equal distances are no fault. (scikit-learn ranks these by the order of the images, which decides the answer for a
    collapsed embedding, and holds several M x M matrices.) ``k`` is below M / 2; where that leaves none, the answer is
    1.
    """
    count = len(points)
    k = min(k, (count - 1) // 2)
    if k < 1:
        return 1.0
    near = neighbors.nearest(plane, plane, k, itself=True).index
    fault, rows = 0, max(1, BLOCK // count)
    for start in range(0, count, rows):
        index = np.arange(start, min(start + rows, count))
        squared = cdist(points[index], points, "sqeuclidean")  # (rows, M)
        squared[np.arange(len(index)), index] = np.inf
        for column in near[index].T:
            limit = squared[np.arange(len(index)), column]
            rank = np.count_nonzero(squared < limit[:, None], axis=1) + 1
            fault += int(np.maximum(rank - k, 0).sum())
    return 1 - 2 * fault / (count * k * (2 * count - 3 * k - 1))
