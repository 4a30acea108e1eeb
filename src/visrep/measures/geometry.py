"""Geometry of features: alignment, uniformity, diameters and margins of invariance sets, movements, density.

S sets of M features, N features, D dimensions; distances are Euclidean, in float64. An invariance set
holds the features of images whose differences an encoder should ignore.
"""

import numpy as np
from scipy.optimize import minimize
from scipy.spatial.distance import cdist, pdist

SHARPNESS = 2.0  # t of the uniformity, as Wang and Isola use it


def alignment(u: np.ndarray, v: np.ndarray) -> float:
    """Mean squared distance of the pairs (u_i, v_i), (N, D) each: Wang and Isola 2020, section 4.1, with alpha 2."""
    return float(np.mean(_squared(u.astype(np.float64) - v)))


def uniformity(x: np.ndarray, t: float = SHARPNESS) -> float:
    """ln of the mean of exp(-t |x_i - x_j|^2) over the pairs i < j of (N, D): Wang and Isola 2020, section 4.1. 0 where
    all features are equal, the lower the more evenly they spread."""
    return _potential(x.astype(np.float64), t)[0]


def diameters(sets: np.ndarray) -> np.ndarray:
    """(S,) the largest distance between two features of each set (S, M, D)."""
    return np.array([cdist(one, one).max() for one in sets.astype(np.float64)])


def margins(sets: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """(S,) the smallest distance from a feature of each set (S, M, D) to one of a set with other kept values (S, F);
    infinite where there is none."""
    sets = sets.astype(np.float64)
    distances = np.full(len(sets), np.inf)
    for place, one in enumerate(sets):
        others = sets[np.any(kept != kept[place], axis=1)]
        if len(others):
            distances[place] = cdist(one, others.reshape(-1, sets.shape[2])).min()
    return distances


def spread(x: np.ndarray) -> float:
    """Mean squared distance of two different features of (N, D)."""
    x = x.astype(np.float64)
    return float(2 * _squared(x - x.mean(0)).sum() / (len(x) - 1))


def movements(before: np.ndarray, after: np.ndarray) -> np.ndarray:
    """(N,) squared distances of the pairs (N, D), in percent of the `spread` of ``before``: 0 where nothing moves, 100
    where a feature goes as far as to that of any other picture. 0 throughout where ``before`` has no spread."""
    moved, unit = _squared(after.astype(np.float64) - before), spread(before)
    return np.asarray(100 * moved / unit) if unit > 0 else np.zeros(len(moved))


def dispersed(count: int, dimensions: int, seed: int, restarts: int = 4) -> np.ndarray:
    """Points (N, D) of unit length that minimise `uniformity` alone, the best of some random starts: the result
    of a contrastive loss without positives.

    For 2, 3, 4, 6 and 12 points on a sphere this is also Tammes' problem, to make the smallest distance as large as it
    can be: those arrangements are sharp, and minimise every such potential (Cohn and Kumar 2007).
    """
    rng = np.random.default_rng(seed)

    def potential(flat: np.ndarray) -> tuple[float, np.ndarray]:
        raw = flat.reshape(count, dimensions)
        length = np.linalg.norm(raw, axis=1, keepdims=True)
        x = raw / length
        value, slope = _potential(x, SHARPNESS)
        tangent = (slope - np.sum(slope * x, axis=1, keepdims=True) * x) / length
        return value, tangent.ravel()

    precise = {"ftol": 0, "gtol": 1e-9}
    starts = [rng.standard_normal(count * dimensions) for _ in range(restarts)]
    ends = [minimize(potential, start, jac=True, method="L-BFGS-B", options=precise) for start in starts]
    raw = min(ends, key=lambda end: float(end.fun)).x.reshape(count, dimensions)
    points: np.ndarray = raw / np.linalg.norm(raw, axis=1, keepdims=True)
    return points


def intrinsic_dimension(distance: np.ndarray) -> float:
    """How many dimensions features fill locally: the maximum likelihood of Levina and Bickel 2004 (equation 8), its
    inverses averaged over all features as MacKay and Ghahramani propose (2005). ``distance`` (N, k), k >= 2, are those
    to the k nearest features, ascending. Equal features are left out; 0 where no others are left.
    """
    nearer, last = distance[:, :-1], distance[:, -1:]
    apart = nearer > 0
    inverses = np.log(np.broadcast_to(last, nearer.shape)[apart] / nearer[apart])
    return float(1 / inverses.mean()) if inverses.sum() > 0 else 0.0


def smallest_distance(x: np.ndarray) -> float:
    """Of any two of (N, D)."""
    return float(pdist(x).min())


def _potential(x: np.ndarray, t: float) -> tuple[float, np.ndarray]:
    """`uniformity` and its slope in each coordinate (N, D)."""
    weights = np.exp(-t * cdist(x, x, "sqeuclidean"))
    np.fill_diagonal(weights, 0)
    total = weights.sum()
    slope = -4 * t * (weights.sum(1, keepdims=True) * x - weights @ x) / total
    return float(np.log(total / (len(x) * (len(x) - 1)))), slope


def _squared(x: np.ndarray) -> np.ndarray:
    """(..., D) to (...), the squared lengths."""
    return np.asarray(np.einsum("...d,...d->...", x, x))
