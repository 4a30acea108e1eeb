"""How sure a number is: of other images, and of other runs of the same training.

N images, K classes, R runs.
"""

from collections.abc import Mapping, Sequence
from math import sqrt
from typing import NamedTuple

import numpy as np
from scipy.special import stdtrit

from visrep.records import Interval

Z = 1.959963984540054  # two-sided 95 %


def wilson(right: int, count: int) -> Interval:
    """A share in percent with its 95 % score interval (Wilson 1927). Raises `ValueError` for no trials.

    `scipy.stats.binomtest` gives the same to 1e-13; importing it would add a second to nearly every stage."""
    if count < 1:
        raise ValueError("an interval needs at least one trial")
    share, z = right / count, Z * Z / count
    centre = (share + z / 2) / (1 + z)
    half = Z / (1 + z) * sqrt(share * (1 - share) / count + z / (4 * count))
    return Interval(100 * share, 100 * max(0.0, centre - half), 100 * min(1.0, centre + half))


def wilson_of(percent: float, count: int) -> Interval:
    """`wilson` of a percentage of ``count`` trials."""
    return wilson(round(percent * count / 100), count)


def accuracy(predicted: np.ndarray, labels: np.ndarray) -> Interval:
    """Percent of (N,) predictions that equal the (N,) labels, with its interval."""
    return wilson(int((predicted == labels).sum()), len(labels))


def auroc(value: float, positives: int, negatives: int) -> Interval:
    """An area under a ROC curve in percent with its 95 % interval (Hanley and McNeil 1982, equation 2)."""
    area = value / 100
    both, neither = area / (2 - area), 2 * area**2 / (1 + area)
    spread = area * (1 - area) + (positives - 1) * (both - area**2) + (negatives - 1) * (neither - area**2)
    half = Z * sqrt(max(spread, 0.0) / (positives * negatives))
    return Interval(value, 100 * max(0.0, area - half), 100 * min(1.0, area + half))


class Spread(NamedTuple):
    """Mean and standard deviation (dividing by n - 1; 0 of a single one) of ``n`` runs."""

    mean: float
    sd: float
    n: int


def spread(values: Sequence[float]) -> Spread:
    """Of the numbers of several runs, (R,), R >= 1."""
    return Spread(float(np.mean(values)), float(np.std(values, ddof=1)) if len(values) > 1 else 0.0, len(values))


def mean_interval(values: Sequence[float]) -> Interval | None:
    """The mean of (R,) with its 95 % interval by Student's t, which takes runs as draws of a normal distribution; None
    of fewer than two."""
    if len(values) < 2:
        return None
    mean, sd, n = spread(values)
    half = float(stdtrit(n - 1, 0.975)) * sd / sqrt(n)
    return Interval(mean, mean - half, mean + half)


def paired(first: Mapping[int, float], second: Mapping[int, float]) -> Interval | None:
    """How much greater ``second`` is than ``first``, as `mean_interval` of the differences run by run; None where fewer
    than two runs are in both."""
    return mean_interval([second[run] - first[run] for run in sorted(first.keys() & second.keys())])


def chance(labels: np.ndarray) -> float:
    """Percent that the best constant predictor gets right on these very (N,) labels."""
    return float(np.bincount(labels).max() / len(labels) * 100)


def confusion(labels: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """(K, K) counts; rows are true classes, columns predicted ones."""
    return np.bincount(labels * classes + predicted, minlength=classes * classes).reshape(classes, classes)


def agreement_by_chance(values: np.ndarray, wanted: np.ndarray) -> float:
    """Percent of pairs of one of ``values`` (N,) and one of ``wanted`` (M,), whole numbers from 0 on, that are equal:
    how often an image found at random is of the class that is sought."""
    kinds = int(max(values.max(), wanted.max())) + 1
    shares = np.bincount(values, minlength=kinds) / len(values)
    return float(np.mean(shares[wanted]) * 100)
