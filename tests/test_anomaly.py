"""Anomaly scores against loops and scikit-learn; measures against counting pairs."""

import warnings
from typing import Any

import numpy as np
import pytest
from sklearn.covariance import LedoitWolf
from sklearn.metrics import average_precision_score, roc_auc_score

from visrep import records
from visrep.data import store
from visrep.data.store import ImageSet
from visrep.errors import Failure
from visrep.evaluations import anomaly
from visrep.measures import statistics
from visrep.representations.embeddings import Embeddings


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(0)


def test_mean_distances_are_counted_by_loops(random: np.random.Generator) -> None:
    """A query that is a training image does not count itself, but its duplicates."""
    train, queries = random.normal(size=(30, 4)), random.normal(size=(8, 4))
    train[7] = train[3] = queries[2]
    train[20] = queries[5]
    own = np.array([-1, -1, 7, -1, -1, 20, -1, -1])
    scores = anomaly.knn_scores(train, queries, (5, 1, 29, 30, 2), own)
    assert list(scores) == [5, 1, 29, 2]
    for k, found in scores.items():
        for query, score, left_out in zip(queries, found, own, strict=True):
            others = [row for i, row in enumerate(train) if i != left_out]
            distances = sorted(float(np.sqrt(((query - row) ** 2).sum())) for row in others)
            assert score == pytest.approx(sum(distances[:k]) / k)
    assert scores[1][2] == 0 and scores[1][5] > 0
    plain = anomaly.knn_scores(train, queries, (1,))
    assert plain[1][5] == 0


def test_too_many_neighbors_are_named() -> None:
    with pytest.raises(Failure, match=r"^anomaly\.k: 3 other neighbors .* 3 training images"):
        anomaly.knn_scores(np.eye(3), np.eye(3), (4, 3))
    assert list(anomaly.knn_scores(np.eye(3), np.eye(3), (2, 200))) == [2]


def test_mahalanobis_is_scikit_learns(random: np.random.Generator) -> None:
    mixing = random.normal(size=(5, 5))
    train, queries = (random.normal(size=(n, 5)) @ mixing + 3 for n in (40, 9))
    reference = LedoitWolf().fit(train)
    np.testing.assert_allclose(anomaly.mahalanobis_scores(train, queries) ** 2, reference.mahalanobis(queries))
    assert 0 < reference.shrinkage_ < 1


def test_mahalanobis_in_one_dimension() -> None:
    train = np.float32([[1], [3], [5], [7]])
    np.testing.assert_allclose(anomaly.mahalanobis_scores(train, np.float32([[4], [9]])), [0, 5 / np.sqrt(5)])


def test_what_never_varies_is_very_far_but_finite(random: np.random.Generator) -> None:
    """With a direction of no variance, and in a collapsed embedding: the order of Euclidean distances."""
    warnings.simplefilter("error")
    for train in (np.full((20, 3), 0.1, np.float32), np.full((1, 3), 0.1, np.float32)):
        queries = (0.1 + random.normal(size=(9, 3))).astype(np.float32)
        scores = anomaly.mahalanobis_scores(train, queries)
        distances = np.linalg.norm(queries - train[0].astype(float), axis=1)
        np.testing.assert_allclose(scores, distances / (0.1 * 2.0**-23), rtol=1e-6)
        assert not anomaly.mahalanobis_scores(train, train).any()
    zero = anomaly.mahalanobis_scores(np.zeros((4, 2)), np.float32([[0, 0], [3, 4]]))
    assert zero[0] == 0
    assert np.isfinite(zero[1])
    assert zero[1] > 1e6
    line = random.normal(size=(50, 1)) * [1.0, 1.0]
    off = anomaly.mahalanobis_scores(line, np.array([[1.0, 1.0], [1.0, -1.0]]))
    assert np.isfinite(off).all()
    assert off[1] > 2 * off[0]


def test_features_are_as_named(random: np.random.Generator) -> None:
    train, other = (random.normal(size=(n, 3)).astype(np.float32) * [1, 10, 0] + [5, 0, 2] for n in (30, 4))
    raw = anomaly.features("raw", train, other)
    assert raw[0] is train
    assert raw[1] is other
    standardised = anomaly.features("standardised", train, other)[1]
    expected = (other[:, :2] - train[:, :2].mean(0)) / train[:, :2].std(0)
    np.testing.assert_allclose(standardised, np.column_stack([expected, np.zeros(4)]), atol=1e-5)
    for array, result in zip((train, other), anomaly.features("unit", train, other), strict=True):
        np.testing.assert_allclose(result, array / np.sqrt((array**2).sum(1))[:, None], atol=1e-6)


