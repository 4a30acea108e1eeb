"""Laplacian eigenmaps (Belkin and Niyogi 2003) with weights 0 and 1, and their extension to new images.

N images, k neighbors, D dimensions, P pieces: connected components of the graph. W is the graph, d its degrees,
S = d^-1/2 W d^-1/2. The eigenvectors u of S with the largest eigenvalues mu give f = d^-1/2 u, which solve
(d - W) f = (1 - mu) d f with the smallest 1 - mu (their step 3) and are eigenvectors of the random walk d^-1 W at mu.
"""

from typing import NamedTuple

import numpy as np
from scipy import sparse
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import ArpackError, LinearOperator, eigsh

from visrep.errors import Failure
from visrep.measures import neighbors, spread
from visrep.representations import results

KIND = "graph coordinates"  # of a model, in its file
SMALLEST = 0.05  # eigenvalue that the extension divides by: a smaller one would blow up the noise 20 times and more


class Eigenmaps(NamedTuple):
    """``coordinates`` (N, D) float64, whose mean square weighted by degree is 1; ``eigenvalues`` (D,) of the random
    walk, descending, below 1; ``pieces`` of the graph; ``residual``, the largest length of S u - mu u for unit u."""

    coordinates: np.ndarray
    eigenvalues: np.ndarray
    pieces: int
    residual: float


def of_points(
    points: np.ndarray, source: str, k: int, dimensions: int, seed: int
) -> tuple[dict[str, np.ndarray], results.Eigenmaps]:
    """(``coordinates`` (N, D) float32 and ``eigenvalues`` (D,), what came of it) of a graph that ties each of
    ``points`` (N, W), which describe the training images of a ``source``, to the ``k`` nearest."""
    fitted = eigenmaps(graph(neighbors.nearest(points, points, k, itself=True).index), dimensions, seed)
    check_extensible(fitted.eigenvalues)  # here rather than in all that build on it
    rank = spread.effective_rank(spread.spectrum(fitted.coordinates))
    spectrum = (results.Eigenvalue(place, value) for place, value in enumerate(fitted.eigenvalues.tolist(), 1))
    result = results.Eigenmaps(
        metrics=results.EigenmapsMetrics(effective_rank=rank, residual=fitted.residual),
        n=len(points),
        source=source,
        pieces=fitted.pieces,
        spectrum=tuple(spectrum),
    )
    return {"coordinates": fitted.coordinates.astype(np.float32), "eigenvalues": fitted.eigenvalues}, result


def graph(index: np.ndarray) -> sparse.csr_array:
    """(N, N) float64, symmetric, 1 where either of two images is among the other's k nearest ``index`` (N, k), else 0.
    An image is not its own neighbor."""
    count, k = index.shape
    rows = np.repeat(np.arange(count, dtype=np.int32), k)
    columns = index.ravel().astype(np.int32)  # 32 bits serve the products, and scikit-learn takes no others
    other = rows != columns
    edges = sparse.coo_array((np.ones(other.sum()), (rows[other], columns[other])), (count, count)).tocsr()
    both = edges + edges.T
    both.data[:] = 1
    return both


def eigenmaps(graph: sparse.csr_array, dimensions: int, seed: int) -> Eigenmaps:
    """The ``dimensions`` smoothest coordinates of a symmetric graph, without those that are constant on each piece.

    The largest entry of each eigenvector u by magnitude is positive. Raises `Failure` where the graph cannot give so
    many coordinates, has an image without neighbors, or has more pieces than dimensions.
    """
    degree = graph.sum(0)
    pieces, piece = connected_components(graph, directed=False)
    _check(degree, dimensions, pieces)
    root = np.sqrt(degree)
    walk = sparse.diags_array(1 / root) @ graph @ sparse.diags_array(1 / root)  # S
    constant = sparse.csr_array((root / np.sqrt(np.bincount(piece, degree))[piece], (piece, np.arange(len(piece)))))
    eigenvalues, vectors = _largest(walk, constant, dimensions, seed)
    residual = np.linalg.norm(walk @ vectors - vectors * eigenvalues, axis=0).max()
    largest = np.take_along_axis(vectors, np.abs(vectors).argmax(0)[None], 0)
    coordinates = vectors * np.sign(largest) * np.sqrt(degree.sum()) / root[:, None]
    return Eigenmaps(coordinates, eigenvalues, int(pieces), float(residual))


def _check(degree: np.ndarray, dimensions: int, pieces: int) -> None:
    if dimensions < 1:
        raise ValueError(f"{dimensions} dimensions")
    if not degree.all():
        raise Failure(f"{np.count_nonzero(degree == 0)} images have no neighbor in the graph")
    if pieces > dimensions:  # a coordinate varies on one piece as a rule, so some piece would become a point
        raise Failure(f"the graph falls into {pieces} pieces, too many for {dimensions} dimensions: raise k")
    if dimensions + pieces >= len(degree):
        raise Failure(f"{dimensions} dimensions are too many for a graph of {len(degree)} images (pieces: {pieces})")


def _largest(
    walk: sparse.csr_array, constant: sparse.csr_array, dimensions: int, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """The largest eigenvalues (D,) of S, descending, and their unit vectors (N, D), but for those at 1. These are
    known, the rows of ``constant`` (P, N), and moved to -1: a search for equal eigenvalues may miss some."""

    def without(x: np.ndarray) -> np.ndarray:
        moved: np.ndarray = walk @ x - 2 * (constant.T @ (constant @ x))
        return moved

    rng = np.random.default_rng(seed)  # ARPACK draws too, where its space is exhausted
    start = rng.standard_normal(walk.shape[0])
    try:
        values, vectors = eigsh(
            LinearOperator(walk.shape, without, dtype=np.float64), dimensions, which="LA", v0=start, rng=rng
        )
    except ArpackError as error:
        raise Failure(f"the eigenvectors of the graph are not found: {error}") from error
    return values[::-1], vectors[:, ::-1]


def check_extensible(eigenvalues: np.ndarray) -> None:
    """Raises `Failure` where one of (D,) is below `SMALLEST`."""
    if (least := float(eigenvalues.min())) < SMALLEST:
        raise Failure(f"an eigenvalue of {least:.3g} is too small to extend the map by: ask for fewer dimensions")


def extend(coordinates: np.ndarray, eigenvalues: np.ndarray, index: np.ndarray) -> np.ndarray:
    """(M, D) coordinates of new images whose k nearest among the N old ones are ``index`` (M, k): the mean of theirs
    divided by the eigenvalue, which for an old image and its neighbors in the graph is its own coordinate (Nystrom;
    Bengio et al. 2004). Raises `Failure` where an eigenvalue is below `SMALLEST`."""
    check_extensible(eigenvalues)
    means: np.ndarray = coordinates[index].mean(1, dtype=np.float64) / eigenvalues
    return means
