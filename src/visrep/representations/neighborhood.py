"""How often an image and its nearest neighbors, the positives, are of one class.

N images, k neighbors of each, K classes.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import ClassVar

import numpy as np


@dataclass(frozen=True)
class Metrics:
    """Percent of all neighbors that are of the image's class, and of all pairs of images that are of one class."""

    same_class: float
    same_class_by_chance: float


@dataclass(frozen=True)
class Class:
    """``same`` percent of the neighbors of the ``n`` images of a class are of that class; ``other`` is the most
    frequent other class, with ``other_percent``."""

    label: str
    n: int
    same: float
    other: str
    other_percent: float


@dataclass(frozen=True)
class Result:
    """Of the ``k`` nearest of each of ``n`` training images in the embedding of the encoder ``of``. Labels are not
    used to choose them."""

    CHART: ClassVar = "classes"

    metrics: Metrics
    n: int
    source: str
    of: str
    k: int
    classes: tuple[Class, ...]


def neighborhood(index: np.ndarray, labels: np.ndarray, names: Sequence[str], source: str, of: str) -> Result:
    """Of the nearest training images ``index`` (N, k), whose ``labels`` (N,) are 0..K-1."""
    counts = np.bincount(labels, minlength=len(names))
    chance = (counts * (counts - 1)).sum() / (len(labels) * (len(labels) - 1))
    same = float(100 * np.mean(labels[index] == labels[:, None]))
    classes = tuple(_classes(index, labels, names))
    return Result(Metrics(same, float(100 * chance)), len(labels), source, of, index.shape[1], classes)


def _classes(index: np.ndarray, labels: np.ndarray, names: Sequence[str]) -> Iterator[Class]:
    for k in np.unique(labels):
        counts = np.bincount(labels[index[labels == k]].ravel(), minlength=len(names))
        share = 100 * counts / counts.sum()
        others = np.where(np.arange(len(names)) == k, -1.0, share)
        other = int(others.argmax())
        yield Class(names[k], int((labels == k).sum()), float(share[k]), names[other], float(max(others[other], 0.0)))
