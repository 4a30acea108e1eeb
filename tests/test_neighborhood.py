"""Shares of neighbors by loops over pairs."""

import numpy as np
import pytest

from visrep.representations import neighborhood

NAMES = ("cat", "dog", "owl", "never")


def test_shares_are_counted_by_loops() -> None:
    random = np.random.default_rng(0)
    labels = random.choice([0, 0, 0, 1, 1, 2], 40)
    index = np.array([random.choice([i for i in range(40) if i != n], 3, replace=False) for n in range(40)])
    found = neighborhood.neighborhood(index, labels, NAMES, "drawn", "pixels")
    pairs = [(labels[n], labels[i]) for n in range(40) for i in index[n]]
    assert found.metrics.same_class == pytest.approx(100 * np.mean([a == b for a, b in pairs]))
    every = [labels[a] == labels[b] for a in range(40) for b in range(40) if a != b]
    assert found.metrics.same_class_by_chance == pytest.approx(100 * np.mean(every))
    assert (found.n, found.k, found.of, [one.label for one in found.classes]) == (40, 3, "pixels", list(NAMES[:3]))
    for k, one in enumerate(found.classes):
        own = [b for a, b in pairs if a == k]
        assert one.n == list(labels).count(k)
        assert one.same == pytest.approx(100 * own.count(k) / len(own))
        most = max((other for other in range(3) if other != k), key=lambda other: own.count(other))
        assert (one.other, one.other_percent) == (NAMES[most], pytest.approx(100 * own.count(most) / len(own)))


def test_a_single_class_has_only_itself() -> None:
    found = neighborhood.neighborhood(np.array([[1], [0]]), np.array([0, 0]), ("cat", "dog"), "drawn", "vicreg")
    assert found.metrics == neighborhood.Metrics(100, 100)
    assert found.classes == (neighborhood.Class("cat", 2, 100, "dog", 0),)
