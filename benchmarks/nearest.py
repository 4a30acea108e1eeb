"""Claim: the exact 6 nearest of 50,000 points among 50,000 in 128 dimensions, distances in float64, in no more time
than faiss or scikit-learn (brute) take for theirs in float32, and in little memory beside the points.
`benchmarks/results/nearest.json` holds the ratios, the peaks of memory and the machine.

Ours is `neighbors.nearest`, which lets faiss propose and then proves. N points, k neighbors, the point itself among
them.
"""

import faiss
import numpy as np
from sklearn.neighbors import NearestNeighbors

from benchmarks import cloud, measure
from visrep.measures import neighbors

COUNT, K = 50_000, 6
ROUNDS = {"ours": 2, "faiss": 2, "scikit-learn": 1}  # the last is slow
PACKAGES = ("faiss-cpu", "scikit-learn")
TOLERANCE = 1e-3  # of a distance in float32, relative to the mean

Found = tuple[np.ndarray, np.ndarray]  # index and distance (N, k)


def ours(x: np.ndarray) -> Found:
    found = neighbors.nearest(x, x, K)
    return found.index, found.distance


def by_faiss(x: np.ndarray) -> Found:
    index = faiss.IndexFlatL2(x.shape[1])
    index.add(x)
    squared, found = index.search(x, K)
    return found, np.sqrt(np.maximum(squared, 0))


def by_scikit_learn(x: np.ndarray) -> Found:
    distance, found = NearestNeighbors(n_neighbors=K, algorithm="brute").fit(x).kneighbors(x)
    return found, distance


WAYS = {"ours": ours, "faiss": by_faiss, "scikit-learn": by_scikit_learn}


def main() -> None:
    runs = measure.apart(WAYS, cloud.points, COUNT, ROUNDS)
    rates = measure.rates(runs, COUNT)
    peers = [name for name in WAYS if name != "ours"]
    found = {
        "ratio": measure.ratio(rates, "ours", measure.quickest(rates, peers)),
        "ratios": {peer: measure.ratio(rates, "ours", peer) for peer in peers},
        "images_per_second": {name: measure.summary(values) for name, values in rates.items()},
        "mebibytes": measure.memory(runs),
        "agreement": {peer: _agreement(runs["ours"][0].found, runs[peer][0].found) for peer in peers},
        "settings": {"points": COUNT, "dimensions": cloud.DIMENSIONS, "k": K},
    }
    measure.write("nearest", found, PACKAGES)


def _agreement(ours: Found, peer: Found) -> dict[str, float]:
    """Percent of the neighbors that are also the peer's, and the largest difference of a distance, relative to the
    mean. Raises `ArithmeticError` where that is above `TOLERANCE`: the other neighbors are ties in float32."""
    same = (ours[0][:, :, None] == peer[0][:, None]).any(2).mean() * 100
    apart = float(np.abs(ours[1][:, 1:] - peer[1][:, 1:]).max() / ours[1].mean())  # to itself rounding is all there is
    measure.agree(1 + apart, 1, TOLERANCE)
    return {"same_neighbors": round(float(same), 3), "distance_difference": float(f"{apart:.2g}")}
