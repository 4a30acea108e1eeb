"""Claim: Laplacian eigenmaps of a given graph of 10,000 images, at least 20 times as fast as scikit-learn's default,
the same eigenvalues. `benchmarks/results/laplacian_eigenmaps.json` holds the ratios, their spread and the machine.

Ours is `spectral.eigenmaps`: the largest eigenvalues of the normalised graph, where scikit-learn looks for the smallest
of its Laplacian and factorises it for that. The graph ties drawn objects to those with the nearest pixels. N images,
D coordinates, S as in `spectral`.
"""

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
from scipy import sparse
from sklearn.manifold import spectral_embedding

from benchmarks import measure
from visrep.data.embedded import objects
from visrep.measures import neighbors
from visrep.representations import baselines, spectral

COUNT, K = 10_000, 10
DIMENSIONS = (128, 8)  # as the study ships, and scikit-learn's default
PEER, ROUNDS = "scikit-learn", 1
REPEATS = 5  # of ours in a round
WARM = 300  # images of the call before those that count
TOLERANCE = 1e-8

Way = Callable[[sparse.csr_array, int], np.ndarray]  # a graph and D to coordinates (N, D)


def graph(count: int) -> sparse.csr_array:
    pixels = baselines.flat(objects.generate(0, count, 1).train.images)
    return spectral.graph(neighbors.nearest(pixels, pixels, K, itself=True).index)


def ours(graph: sparse.csr_array, dimensions: int) -> np.ndarray:
    return spectral.eigenmaps(graph, dimensions, seed=0).coordinates


def by_scikit_learn(graph: sparse.csr_array, dimensions: int) -> np.ndarray:
    found: np.ndarray = spectral_embedding(graph, n_components=dimensions, random_state=0)
    return found


def main() -> None:
    by_scikit_learn(graph(WARM), DIMENSIONS[-1])
    given = graph(COUNT)
    found = {f"{dimensions}_coordinates": _compared(given, dimensions) for dimensions in DIMENSIONS}
    settings = {"images": COUNT, "k": K, "coordinates": DIMENSIONS}
    ratio = {"ratio": found[f"{DIMENSIONS[0]}_coordinates"]["ratio"]}
    measure.write("laplacian_eigenmaps", ratio | found | {"settings": settings}, (PEER, "scipy"))


def _compared(graph: sparse.csr_array, dimensions: int) -> dict[str, Any]:
    maps: dict[str, np.ndarray] = {}

    def work(name: str, way: Way, times: int, _: int) -> int:
        for _ in range(times):
            maps[name] = way(graph, dimensions)
        return graph.shape[0] * times

    contestants = {"ours": partial(work, "ours", ours, REPEATS), PEER: partial(work, PEER, by_scikit_learn, 1)}
    rates = measure.interleaved(contestants, ROUNDS, warm=False)
    return {
        "ratio": measure.ratio(rates, "ours", PEER),
        "images_per_second": {name: measure.summary(values) for name, values in rates.items()},
        "eigenvalue_difference": _difference(graph, maps["ours"], maps[PEER]),
    }


def _difference(graph: sparse.csr_array, ours: np.ndarray, peer: np.ndarray) -> float:
    """Largest, of eigenvalues in order. Raises `ArithmeticError` where it is above `TOLERANCE`."""
    found, wanted = (np.sort(_eigenvalues(graph, coordinates)) for coordinates in (ours, peer))
    return measure.agree(1 + float(np.abs(found - wanted).max()), 1, TOLERANCE)


def _eigenvalues(graph: sparse.csr_array, coordinates: np.ndarray) -> np.ndarray:
    """(D,) of the random walk: f'Wf / f'df of each coordinate f, which its sign and length leave alone."""
    found: np.ndarray = (coordinates * (graph @ coordinates)).sum(0) / (coordinates.T**2 @ graph.sum(0))
    return found
