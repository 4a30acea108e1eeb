"""Agreement of rankings, and whether it is beyond chance.

R runs, K items.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from scipy.stats import friedmanchisquare, spearmanr


class Agreement(NamedTuple):
    """A rank coefficient and its p value."""

    value: float
    p: float


def concordance(scores: np.ndarray) -> Agreement | None:
    """Whether runs rank items alike: Kendall's W of (R, K), 0 where ranks are random and 1 where all runs agree, with
    the p value of Friedman's test. None of fewer than two runs or three items, and where no run distinguishes items."""
    runs, items = scores.shape
    if runs < 2 or items < 3 or not (np.ptp(scores, axis=1) > 0).any():
        return None
    statistic, p = friedmanchisquare(*scores.T)
    return Agreement(float(statistic) / (runs * (items - 1)), float(p))


def rank_correlation(first: Sequence[float], second: Sequence[float]) -> Agreement | None:
    """Spearman's, of (K,) and (K,) with the p value of its t approximation. None of fewer than four items, and where
    one of the two is constant."""
    if len(first) < 4 or np.ptp(first) == 0 or np.ptp(second) == 0:
        return None
    value, p = spearmanr(first, second)
    return Agreement(float(value), float(p))
