"""How well a score ranks runs by their measured quality.

R runs.
"""

from collections.abc import Callable

import numpy as np
from scipy.stats import rankdata

from visrep.records import Interval

RESAMPLED, SEED = 2000, 0  # of the bootstrap
Statistic = Callable[[np.ndarray, np.ndarray, np.ndarray], float]  # score, truth and group (R,) to a number


def correlation(score: np.ndarray, truth: np.ndarray, group: np.ndarray) -> float:
    """Spearman's rank correlation; 0 where one of the two is constant. The groups do not count."""
    ranks = [rankdata(values) - (len(values) + 1) / 2 for values in (score, truth)]
    size = np.sqrt((ranks[0] ** 2).sum() * (ranks[1] ** 2).sum())
    return float((ranks[0] * ranks[1]).sum() / size) if size else 0.0


def right_of_two(score: np.ndarray, truth: np.ndarray, group: np.ndarray) -> float:
    """Percent of the pairs of unequal truth of which the higher score has the higher truth; an equal score counts half.
    50 where there are no such pairs."""
    return _right(score, truth, truth[:, None] > truth)


def right_of_one_group(score: np.ndarray, truth: np.ndarray, group: np.ndarray) -> float:
    """The same among the pairs of one group."""
    return _right(score, truth, (truth[:, None] > truth) & (group[:, None] == group))


def _right(score: np.ndarray, truth: np.ndarray, better: np.ndarray) -> float:
    picked = (score[:, None] > score) + 0.5 * (score[:, None] == score)
    return float(picked[better].mean() * 100) if better.any() else 50.0


def interval(statistic: Statistic, score: np.ndarray, truth: np.ndarray, group: np.ndarray) -> Interval:
    """With a 95 % bootstrap interval over runs. Runs are taken as independent: where some are similar, as those of one
    training, the interval is too narrow."""
    random, runs = np.random.default_rng(SEED), len(score)
    again = [
        statistic(score[i], truth[i], group[i]) for i in (random.integers(runs, size=runs) for _ in range(RESAMPLED))
    ]
    low, high = np.percentile(again, [2.5, 97.5])
    return Interval(statistic(score, truth, group), float(low), float(high))
