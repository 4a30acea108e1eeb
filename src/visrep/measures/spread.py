"""Whether an embedding has collapsed: how many directions its variance fills, and how far each dimension spreads.

N images, D dimensions. What float32 cannot tell from a constant counts as one: a spread of at most `ROUNDING` times the
size of the values is what storing equal numbers may leave.
"""

import numpy as np

ROUNDING = 2.0**-23  # the relative spacing of float32
RESOLUTION = 8 * ROUNDING  # of an embedding's size: less may be a network's own rounding, added up


def spectrum(x: np.ndarray) -> np.ndarray:
    """The share of the variance of ``x`` (N, D) along each of its principal axes, largest first, (min(N, D),).

    Singular values of at most `ROUNDING` times the Frobenius norm of ``x`` count as zero, since storing equal rows may
    make as much; where all do, the first axis is said to hold everything.
    """
    x = x.astype(np.float64)
    values = np.linalg.svd(x - x.mean(0), compute_uv=False)
    kept = np.where(values > ROUNDING * np.linalg.norm(x), values, 0.0) ** 2
    if not kept.any():
        kept[0] = 1.0
    share: np.ndarray = kept / kept.sum()
    return share


def effective_rank(share: np.ndarray) -> float:
    """exp of the entropy of a `spectrum`: between 1 and D, and k where k directions share the variance alike.

    That is the effective rank of the covariance matrix (Roy and Vetterli 2007). Taken of the embedding itself it would
    weigh directions by their standard deviation, and a cloud of which two directions hold 99 % of the variance could
    count as ten.
    """
    share = share[share > 0]
    return float(np.exp(-(share * np.log(share)).sum()))


def deviations(x: np.ndarray) -> np.ndarray:
    """(D,) the standard deviation of each dimension of ``x`` (N, D) over the images, float64, dividing by N."""
    deviation: np.ndarray = x.std(0, dtype=np.float64)
    return deviation
