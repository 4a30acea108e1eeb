"""Criteria proposed for ranking embeddings without labels.

N images, V views of each, D dimensions; all in float64.
"""

import numpy as np

from visrep.measures.spread import ROUNDING, spectrum

SMOOTHING = 1e-7  # beside the shares of RankMe and LiDAR, as both papers have it
RIDGE = 1e-4  # on the diagonal of the covariance within images, as LiDAR's paper has it


def rankme(x: np.ndarray) -> float:
    """Of embeddings (N, D): exp of the entropy of their singular values, each as a share of all (Garrido et al. 2023,
    equations 1 and 2). The mean is not taken away; `spread.effective_rank` is of the shares of the variance instead."""
    return _smooth_rank(np.linalg.svd(x.astype(np.float64), compute_uv=False))


def alpha_req(x: np.ndarray) -> float:
    """Of embeddings (N, D): the exponent of the power law that falls as the variances along the principal axes do
    (Agrawal et al. 2022, section 3), by least squares of logarithms in which the j-th axis weighs 1 / j (as in the code
    of Stringer et al. 2019, which they use). By the paper near 1 is best; it is large where few axes hold all."""
    shares = np.maximum(spectrum(x), ROUNDING**2)
    axes = np.arange(1, len(shares) + 1)
    slope, _ = np.polyfit(np.log(axes), np.log(shares), 1, w=axes**-0.5)
    return -float(slope)


def lidar(views: np.ndarray) -> float:
    """Of embeddings (V, N, D), V >= 2: exp of the entropy of the eigenvalues of the covariance between images, in units
    of that within them (Thilak et al. 2024, equations 1 to 4): how many directions distinguish images."""
    views = views.astype(np.float64)
    means = views.mean(0)
    within = (views - means).reshape(-1, views.shape[2])
    inner = within.T @ within / (views.shape[1] * (len(views) - 1)) + RIDGE * np.eye(views.shape[2])
    values, axes = np.linalg.eigh(inner)
    whitened = (means - means.mean(0)) @ axes / np.sqrt(values)
    return _smooth_rank(np.linalg.svd(whitened, compute_uv=False) ** 2)


def _smooth_rank(values: np.ndarray) -> float:
    if not values.any():
        return 1.0
    shares = values / values.sum() + SMOOTHING
    return float(np.exp(-(shares * np.log(shares)).sum()))
