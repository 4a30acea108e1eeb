"""Precision, recall and F1, class by class.

N images, K classes.
"""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from visrep.measures import statistics

MACRO, WEIGHTED = "macro mean", "weighted mean"


@dataclass(frozen=True)
class ClassScore:
    """Of one class, or a mean over classes: percent, to four decimals, and the number of its images."""

    label: str
    precision: float
    recall: float
    f1: float
    support: int


def per_class(labels: np.ndarray, predicted: np.ndarray, classes: Iterable[str]) -> tuple[ClassScore, ...]:
    """Of each class, then the `MACRO` mean over classes and the one `WEIGHTED` by their images."""
    from sklearn.metrics import precision_recall_fscore_support  # here, since reading results does not need it

    classes = tuple(classes)
    *every, support = precision_recall_fscore_support(labels, predicted, labels=range(len(classes)), zero_division=0)
    table = np.stack(every, 1) * 100  # (K, 3)
    means = np.stack([np.average(table, axis=0), np.average(table, axis=0, weights=support)])
    counts = [*support.tolist(), len(labels), len(labels)]
    rows = zip((*classes, MACRO, WEIGHTED), np.concatenate([table, means]), counts, strict=True)
    return tuple(ClassScore(label, *_rounded(scores), count) for label, scores, count in rows)


def _rounded(scores: np.ndarray) -> tuple[float, float, float]:
    precision, recall, f1 = (round(float(score), 4) for score in scores)
    return precision, recall, f1


def macro_f1(labels: np.ndarray, predicted: np.ndarray, classes: int) -> float:
    """Percent: the mean of F1 over classes."""
    from sklearn.metrics import precision_recall_fscore_support

    _, _, f1, _ = precision_recall_fscore_support(labels, predicted, labels=range(classes), zero_division=0)
    return float(np.mean(f1 * 100))


@dataclass(frozen=True)
class Pair:
    """How many images of the class ``actual`` are taken for ``predicted``, and their percent of that class."""

    actual: str
    predicted: str
    count: int
    percent: float


def confusion(labels: np.ndarray, predicted: np.ndarray, classes: Iterable[str]) -> list[Pair]:
    """A row for each pair of classes."""
    classes = tuple(classes)
    counts = statistics.confusion(labels, predicted, len(classes))
    shares = counts / counts.sum(1, keepdims=True).clip(min=1) * 100
    return [Pair(classes[a], classes[p], int(count), float(shares[a, p])) for (a, p), count in np.ndenumerate(counts)]
