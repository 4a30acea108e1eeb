"""Neighbors against a double loop in float64: sorted, exact, ties by index, far from zero and collapsed."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from visrep.errors import Failure
from visrep.measures import neighbors


def sorted_all(queries: Any, references: Any, k: int, farthest: bool, itself: bool) -> tuple[Any, Any]:
    """Every distance by a loop over pairs in float64, every row sorted whole."""
    index, distance = [], []
    for row, query in enumerate(queries.astype(float)):
        pairs = []
        for place, reference in enumerate(references.astype(float)):
            if not (itself and place == row):
                far = float(np.sqrt(((query - reference) ** 2).sum()))
                pairs.append((-far if farthest else far, place))
        pairs.sort()
        index.append([place for _, place in pairs[:k]])
        distance.append([abs(far) for far, _ in pairs[:k]])
    return np.array(index), np.array(distance)


def cloud(rows: int, dimensions: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).standard_normal((rows, dimensions)).astype(np.float32)


def flock(rows: int) -> Any:
    """Far from zero, and all so close that float32 products see one point."""
    return (1000 + 1e-3 * cloud(rows, 24)).astype(np.float32)


def lattice(rows: int) -> Any:
    """Many ties and duplicates, with distances that float64 computes without rounding."""
    return np.random.default_rng(1).integers(0, 3, (rows, 3)).astype(np.float32)


CLOUDS: dict[str, Callable[[int], Any]] = {
    "cloud": lambda rows: cloud(rows, 12),
    "flock": flock,
    "lattice": lattice,
    "one dimension": lambda rows: cloud(rows, 1),
    "bytes": lambda rows: np.random.default_rng(2).integers(0, 256, (rows, 30), dtype=np.uint8),
    "one point": lambda rows: np.full((rows, 5), 3.7, np.float32),
    "two points": lambda rows: np.repeat(cloud(2, 5), [rows // 2, rows - rows // 2], 0),
    "two flocks": lambda rows: (np.arange(rows)[:, None] % 2 * 2 - 1 + 1e-4 * cloud(rows, 24)).astype(np.float32),
    "tiny": lambda rows: cloud(rows, 6) * np.float32(1e-30),
    "subnormal": lambda rows: (cloud(rows, 6) * 1e-40).astype(np.float32),
    "huge": lambda rows: cloud(rows, 6) * np.float32(1e30),
    "outlier": lambda rows: np.concatenate([cloud(rows - 1, 6), np.full((1, 6), 1e30, np.float32)]),
    "two outliers": lambda rows: np.concatenate(
        [cloud(rows - 2, 6), np.array([[1], [-1]]) * np.full((2, 6), 2**74, np.float32)]  # squares nearly vanish
    ),
    "float64": lambda rows: 5 + 1e-9 * cloud(rows, 6).astype(float),
}


@pytest.mark.parametrize("k", [1, 5, 30])
@pytest.mark.parametrize("name", list(CLOUDS))
def test_the_nearest_and_the_farthest_are_those_of_the_loop(name: str, k: int) -> None:
    points = CLOUDS[name](70)
    queries = points[::3]
    for ours, far, itself in (
        (neighbors.nearest(queries, points, k), False, False),
        (neighbors.farthest(queries, points, k), True, False),
        (neighbors.nearest(points, points, k, itself=True), False, True),
    ):
        index, distance = sorted_all(points if itself else queries, points, k, far, itself)
        np.testing.assert_array_equal(ours.index, index)
        np.testing.assert_allclose(ours.distance, distance, rtol=1e-14)
        assert ours.index.dtype == np.int64
        assert ours.distance.dtype == np.float64


@pytest.mark.parametrize("dimensions", [128, 3072])
def test_a_larger_cloud_is_settled_without_a_second_search(dimensions: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of intrinsic dimension 10 as real embeddings are; the whole matrix by SciPy."""
    points = (cloud(800, 10) @ cloud(10, dimensions, 1) + 0.1 * cloud(800, dimensions, 2)).astype(np.float32)
    monkeypatch.setattr(neighbors, "_searched", lambda *_: pytest.fail("searched again"))
    every = cdist(points[:100], points)
    for k in (5, 200):
        expected = np.argsort(every, axis=1)
        np.testing.assert_array_equal(neighbors.nearest(points[:100], points, k).index, expected[:, :k])
        expected = np.argsort(-every, axis=1)
        np.testing.assert_array_equal(neighbors.farthest(points[:100], points, k).index, expected[:, :k])


@pytest.mark.parametrize("name", ["cloud", "flock", "tiny", "huge", "bytes"])
def test_neither_place_nor_scale_calls_for_a_second_search(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbors, "_searched", lambda *_: pytest.fail("searched again"))
    points = CLOUDS[name](300)
    neighbors.nearest(points, points, 3, itself=True)
    neighbors.farthest(points, points, 3)