@pytest.mark.parametrize("sizes", [(1, 1), (30, 20), (13, 100), (50, 7), (40, 21), (25, 119)])
@pytest.mark.parametrize("levels", [1, 4, 10**6])
def test_measures_count_pairs(random: np.random.Generator, sizes: tuple[int, int], levels: int) -> None:
    """With few levels most scores are tied."""
    normal = random.integers(0, levels, sizes[0]) / levels
    anomalous = (random.integers(0, levels, sizes[1]) + levels // 4) / levels
    found = anomaly.separation(normal, anomalous)
    pairs = [1.0 if b > a else 0.5 if b == a else 0.0 for a in normal for b in anomalous]
    assert found.auroc == pytest.approx(100 * np.mean(pairs))
    thresholds = sorted({*normal, *anomalous}, reverse=True)
    precisions, recalls, alarms = [], [0.0], []
    for threshold in thresholds:
        hits, false = int((anomalous >= threshold).sum()), int((normal >= threshold).sum())
        precisions.append(hits / (hits + false))
        recalls.append(hits / len(anomalous))
        if 100 * hits >= 95 * len(anomalous):
            alarms.append(100 * false / len(normal))
    area = sum(p * (b - a) for p, a, b in zip(precisions, recalls, recalls[1:], strict=False))
    assert found.aupr == pytest.approx(100 * area)
    assert found.fpr95 == pytest.approx(min(alarms))
    if levels == 1:
        assert (found.auroc, found.fpr95) == (50, 100)


def test_perfect_and_inverted_scores() -> None:
    low, high = np.arange(20.0), np.arange(20.0) + 100
    assert anomaly.separation(low, high) == anomaly.Separation(100, 100, 0)
    assert anomaly.separation(np.array([0.5]), low).fpr95 == 0  # the lowest of twenty need not be found
    wrong = anomaly.separation(high, low)
    assert (wrong.auroc, wrong.fpr95) == (0, 100)


def test_nothing_to_judge_is_an_error() -> None:
    for pair in ((np.ones(3), np.ones(0)), (np.ones(0), np.ones(3))):
        with pytest.raises(ValueError, match="some of both"):
            anomaly.separation(*pair)
        with pytest.raises(ValueError, match="some of both"):
            anomaly.roc("none", *pair)


@pytest.mark.parametrize("gap", [0.0, 1.0, 4.0])
@pytest.mark.parametrize("points", [10, 200])
def test_the_thinned_curve_keeps_ends_area_and_shape(random: np.random.Generator, gap: float, points: int) -> None:
    normal, anomalous = random.normal(size=5000), random.normal(size=7000) + gap
    found = anomaly.roc("drawn", normal, anomalous, points)
    assert found.anomalies == "drawn"
    fpr, tpr = np.array(found.fpr), np.array(found.tpr)
    assert len(fpr) == len(tpr) <= points
    assert (fpr[0], tpr[0], fpr[-1], tpr[-1]) == (0, 0, 1, 1)
    assert (np.diff(fpr) >= 0).all()
    assert (np.diff(tpr) >= 0).all()
    assert ((np.diff(fpr) + np.diff(tpr)) <= 3 / points).all()  # no gap
    truth = np.repeat([0, 1], [5000, 7000])
    area = roc_auc_score(truth, np.concatenate([normal, anomalous]))
    assert np.trapezoid(tpr, fpr) == pytest.approx(area, abs=1 / points)
    every = np.concatenate([normal, anomalous])
    edges = {tuple(float(f"{np.mean(part >= t):.6g}") for part in (normal, anomalous)) for t in every}
    assert set(zip(found.fpr[1:], found.tpr[1:], strict=True)) <= edges


def test_short_curves_are_whole() -> None:
    assert anomaly.roc("none", np.zeros(3), np.zeros(2)) == anomaly.Roc("none", (0, 1), (0, 1))
    assert anomaly.roc("all", np.zeros(3), np.ones(2)) == anomaly.Roc("all", (0, 0, 1), (0, 1, 1))


def test_the_most_anomalous_come_first_and_ties_by_index() -> None:
    scores = np.array([1.0, 3.0, 2.0, 3.0, 0.0, 3.0])
    assert anomaly.most_anomalous(scores, 4).tolist() == [1, 3, 5, 2]
    assert anomaly.most_anomalous(np.zeros(50), 3).tolist() == [0, 1, 2]
    assert anomaly.most_anomalous(scores, 100).tolist() == [1, 3, 5, 2, 0, 4]


def test_ranked_names_set_and_place() -> None:
    scores = {"test": np.array([1.0, 5.0]), "handwritten_digits": np.array([5.0, 2.0, 7.0])}
    assert anomaly.ranked(scores, 3) == (
        anomaly.Strange("handwritten_digits", 2, 7.0),
        anomaly.Strange("test", 1, 5.0),
        anomaly.Strange("handwritten_digits", 0, 5.0),
    )


SETS = {"handwritten": "handwritten_digits", "street": "street_digits"}


def settings(**changed: Any) -> anomaly.Settings:
    values = {"sets": SETS, "validation": {"seed": 0, "images": 12}, "score": "chosen", "k": (2, 1, 200)}
    return anomaly.Settings.model_validate(values | changed)


SIZES = {"train": 40, "test": 9, "handwritten_digits": 7, "street_digits": 5}


@pytest.fixture
def embedded(random: np.random.Generator) -> Embeddings:
    away = {"handwritten_digits": 1.5, "street_digits": -1.0}
    train, test, *others = (random.normal(size=(n, 3)).astype(np.float32) + away.get(s, 0) for s, n in SIZES.items())
    more = {name: random.normal(size=(6, 3)).astype(np.float32) + far for name, far in away.items()}
    return Embeddings(train, test, dict(zip(away, others, strict=True)), more)


def images(name: str, count: int) -> ImageSet:
    labels = np.arange(count) % 3
    split = store.split(np.zeros((count, 32, 32, 3), np.uint8), labels)
    return ImageSet(split, split, ("a", "b", "c", "never"), f"{name}, drawn", {})


IMAGES = {name: images(name, count) for name, count in SIZES.items() if name != "train"}


def one_way(train: np.ndarray, queries: np.ndarray, k: int, own: np.ndarray | None = None) -> np.ndarray:
    """By the mean distance to the k nearest, or by Mahalanobis where k is 0."""
    return anomaly.knn_scores(train, queries, (k,), own)[k] if k else anomaly.mahalanobis_scores(train, queries)


def test_every_way_scores_every_set(embedded: Embeddings) -> None:
    ways = anomaly.every_way(embedded, settings().validation, (2, 1, 200))
    assert len(ways) == 9  # two k and one covariance, three kinds of features; 200 are too many
    assert set(ways) < set(anomaly.ways((2, 1, 200)))
    held = store.sample(40, 12, 0)
    for kind in anomaly.KINDS:
        for score, k in (("2 nearest", 2), ("Mahalanobis", 0)):
            own = ways[f"{kind}, {score}"]
            assert list(own.test) == list(own.validation) == ["test", "handwritten_digits", "street_digits"]
            sets = {"test": embedded.test, **embedded.others}
            for name, queries in sets.items():
                train, scaled = anomaly.features(kind, embedded.train, queries)
                expected = (
                    anomaly.knn_scores(train, scaled, (k,))[k] if k else anomaly.mahalanobis_scores(train, scaled)
                )
                np.testing.assert_allclose(own.test[name], expected, rtol=1e-9)
            for name, queries in embedded.validation.items():
                train, scaled = anomaly.features(kind, embedded.train, queries)
                expected = (
                    anomaly.knn_scores(train, scaled, (k,))[k] if k else anomaly.mahalanobis_scores(train, scaled)
                )
                np.testing.assert_allclose(own.validation[name], expected, rtol=1e-9)
            train, scaled = anomaly.features(kind, embedded.train, embedded.train[held])
            expected = (
                anomaly.knn_scores(train, scaled, (k,), held)[k] if k else anomaly.mahalanobis_scores(train, scaled)
            )
            np.testing.assert_allclose(own.validation["test"], expected, rtol=1e-9)


def test_validation_images_choose_the_way_and_test_images_judge_it(embedded: Embeddings) -> None:
    found = anomaly.evaluate(embedded, IMAGES, settings())
    every = anomaly.every_way(embedded, settings().validation, (2, 1, 200))
    judged = {
        way: sum(_auroc(ours.validation["test"], ours.validation[name]) for name in SETS.values())
        for way, ours in every.items()
    }
    assert judged[found.way] == max(judged.values()) > min(judged.values())
    assert found.validated == 12
    for scored in found.scores:
        ours = every[scored.way]
        validation, test = ours.validation, ours.test
        assert scored.validation == pytest.approx(_auroc(validation["test"], validation[scored.anomalies]))
        assert scored.auroc == pytest.approx(_auroc(test["test"], test[scored.anomalies]))
    assert len(found.scores) == 2 * 9
    given = anomaly.evaluate(embedded, IMAGES, settings(score="unit, 1 nearest"))
    assert (given.way, given.validated) == ("unit, 1 nearest", 0)


def _auroc(normal: np.ndarray, anomalous: np.ndarray) -> float:
    truth = [0] * len(normal) + [1] * len(anomalous)
    return float(100 * roc_auc_score(truth, [*normal, *anomalous]))


def test_metrics_are_of_the_chosen_way(embedded: Embeddings) -> None:
    found = anomaly.evaluate(embedded, IMAGES, settings())
    scores = anomaly.every_way(embedded, settings().validation, (2, 1, 200))[found.way].test
    told = records.flat(found.metrics)
    for key, name in SETS.items():
        count = len(embedded.others[name])
        truth = [0] * 9 + [1] * count
        assert told[f"auroc_{key}"] == pytest.approx(_auroc(scores["test"], scores[name]))
        assert found.metrics[f"auroc_{key}"] == statistics.auroc(told[f"auroc_{key}"], count, 9)
        one = found.of(name)
        assert (one.n, one.source, one.auroc) == (count, f"{name}, drawn", found.metrics[f"auroc_{key}"])
        assert one.aupr == pytest.approx(100 * average_precision_score(truth, [*scores["test"], *scores[name]]))
        assert one.fpr95 == anomaly.separation(scores["test"], scores[name]).fpr95
        if key == "handwritten":
            assert (told["aupr_handwritten"], told["fpr95_handwritten"]) == (one.aupr, one.fpr95)
    assert len(told) == 4
    assert [curve.anomalies for curve in found.curves] == list(SETS.values())
    assert found.most_anomalous == anomaly.ranked(scores, 7)


def test_each_class_of_anomalies_is_judged_against_all_objects(embedded: Embeddings) -> None:
    found = anomaly.evaluate(embedded, IMAGES, settings())
    scores = anomaly.every_way(embedded, settings().validation, (2, 1, 200))[found.way].test
    for name in SETS.values():
        told = {one.label: one for one in found.by_class if one.set == name}
        assert list(told) == ["a", "b", "c"]  # the fourth class has no image
        for k, one in enumerate(told.values()):
            own = scores[name][np.arange(len(scores[name])) % 3 == k]
            assert (one.n, one.auroc) == (len(own), pytest.approx(_auroc(scores["test"], own)))


def test_false_alarms_are_counted_by_class() -> None:
    scores = np.concatenate([np.arange(97.0), [200, 201, 202]])
    told = {one.label: one for one in anomaly.alarms(images("objects", 100), scores)}  # classes 0, 1, 2, 0, ...
    raised = {95: "c", 96: "a", 97: "b", 98: "c", 99: "a"}  # five of a hundred
    for label, one in told.items():
        assert one.percent == pytest.approx(100 * sum(name == label for name in raised.values()) / one.n)
    assert [one.n for one in told.values()] == [34, 33, 33]


def test_a_way_that_is_none_and_sets_that_cannot_choose_are_named(embedded: Embeddings) -> None:
    with pytest.raises(ValueError, match="score 'raw, 3 nearest' is neither chosen nor one of raw, 2 nearest, raw, 1"):
        settings(score="raw, 3 nearest")
    none = embedded._replace(validation={name: x[:0] for name, x in embedded.validation.items()})
    with pytest.raises(Failure, match=r"anomaly\.score is chosen, but no anomalous set has training images"):
        anomaly.evaluate(none, IMAGES, settings())
    with pytest.raises(Failure, match=r"anomaly\.score: raw, 200 nearest asks for more than the 40 training images"):
        anomaly.evaluate(embedded, IMAGES, settings(score="raw, 200 nearest"))
    some = embedded._replace(validation=embedded.validation | {"street_digits": np.zeros((0, 3), np.float32)})
    assert {one.validation for one in anomaly.evaluate(some, IMAGES, settings()).scores if one.anomalies[0] == "s"} == {
        0
    }
