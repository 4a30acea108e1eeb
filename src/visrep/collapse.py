"""Whether an embedding has collapsed: how many directions its variance fills, and how far each dimension spreads.

N images, D dimensions. What float32 cannot tell from a constant counts as one: a spread of at most `ROUNDING` times the
size of the values is what storing equal numbers may leave.
"""

import numpy as np

ROUNDING = 2.0**-23  # the relative spacing of float32


def effective_rank(x: np.ndarray) -> float:
    """exp of the entropy of the shares of variance along the principal axes of ``x`` (N, D): between 1 and D, and k
    where k directions share the variance alike.

    That is the effective rank of the covariance matrix (Roy and Vetterli 2007). Taken of ``x`` itself it weighs
    directions by their standard deviation, and a cloud of which two directions hold 99 % of the variance may count as
    ten. Singular values of at most `ROUNDING` times the Frobenius norm of ``x`` count as zero, since storing
    equal rows may make as much; 1 where all do.
    """
    x = x.astype(np.float64)
    values = np.linalg.svd(x - x.mean(0), compute_uv=False)
    values = values[values > ROUNDING * np.linalg.norm(x)]
    share = values**2 / (values**2).sum()
    return float(np.exp(-(share * np.log(share)).sum()))


def spread(x: np.ndarray) -> np.ndarray:
    """(D,) the standard deviation of each dimension of ``x`` (N, D) over the images, float64, dividing by N."""
    deviation: np.ndarray = x.std(0, dtype=np.float64)
    return deviation
