"""Alignment, uniformity and density against loops over all pairs, and where they are known."""

from itertools import combinations

import numpy as np
import pytest

from visrep.data.store import ImageSet, split
from visrep.evaluations import uniformity


def evaluated(x: np.ndarray, labels: list[int]) -> uniformity.Result:
    part = split(np.zeros((len(labels), 32, 32, 3), np.uint8), np.array(labels))
    data = ImageSet(part, part, ("one", "two"), "nowhere", {})
    settings = uniformity.Settings(seed=0, points=100, sharpness=2.0, k=3)
    return uniformity.evaluate(x.astype(np.float32), data, settings)


def test_they_are_loops_over_pairs() -> None:
    x, labels = np.random.default_rng(0).normal(size=(30, 4)), [0, 1, 1] * 10
    unit, found = [row / np.linalg.norm(row) for row in x], evaluated(x, labels)
    apart = {(i, j): float(np.sum((unit[i] - unit[j]) ** 2)) for i, j in combinations(range(30), 2)}
    same = [[d for (i, j), d in apart.items() if labels[i] == labels[j] == k] for k in (0, 1)]
    assert found.metrics.alignment == pytest.approx(np.mean(same[0] + same[1]), rel=1e-5)
    assert [row.alignment for row in found.per_class] == pytest.approx([np.mean(own) for own in same], rel=1e-5)
    nearest = [sorted(d for pair, d in apart.items() if i in pair)[2] ** 0.5 for i in range(30)]
    assert found.metrics.neighbor_distance == pytest.approx(
        np.mean(nearest) / np.mean(list(apart.values())) ** 0.5, rel=1e-5
    )
    assert found.metrics.uniformity == pytest.approx(
        np.log(np.mean([np.exp(-2 * d) for d in apart.values()])), rel=1e-5
    )


def test_where_they_are_known() -> None:
    opposite = evaluated(np.array([[3.0, 0]] * 4 + [[0, 5.0]] * 4), [0] * 4 + [1] * 4).metrics  # two points
    assert (opposite.alignment, opposite.uniformity) == pytest.approx(
        (0, np.log((12 + 16 * np.exp(-4)) / 28)), abs=1e-9
    )
    point = evaluated(np.ones((5, 3)), [0, 0, 1, 1, 1]).metrics
    assert (point.alignment, point.uniformity) == pytest.approx((0, 0), abs=1e-9)
    assert (point.neighbor_distance, point.intrinsic_dimension) == (0, 0)


def test_density_of_few_images() -> None:
    """Fewer than k others: as many as there are; of two images nothing is told."""
    three = evaluated(np.array([[1.0, 0], [0, 1.0], [-1.0, 0]]), [0, 0, 1])
    assert three.k == 2 and three.metrics.neighbor_distance > 0
    assert evaluated(np.array([[1.0, 0], [0, 1.0]]), [0, 1]).metrics.neighbor_distance == 0