@pytest.mark.parametrize("name", ["lattice", "two points", "two outliers", "cloud"])
def test_blocks_do_not_matter(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    points = CLOUDS[name](90)
    whole = neighbors.nearest(points, points, 5, itself=True), neighbors.farthest(points, points, 5)
    monkeypatch.setattr(neighbors, "BLOCK", 300)
    parts = neighbors.nearest(points, points, 5, itself=True), neighbors.farthest(points, points, 5)
    for one, other in zip(whole, parts, strict=True):
        assert [part.tobytes() for part in one] == [part.tobytes() for part in other]


def test_more_duplicates_than_candidates_are_found_by_index() -> None:
    """The nearest are 60 equal rows scattered among others at nearly the same distance."""
    points = cloud(400, 16)
    points /= np.linalg.norm(points, axis=1, keepdims=True)  # all as far from the query at zero, to rounding
    same = np.sort(np.random.default_rng(3).choice(400, 60, replace=False))
    points[same] = points[same[0]] * np.float32(0.999999)
    query = np.zeros((1, 16), np.float32)
    assert neighbors.nearest(query, points, 10).index.tolist() == [same[:10].tolist()]
    points[same] = points[same[0]] * np.float32(1.000003)
    assert neighbors.farthest(query, points, 10).index.tolist() == [same[:10].tolist()]


@pytest.mark.parametrize("k", [1, 5])
@pytest.mark.parametrize("spread", [1e-5, 2e-3, 3e-3, 1e-2])
def test_flocks_far_from_each_other_are_ordered_within(spread: float, k: int) -> None:
    """Products in float32 shuffle close rows that are far from the middle of all. As many rows and dimensions as it
    takes for faiss to use products at all; the whole matrix by SciPy."""
    points = (np.arange(1000)[:, None] % 2 * 2 - 1 + spread * cloud(1000, 128)).astype(np.float32)
    every = cdist(points, points)
    far = np.argsort(-every, axis=1, kind="stable")[:, :k]
    np.testing.assert_array_equal(neighbors.farthest(points, points, k).index, far)
    np.fill_diagonal(every, np.inf)
    near = np.argsort(every, axis=1, kind="stable")[:, :k]
    np.testing.assert_array_equal(neighbors.nearest(points, points, k, itself=True).index, near)


@pytest.mark.parametrize("find", [neighbors.nearest, neighbors.farthest])
@pytest.mark.parametrize("thick", [1e-6, 1e-5, 1e-4])
def test_a_shell_thinner_than_float32_sees_is_ordered(thick: float, find: Callable[..., Any]) -> None:
    """The queries are equal and in the middle, so that the order is that of the radii."""
    directions = cloud(1000, 128).astype(float)
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    points = directions * (1 + thick * np.random.default_rng(4).random((1000, 1)))
    radius = np.linalg.norm(points, axis=1)
    expected = np.argsort(radius if find is neighbors.nearest else -radius)[:6]
    assert (find(np.zeros((1000, 128)), points, 6).index == expected).all()


def test_itself_is_left_out_by_index_and_not_by_rank() -> None:
    points = np.repeat(cloud(40, 4), 2, axis=0)
    found = neighbors.nearest(points, points, 3, itself=True)
    assert (found.index[:, 0] == np.arange(80) ^ 1).all()  # the twin
    assert (found.distance[:, 0] == 0).all()
    assert not (found.index == np.arange(80)[:, None]).any()
    assert (neighbors.nearest(points, points, 2).index == np.arange(80)[:, None] // 2 * 2 + [0, 1]).all()


def test_all_references_can_be_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(neighbors, "_searched", lambda *_: pytest.fail("searched again"))
    points = cloud(7, 3)
    assert (np.sort(neighbors.nearest(points, points, 7).index, axis=1) == np.arange(7)).all()
    assert neighbors.nearest(points, points, 6, itself=True).index.shape == (7, 6)
    assert neighbors.nearest(points[:0], points, 3).index.shape == (0, 3)


def test_the_order_of_references_moves_only_their_numbers() -> None:
    points = cloud(300, 20)
    order = np.random.default_rng(5).permutation(300)
    moved = neighbors.nearest(points, points[order], 8)
    np.testing.assert_array_equal(order[moved.index], neighbors.nearest(points, points, 8).index)


def test_twice_the_same_bytes_and_arguments_left_alone() -> None:
    for make in CLOUDS.values():
        points = make(90)
        before = points.copy()
        first, again = (neighbors.nearest(points, points, 4, itself=True) for _ in range(2))
        assert [part.tobytes() for part in first] == [part.tobytes() for part in again]
        np.testing.assert_array_equal(points, before)


def test_too_few_references_are_named() -> None:
    points = cloud(5, 3)
    with pytest.raises(Failure, match=r"^5 neighbors .* only 4 images"):
        neighbors.nearest(points, points, 5, itself=True)
    with pytest.raises(Failure, match=r"^6 neighbors .* only 5 images"):
        neighbors.farthest(points, points, 6)
    with pytest.raises(Failure, match="only 0 images"):
        neighbors.nearest(points, points[:0], 1)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("where", ["queries", "references"])
def test_values_that_are_not_finite_are_refused(value: float, where: str) -> None:
    queries, references = cloud(30, 3), cloud(40, 3, 1)
    (queries if where == "queries" else references)[7, 1] = value
    for find in (neighbors.nearest, neighbors.farthest):
        with pytest.raises(Failure, match="not finite"):
            find(queries, references, 2)


def test_shapes_that_do_not_fit_are_the_callers_error() -> None:
    points = cloud(5, 3)
    with pytest.raises(ValueError, match="references"):
        neighbors.nearest(points, points[:, :2], 1)
    with pytest.raises(ValueError, match="k is 0"):
        neighbors.nearest(points, points, 0)
    with pytest.raises(ValueError, match="are not the"):
        neighbors.nearest(points[:3], points, 1, itself=True)
