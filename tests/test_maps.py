"""Maps against scikit-learn, and what becomes of points that are few, alike, or all the same."""

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.manifold import trustworthiness
from sklearn.model_selection import LeaveOneOut, cross_val_predict
from sklearn.neighbors import KNeighborsClassifier

from visrep.errors import Failure
from visrep.evaluations import maps


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(0)


def clouds(count: int, dimensions: int = 5) -> tuple[np.ndarray, np.ndarray]:
    """Three clouds far apart."""
    rng = np.random.default_rng(3)
    labels = np.arange(count) % 3
    means = 12 * np.eye(3, dimensions)
    return (means[labels] + rng.normal(size=(count, dimensions))).astype(np.float32), labels


@pytest.mark.parametrize("offset", [0.0, 1000.0])
def test_pca_is_scikit_learns_up_to_sign(random: np.random.Generator, offset: float) -> None:
    mixing = random.normal(size=(6, 6)) * [1, 2, 3, 4, 5, 6]
    train, points = (random.normal(size=(n, 6)) @ mixing + offset for n in (80, 15))
    ours = maps.pca(train, points, 3)
    reference = PCA(3, svd_solver="full").fit(train)
    signs = np.sign(reference.components_[range(3), np.abs(reference.components_).argmax(1)])
    np.testing.assert_allclose(ours.coordinates, reference.transform(points) * signs, atol=1e-7)
    np.testing.assert_allclose(ours.explained, reference.explained_variance_ratio_, atol=1e-9)


def test_pca_looks_the_same_from_the_other_side(random: np.random.Generator) -> None:
    """The sign hangs on the direction, not on the solver: mirrored axes mirror nothing, but for a direction's own."""
    train = random.normal(size=(40, 3)) * [3, 2, 1]
    ours = maps.pca(train, np.eye(3) * 100 + train.mean(0)).coordinates
    assert ours[0, 0] > 0
    assert ours[1, 1] > 0


def test_points_are_named_by_their_nearest_as_scikit_learn_does(random: np.random.Generator) -> None:
    plane, labels = random.normal(size=(60, 2)), random.integers(0, 4, 60)
    expected = cross_val_predict(KNeighborsClassifier(7), plane, labels, cv=LeaveOneOut())
    np.testing.assert_array_equal(maps.by_neighbors(plane, labels, 7), expected)
    assert maps.by_neighbors(plane[:3], np.array([0, 1, 1]), 7).tolist() == [1, 0, 0]  # two others: the first of equals


def test_pca_without_variation() -> None:
    constant = np.full((7, 4), 0.1, np.float32)
    rounded = np.nextafter(constant, np.float32(np.eye(7, 4)))  # the least that float32 can differ
    for train in (constant, constant[:1], np.zeros((5, 4), np.float32), rounded):
        coordinates, explained = maps.pca(train, np.eye(4, dtype=np.float32))
        assert not coordinates.any()
        assert not explained.any()


def test_pca_of_fewer_dimensions_than_asked_for() -> None:
    line = np.float32([[1], [3], [8]])
    coordinates, explained = maps.pca(line, line)
    np.testing.assert_allclose(coordinates, [[-3, 0], [-1, 0], [4, 0]])
    np.testing.assert_allclose(explained, [1, 0])


def test_pca_of_a_single_direction_explains_all() -> None:
    line = np.outer(np.arange(9.0), [1, -2, 3]).astype(np.float32)
    coordinates, explained = maps.pca(line, line)
    np.testing.assert_allclose(explained, [1, 0], atol=1e-12)
    np.testing.assert_allclose(coordinates[:, 0], (np.arange(9) - 4) * np.sqrt(14), rtol=1e-6)
    for seed in range(9):
        flat = np.random.default_rng(seed).normal(size=(50, 1)) * np.random.default_rng(9).normal(size=20)
        assert (maps.pca(flat, flat, 20).explained >= 0).all()


