"""Retrieval counted by loops."""

from collections import Counter

import numpy as np
import pytest

from visrep.evaluations import retrieval
from visrep.measures import statistics


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(0)


def test_precision_is_counted_by_loops(random: np.random.Generator) -> None:
    train, labels = random.integers(0, 4, 30), random.integers(0, 4, 12)
    found = random.integers(0, 30, (12, 5))
    shares = [np.mean([train[i] == label for i in row]) for row, label in zip(found, labels, strict=True)]
    assert 0 < np.mean(shares) < 1
    assert retrieval.precision(found, train, labels) == pytest.approx(100 * np.mean(shares))
    rows = retrieval.per_class(found, train, labels, ("a", "b", "c", "d", "e"))
    assert [row.label for row in rows] == ["a", "b", "c", "d"]  # nothing is asked for e
    for k, row in enumerate(rows):
        own = [share for share, label in zip(shares, labels, strict=True) if label == k]
        assert row.precision == pytest.approx(100 * np.mean(own))
        assert row.queries == len(own)


def test_precision_at_its_ends() -> None:
    train = np.array([0, 0, 1, 1])
    assert retrieval.precision(np.array([[0, 1], [2, 3]]), train, np.array([0, 1])) == 100
    assert retrieval.precision(np.array([[0, 1], [2, 3]]), train, np.array([1, 0])) == 0


def test_chance_is_what_random_images_give(random: np.random.Generator) -> None:
    train, labels = np.repeat([0, 1, 3], [700, 200, 100]), np.array([0] * 500 + [1] * 1000 + [2] * 500 + [5] * 100)
    found = random.integers(0, 1000, (len(labels), 50))
    expected = 100 * (500 * 0.7 + 1000 * 0.2) / 2100
    assert statistics.agreement_by_chance(train, labels) == pytest.approx(expected)
    assert retrieval.precision(found, train, labels) == pytest.approx(expected, abs=0.7)


def test_one_query_for_each_class_there_is(random: np.random.Generator) -> None:
    labels = random.permutation(np.repeat([0, 2, 3], [20, 30, 1]))
    picked = retrieval.queries(labels, 5, 0)
    assert labels[picked].tolist() == [0, 2, 3]
    np.testing.assert_array_equal(picked, retrieval.queries(labels, 5, 0))
    assert len({tuple(retrieval.queries(labels, 5, seed).tolist()) for seed in range(20)}) > 10
    assert retrieval.queries(labels, 1, 0).tolist() == picked[:1].tolist()
    nobody = retrieval.queries(np.zeros(0, int), 3, 0)
    assert (nobody.shape, nobody.dtype) == ((0,), np.int64)


def test_hubs_are_those_found_most_often(random: np.random.Generator) -> None:
    found = random.integers(0, 8, (10, 3)) * 2
    counted = Counter(found.ravel().tolist())
    expected = sorted(counted.items(), key=lambda pair: (-pair[1], pair[0]))
    assert retrieval.hubs(found, 4) == expected[:4]
    assert retrieval.hubs(found, 100) == expected
    assert retrieval.hubs(np.array([[1, 2]]), 3) == [(1, 1), (2, 1)]


def test_colors_and_backgrounds_are_means_of_pixels(random: np.random.Generator) -> None:
    images = random.integers(0, 256, (3, 32, 32, 3), dtype=np.uint8)
    rim = np.ones((32, 32), bool)
    rim[4:28, 4:28] = False
    np.testing.assert_allclose(retrieval.colors(images), [image.reshape(-1, 3).mean(0) for image in images])
    np.testing.assert_allclose(retrieval.backgrounds(images), [image[rim].mean(0) for image in images])


def test_what_is_alike_in_color_is_counted_by_loops(random: np.random.Generator) -> None:
    train, queries = random.uniform(0, 255, (40, 3)), random.uniform(0, 255, (12, 3))
    found = random.integers(0, 40, (12, 5))
    shares = []
    for query, row in zip(queries, found, strict=True):
        order = sorted(range(40), key=lambda i: float(np.square(train[i] - query).sum()))
        shares += [i in order[:4] for i in row]
    assert 0 < np.mean(shares) < 1
    assert retrieval.alike(found, train, queries) == pytest.approx(100 * np.mean(shares))
    by_chance = random.integers(0, 40, (12, 4000))
    assert retrieval.alike(by_chance, train, queries) == pytest.approx(10, abs=1)
