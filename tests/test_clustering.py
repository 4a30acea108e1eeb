"""Clusters against scikit-learn, brute force over labelings, and loops in float64."""

import warnings
from itertools import permutations, product
from typing import Any

import numpy as np
import pytest
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score, normalized_mutual_info_score, silhouette_score

from visrep.data.embedded import objects
from visrep.evaluations import clustering


def lumps(rows: int, clusters: int, dimensions: int, apart: float = 2.0, seed: int = 0) -> tuple[Any, Any]:
    """(N, D) float32 about random centres, of unequal sizes, and which centre is whose."""
    rng = np.random.default_rng(seed)
    labels = np.minimum(rng.integers(0, clusters, rows), rng.integers(0, clusters, rows))
    centres = apart * rng.standard_normal((clusters, dimensions))
    return (centres[labels] + rng.standard_normal((rows, dimensions))).astype(np.float32), labels


def by_loop(x: Any, labels: Any) -> float:
    """The definition, one image at a time, every difference in float64."""
    scores = []
    for i, point in enumerate(x.astype(float)):
        distance = np.sqrt(((x.astype(float) - point) ** 2).sum(1))
        mine = labels == labels[i]
        if mine.sum() == 1:
            scores.append(0.0)
            continue
        a = distance[mine].sum() / (mine.sum() - 1)
        b = min(distance[labels == other].mean() for other in set(labels.tolist()) - {labels[i]})
        scores.append((b - a) / max(a, b) if max(a, b) > 0 else 0.0)
    return float(np.mean(scores))


def test_kmeans_of_few_points_is_the_best_of_all_partitions() -> None:
    x = np.random.default_rng(0).standard_normal((8, 2))
    best = np.inf
    for labels in product(range(3), repeat=8):
        groups = [x[np.array(labels) == cluster] for cluster in range(3)]
        best = min(best, sum(((group - group.mean(0)) ** 2).sum() for group in groups if len(group)))
    assert clustering.kmeans(x, 3, 0, 20).inertia == pytest.approx(best, rel=1e-12)


def test_kmeans_is_as_tight_as_scikit_learns_and_settled() -> None:
    x, _ = lumps(600, 5, 8)
    ours = clustering.kmeans(x, 5, 0, 10)
    theirs = KMeans(5, n_init=10, random_state=1, tol=0).fit(x.astype(float))
    assert ours.inertia == pytest.approx(theirs.inertia_, rel=1e-9)
    assert adjusted_rand_score(ours.labels, theirs.labels_) == 1
    exact = x.astype(float)
    for cluster in range(5):
        np.testing.assert_allclose(ours.centroids[cluster], exact[ours.labels == cluster].mean(0), rtol=1e-12)
    np.testing.assert_array_equal(clustering.distances(x, ours.centroids).argmin(1), ours.labels)
    assert ours.inertia == pytest.approx(((exact - ours.centroids[ours.labels]) ** 2).sum(), rel=1e-12)
    assert ours.labels.dtype == np.int64
    assert ours.centroids.dtype == np.float64


def test_more_restarts_are_no_looser() -> None:
    x, _ = lumps(300, 12, 2, seed=3)
    once = [clustering.kmeans(x, 12, seed, 1).inertia for seed in range(8)]
    assert max(once) > 1.01 * min(once)  # starts matter here
    assert clustering.kmeans(x, 12, 0, 30).inertia <= 1.001 * min(once)


def test_clusters_come_by_size_and_then_by_first_member() -> None:
    place = np.array([3, 3, 0, 1, 2, 2, 1, 3, 0, 0])  # 3 and 0 have three members, 2 and 1 two
    found = clustering.kmeans(place[:, None] * 10.0, 4, 0, 5)
    np.testing.assert_array_equal(found.labels, [0, 0, 1, 2, 3, 3, 2, 0, 1, 1])
    np.testing.assert_allclose(found.centroids[:, 0], [30, 0, 10, 20])


def test_equal_partitions_are_equal_bytes_whatever_the_seed() -> None:
    x, labels = lumps(300, 4, 6, apart=20)
    first, *others = (clustering.kmeans(x, 4, seed, 5) for seed in (0, 0, 1, 2))
    assert adjusted_rand_score(labels, first.labels) == 1
    for other in others:
        assert other.labels.tobytes() == first.labels.tobytes()
        assert other.centroids.tobytes() == first.centroids.tobytes()
        assert other.inertia == first.inertia


def test_kmeans_ends_where_no_label_changes() -> None:
    """Points without clusters, where many steps change little."""
    x = np.random.default_rng(0).random((2000, 2))
    found = clustering.kmeans(x, 12, 0, 1)
    np.testing.assert_array_equal(clustering.distances(x, found.centroids).argmin(1), found.labels)


