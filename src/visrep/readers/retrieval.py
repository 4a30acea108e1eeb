"""Nearest and farthest training images: whether they show the same thing, and which ones come up again and again.

Q queries, k found for each, N training images, K classes. ``found`` (Q, k) are indices of training images.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np


def precision(found: np.ndarray, train_labels: np.ndarray, labels: np.ndarray) -> float:
    """Percent of the images found that have their query's class; ``labels`` (Q,) are the queries'. Of the farthest it
    had better be low."""
    return float(np.mean(train_labels[found] == labels[:, None]) * 100)


def chance(train_labels: np.ndarray, labels: np.ndarray) -> float:
    """What `precision` is expected to be, in percent, for images found at random."""
    classes = int(max(train_labels.max(), labels.max())) + 1
    shares = np.bincount(train_labels, minlength=classes) / len(train_labels)
    return float(np.mean(shares[labels]) * 100)


def queries(labels: np.ndarray, classes: int, seed: int) -> np.ndarray:
    """The index of one random image of each class, by class; a class without images is left out."""
    owned = [(k, np.flatnonzero(labels == k)) for k in range(classes)]
    return np.array([np.random.default_rng([seed, k]).choice(own) for k, own in owned if len(own)], np.int64)


def hubs(found: np.ndarray, count: int) -> list[tuple[int, int]]:
    """(image, appearances) of the ``count`` training images that are found most often, equal ones by index."""
    appearances = np.bincount(found.ravel())
    order = np.argsort(-appearances, kind="stable")[:count]
    return [(int(i), int(appearances[i])) for i in order if appearances[i]]


def per_class(
    found: np.ndarray, train_labels: np.ndarray, labels: np.ndarray, classes: Sequence[str]
) -> list[dict[str, Any]]:
    """`precision` of the queries of each class that has any."""
    owned = [(name, labels == k) for k, name in enumerate(classes)]
    return [
        {"class": name, "queries": int(own.sum()), "precision": precision(found[own], train_labels, labels[own])}
        for name, own in owned
        if own.any()
    ]