def test_tsne_keeps_clouds_apart_and_is_the_same_in_another_process() -> None:
    points, labels = clouds(90)
    ours = maps.tsne(points, 10, 0, 1)
    middles = np.array([ours[labels == k].mean(0) for k in range(3)])
    own = np.linalg.norm(ours - middles[labels], axis=1).max()
    assert min(np.linalg.norm(middles[a] - middles[b]) for a, b in ((0, 1), (0, 2), (1, 2))) > 2 * own
    script = "import sys, test_maps, visrep.evaluations.maps as m; p = test_maps.clouds(90)[0]; "
    script += "sys.stdout.buffer.write(m.tsne(p, 10, 0, 1).tobytes())"
    other = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, cwd=Path(__file__).parent, check=True
    ).stdout
    assert other == ours.tobytes()
    assert not np.array_equal(maps.tsne(points, 10, 1, 1), ours)


def test_tsne_knows_no_unit() -> None:
    """Powers of two change no digit."""
    points, _ = clouds(30)
    ours = maps.tsne(points, 5, 0, 1)
    for unit in (2.0**-50, 2.0**50):
        np.testing.assert_array_equal(maps.tsne(points * np.float32(unit), 5, 0, 1), ours)


def test_tsne_begins_where_pca_puts_the_points(monkeypatch: pytest.MonkeyPatch) -> None:
    """What openTSNE is asked for; the choice between its two ways to repel."""
    import openTSNE

    points, _ = clouds(40)
    asked: dict[str, Any] = {}

    class Recorded:
        def __init__(self, **settings: Any) -> None:
            asked.update(settings)

        def fit(self, affinities: Any, initialization: np.ndarray) -> np.ndarray:
            asked.update(affinities=affinities, start=initialization)
            return initialization

    monkeypatch.setattr(openTSNE, "TSNE", Recorded)
    maps.tsne(points, 30, 5, 2)
    assert (asked["n_jobs"], asked["random_state"], asked["negative_gradient_method"]) == (2, 5, "bh")
    assert asked["affinities"].perplexity == 13  # (40 - 1) / 3
    plane = maps.pca(points, points).coordinates
    scale = plane[:, 0].std() / 1e-4
    assert np.abs(asked["start"] - plane / scale).max() < 6e-6  # a jitter of a hundredth
    assert asked["start"][:, 0].std() == pytest.approx(1e-4, rel=0.01)
    maps.tsne(points, 4, 5, 2)
    assert asked["affinities"].perplexity == 4
    squared = ((points[:, None] - points[None]) ** 2).sum(2)
    np.fill_diagonal(squared, np.inf)
    joined = asked["affinities"].P.toarray() > 0  # of at least one to the other
    nearest = np.zeros((40, 40), bool)
    np.put_along_axis(nearest, np.argsort(squared, 1)[:, :12], True, 1)
    assert (joined <= (nearest | nearest.T)).all()
    assert joined[np.arange(40), squared.argmin(1)].all()
    monkeypatch.setattr(maps, "INTERPOLATED", 40)
    maps.tsne(points, 4, 5, 2)
    assert asked["negative_gradient_method"] == "fft"


@pytest.mark.parametrize("perplexity", [0.1, 1000.0])
def test_tsne_of_few_or_equal_points(perplexity: float) -> None:
    points, _ = clouds(6)
    for few in (points[:1], points[:2], points[:3]):
        np.testing.assert_array_equal(maps.tsne(few, perplexity, 0, 1), maps.pca(few, few).coordinates)
    assert not maps.tsne(np.full((8, 3), 0.1, np.float32), perplexity, 0, 1).any()
    line = np.outer(np.arange(5), [1.0, 2.0]).astype(np.float32)
    twins = np.repeat(points[:2], 5, 0)
    collapsed = np.float32(3) + np.float32(1e-6) * points
    for odd in (points, points[:4], line, twins, collapsed):
        ours = maps.tsne(odd, perplexity, 0, 1)
        assert ours.shape == (len(odd), 2)
        assert np.isfinite(ours).all()