@pytest.mark.parametrize(("scale", "away"), [(1e-30, 0.0), (1e-3, 1000.0), (1e-3, 1e7), (1e30, 0.0)])
def test_kmeans_sees_shape_whatever_the_scale_and_place(scale: float, away: float) -> None:
    x, labels = lumps(200, 3, 4, apart=20)
    found = clustering.kmeans(x.astype(float) * scale + away, 3, 0, 3)
    assert adjusted_rand_score(labels, found.labels) == 1


@pytest.mark.parametrize("distinct", [1, 2, 4])
def test_fewer_distinct_rows_than_clusters_are_clusters_each(distinct: int) -> None:
    which = np.random.default_rng(1).integers(0, distinct, 50)
    which[:distinct] = range(distinct)
    rows = lumps(distinct, 1, 6, seed=2)[0]
    rows[-1] = rows[0] + np.float32(1e-4) * (distinct > 1)  # close to another, yet another
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = clustering.kmeans(rows[which], 6, 0, 3)
    assert adjusted_rand_score(which, found.labels) == 1
    assert found.centroids.shape == (distinct, 6)
    assert found.inertia == pytest.approx(0, abs=1e-20)
    np.testing.assert_array_equal(clustering.distances(rows[which], found.centroids).argmin(1), found.labels)


def test_fewer_images_than_clusters_are_clusters_each() -> None:
    found = clustering.kmeans(np.eye(3, dtype=np.float32), 10, 0, 2)
    np.testing.assert_array_equal(found.labels, [0, 1, 2])
    np.testing.assert_allclose(found.centroids, np.eye(3), atol=1e-15)


def test_distances_to_centroids_are_the_loops() -> None:
    x = 1e4 + np.random.default_rng(0).standard_normal((40, 3))
    centroids = 1e4 + np.random.default_rng(1).standard_normal((5, 3))
    expected = [[sum((row - centroid) ** 2) ** 0.5 for centroid in centroids] for row in x]
    np.testing.assert_allclose(clustering.distances(x, centroids), expected, rtol=1e-14)


@pytest.mark.parametrize("block", [1, 7, 64, 199, 200, 512])
def test_silhouette_is_scikit_learns_whatever_the_block(block: int) -> None:
    x, labels = lumps(200, 6, 10)
    expected = silhouette_score(x.astype(float), labels)
    assert clustering.silhouette(x, labels, block) == pytest.approx(expected, abs=1e-12)
    assert abs(expected) > 0.05


@pytest.mark.parametrize(
    ("scale", "away"), [(1.0, 0.0), (1e-6, 1.0), (1e-3, 1000.0), (1e-30, 0.0), (1e15, 0.0), (1.0, 1e4)]
)
@pytest.mark.parametrize("seed", [0, 1])
def test_silhouette_is_the_loops_whatever_the_scale_and_place(scale: float, away: float, seed: int) -> None:
    x, labels = lumps(120, 5, 6, apart=0.5, seed=seed)
    x = (x * scale + away).astype(np.float32)
    assert clustering.silhouette(x, labels, 50) == pytest.approx(by_loop(x, labels), abs=1e-8)