def test_umap_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "umap", None)
    with pytest.raises(Failure, match=r"^maps.umap: .*run `\.uv/bin/uv pip install umap-learn`$"):
        maps.umap(clouds(30)[0], 15, 0)


@pytest.mark.parametrize(("count", "k", "used"), [(30, 15, 15), (10, 15, 9), (10, 1, 2)])
def test_umap_is_asked_for_so_many_neighbors(monkeypatch: pytest.MonkeyPatch, count: int, k: int, used: int) -> None:
    asked: dict[str, Any] = {}

    class Recorded:
        def __init__(self, **settings: Any) -> None:
            asked.update(settings)

        def fit_transform(self, points: np.ndarray) -> np.ndarray:
            return points[:, :2]

    monkeypatch.setitem(sys.modules, "umap", SimpleNamespace(UMAP=Recorded))
    points, _ = clouds(count)
    np.testing.assert_array_equal(maps.umap(points, k, 4), points[:, :2])
    assert asked == {"n_neighbors": used, "random_state": 4, "n_jobs": 1}
    assert not maps.umap(np.full((9, 2), 0.1, np.float32), k, 4).any()
    assert maps.umap(points[:3], k, 4).shape == (3, 2)


def test_umap_itself() -> None:
    pytest.importorskip("umap")
    points, _ = clouds(60)
    ours = maps.umap(points, 10, 0)
    np.testing.assert_array_equal(maps.umap(points, 10, 0), ours)
    assert maps.trustworthiness(points, ours, 5) > 0.8


@pytest.mark.parametrize("k", [1, 5, 29])
@pytest.mark.parametrize("block", [1, 200, 1 << 22])
def test_trustworthiness_is_scikit_learns(
    monkeypatch: pytest.MonkeyPatch, random: np.random.Generator, k: int, block: int
) -> None:
    monkeypatch.setattr(maps, "BLOCK", block)
    points = random.normal(size=(60, 7))
    for plane in (points[:, :2], random.normal(size=(60, 2))):
        assert maps.trustworthiness(points, plane, k) == pytest.approx(trustworthiness(points, plane, n_neighbors=k))


def test_trustworthiness_of_the_points_themselves_and_of_their_opposite() -> None:
    points = np.random.default_rng(0).normal(size=(25, 2))
    assert maps.trustworthiness(points, points, 4) == 1
    line = np.arange(11.0)[:, None]
    swapped = line.copy()
    swapped[[0, 10]] = swapped[[10, 0]]
    faults = sum(max(0, rank - 1) for rank in (9, 9))  # 0 beside 9, 10 beside 1; ends' neighbors see other ends
    found = maps.trustworthiness(line, swapped, 1)
    reference = trustworthiness(line, swapped, n_neighbors=1)
    assert found < 1 - 2 * faults / (11 * 1 * (22 - 3 - 1)) + 1e-9
    assert found == pytest.approx(reference, abs=0.1)  # which of two equal neighbors is taken differs


def test_neighbors_beyond_half_are_not_asked_for(random: np.random.Generator) -> None:
    points, plane = random.normal(size=(12, 4)), random.normal(size=(12, 2))
    assert maps.trustworthiness(points, plane, 100) == pytest.approx(trustworthiness(points, plane, n_neighbors=5))
    odd, its = points[:11], plane[:11]
    assert maps.trustworthiness(odd, its, 100) == pytest.approx(trustworthiness(odd, its, n_neighbors=5))
    for few in (1, 2):
        assert maps.trustworthiness(points[:few], plane[:few], 3) == 1


def test_equal_points_are_neighbors_of_each_other(random: np.random.Generator) -> None:
    plane = random.normal(size=(20, 2))
    assert maps.trustworthiness(np.full((20, 3), 0.1, np.float32), plane, 3) == 1
    twins = np.repeat(random.normal(size=(4, 3)).astype(np.float32), 5, 0)
    assert maps.trustworthiness(twins, twins[:, :2], 4) == 1
    assert 0 <= maps.trustworthiness(random.normal(size=(20, 3)), np.zeros((20, 2)), 3) < 1