def test_silhouette_of_tight_lumps_within_and_across_clusters() -> None:
    """Distances of 1e-4 beside 1: float32 products would lose them all."""
    rng = np.random.default_rng(4)
    x = np.repeat(rng.standard_normal((6, 20)), 20, axis=0) + 1e-4 * rng.standard_normal((120, 20))
    for labels in (np.repeat(np.arange(6), 20), np.arange(120) % 20 // 7, np.arange(120) // 10):
        assert clustering.silhouette(x, labels, 32) == pytest.approx(by_loop(x, labels), abs=1e-7)


@pytest.mark.parametrize("apart", [0.0, 3.7])
def test_duplicates_split_among_clusters_score_zero(apart: float) -> None:
    """a = b = 0, which rounding must not turn into a ratio of noise. Any rows, any place."""
    rows = np.random.default_rng(5).standard_normal((2, 33)) * apart + 0.1
    x = np.repeat(rows, [40, 40], axis=0).astype(np.float32)
    assert clustering.silhouette(x, np.arange(80) // 20, 16) == 0.0


def test_lone_images_score_zero_and_so_does_a_single_cluster() -> None:
    x, labels = lumps(40, 3, 4)
    labels[5], labels[6] = 17, 99
    assert clustering.silhouette(x, labels) == pytest.approx(by_loop(x, labels), abs=1e-12)
    assert clustering.silhouette(x, labels) == pytest.approx(silhouette_score(x, labels), abs=1e-6)
    assert clustering.silhouette(x, np.arange(40)) == 0.0
    assert clustering.silhouette(x, np.full(40, 3)) == 0.0
    assert clustering.silhouette(x[:1], np.zeros(1, int)) == 0.0


def test_nmi_and_ari_are_scikit_learns() -> None:
    rng = np.random.default_rng(6)
    labels = rng.integers(0, 5, 200)
    clusters = np.where(rng.random(200) < 0.5, labels, rng.integers(0, 7, 200))
    assert clustering.nmi(labels, clusters) == normalized_mutual_info_score(labels, clusters)
    assert clustering.ari(labels, clusters) == adjusted_rand_score(labels, clusters)
    same = np.zeros(9, int)
    assert clustering.nmi(same, same) == clustering.ari(same, same) == 1
    assert clustering.nmi(np.arange(9) % 3, same) == clustering.ari(np.arange(9) % 3, same) == 0


@pytest.mark.parametrize(("classes", "clusters"), [(4, 4), (3, 5), (5, 3), (1, 3), (3, 1)])
def test_matched_accuracy_is_the_best_of_all_matchings(classes: int, clusters: int) -> None:
    rng = np.random.default_rng(7)
    labels = rng.integers(0, classes, 60)
    found = np.where(rng.random(60) < 0.4, (labels + 1) % clusters, rng.integers(0, clusters, 60))
    best = 0.0
    for order in permutations(range(max(classes, clusters)), clusters):  # the class of each cluster
        best = max(best, float(np.mean(np.array(order)[found] == labels)) * 100)
    assert clustering.matched_accuracy(labels * 3 + 2, found * 5 + 1) == pytest.approx(best)  # numbers are names


def test_renamed_classes_are_matched_whole() -> None:
    labels = np.array([0, 0, 1, 2, 2, 2])
    assert clustering.matched_accuracy(labels, np.array([7, 7, 0, 1, 1, 1])) == 100
    assert clustering.matched_accuracy(labels, np.zeros(6, int)) == 50


def test_what_groups_explain_is_one_less_what_is_left_within() -> None:
    rng = np.random.default_rng(8)
    groups = rng.integers(0, 4, 90) * 10
    values = rng.standard_normal((90, 3)) * [1, 5, 0.1] + groups[:, None] * [0.1, 0, 0.01] + 1000
    within = sum(((values[groups == g] - values[groups == g].mean(0)) ** 2).sum() for g in set(groups.tolist()))
    total = ((values - values.mean(0)) ** 2).sum()
    assert clustering.explained(values, groups) == pytest.approx(1 - within / total, abs=1e-9)
    assert 0.02 < 1 - within / total < 0.9


def test_what_groups_explain_at_the_limits() -> None:
    groups = np.repeat([2, 5, 9], 20)
    rng = np.random.default_rng(9)
    for _ in range(50):
        whole = clustering.explained(rng.standard_normal((10, 4))[groups], groups)
        assert whole == pytest.approx(1, abs=1e-12)
        assert whole <= 1
    assert clustering.explained(rng.standard_normal((60, 2)), np.zeros(60, int)) == pytest.approx(0, abs=1e-20)
    assert clustering.explained(rng.standard_normal((60, 2)), np.arange(60)) == pytest.approx(1)
    for value in (0.0, 0.1, 1e9):
        assert clustering.explained(np.full((60, 2), value), groups) == 0.0
    by_chance = [clustering.explained(rng.standard_normal((60, 4)), rng.permutation(groups)) for _ in range(300)]
    assert np.mean(by_chance) == pytest.approx(2 / 59, rel=0.1)


def test_the_table_holds_every_class_and_cluster() -> None:
    rows = clustering.table(np.array([0, 0, 0, 2]), np.array([1, 1, 0, 1]), ("cat", "dog", "owl"))
    assert [(row.label, row.cluster, row.count) for row in rows] == [
        ("cat", 0, 1),
        ("cat", 1, 2),
        ("dog", 0, 0),
        ("dog", 1, 0),
        ("owl", 0, 0),
        ("owl", 1, 1),
    ]
    assert [row.percent for row in rows] == pytest.approx([100 / 3, 200 / 3, 0, 0, 0, 100])


def test_the_first_run_is_told_with_the_range_over_all() -> None:
    drawn = objects.generate(0, 90, 1)
    x = np.random.default_rng(0).normal(size=(90, 3)).astype(np.float32)
    result, clusters = clustering.evaluate(x, drawn, clustering.Settings(seed=2**32 - 2, restarts=1, runs=3))
    runs = [clustering.kmeans(x, 10, seed, 1) for seed in (2**32 - 2, 2**32 - 1, 0)]
    np.testing.assert_array_equal(clusters.labels, runs[0].labels)
    each = [by_loop(x, run.labels) for run in runs]
    assert (result.runs, result.metrics.silhouette) == (3, pytest.approx(each[0]))
    assert (result.ranges.silhouette.low, result.ranges.silhouette.high) == pytest.approx((min(each), max(each)))
    assert min(each) < max(each)
    assert abs(result.silhouette_at_random) < 0.2 and result.silhouette_of_classes < 0.2


def test_several_labellings_share_the_distances_and_nothing_else() -> None:
    random = np.random.default_rng(3)
    x = random.normal(size=(70, 5)).astype(np.float32)
    labellings = [random.integers(0, 3, 70), np.full(70, 2), random.choice([1, 5, 9], 70)]
    found = clustering.each_silhouette(x, labellings, 16)
    assert found == pytest.approx([by_loop(x, labels) if len(set(labels)) > 1 else 0.0 for labels in labellings])
