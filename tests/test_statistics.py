"""Intervals and counts against SciPy and scikit-learn."""

import numpy as np
import pytest
from scipy import stats
from scipy.stats import binomtest
from sklearn.metrics import classification_report, confusion_matrix

from visrep.measures import classification, statistics
from visrep.records import Interval


@pytest.mark.parametrize(("right", "count"), [(0, 1), (1, 1), (3, 10), (0, 50), (50, 50), (9185, 10000)])
def test_wilson_is_scipys(right: int, count: int) -> None:
    reference = binomtest(right, count).proportion_ci(0.95, method="wilson")
    ours = statistics.wilson(right, count)
    assert ours.value == pytest.approx(100 * right / count)
    assert (ours.low, ours.high) == pytest.approx((100 * reference.low, 100 * reference.high), abs=1e-9)


def test_no_trials_is_an_error() -> None:
    with pytest.raises(ValueError, match="at least one"):
        statistics.wilson(0, 0)


def test_chance_is_the_best_constant() -> None:
    labels = np.array([1, 1, 1, 0, 2, 2, 1, 0])
    best = max(np.mean(labels == constant) for constant in range(3))
    assert statistics.chance(labels) == pytest.approx(100 * best)


def test_confusion_and_report_are_scikit_learns() -> None:
    rng = np.random.default_rng(0)
    labels, predicted = rng.integers(0, 6, 300), rng.integers(0, 6, 300)
    labels[labels == 4] = 0  # a class that never occurs
    predicted[predicted == 5] = 1  # and one that is never predicted
    names = tuple("abcdef")
    assert (statistics.confusion(labels, predicted, 6) == confusion_matrix(labels, predicted, labels=range(6))).all()
    report = classification_report(
        labels, predicted, labels=range(6), target_names=names, output_dict=True, zero_division=0
    )
    table = {row.label: row for row in classification.per_class(labels, predicted, names)}
    assert list(table) == [*names, "macro mean", "weighted mean"]
    for name, theirs in [*names_of(names), ("macro mean", "macro avg"), ("weighted mean", "weighted avg")]:
        expected = report[theirs]
        ours = table[name]
        for column, key in (("precision", "precision"), ("recall", "recall"), ("f1", "f1-score")):
            assert getattr(ours, column) == pytest.approx(round(100 * expected[key], 4), rel=1e-12), (name, column)
        assert ours.support == expected["support"]


def names_of(names: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(name, name) for name in names]


def test_the_confusion_table_holds_every_pair() -> None:
    table = classification.confusion(np.array([0, 0, 1]), np.array([0, 1, 1]), ("cat", "dog"))
    assert table == [
        classification.Pair(actual="cat", predicted="cat", count=1, percent=50.0),
        classification.Pair(actual="cat", predicted="dog", count=1, percent=50.0),
        classification.Pair(actual="dog", predicted="cat", count=0, percent=0.0),
        classification.Pair(actual="dog", predicted="dog", count=1, percent=100.0),
    ]


def test_an_auroc_interval_is_the_spread_of_repeated_draws() -> None:
    """Hanley and McNeil assume exponential scores, for which Q1 and Q2 are exact: draw such scores again and again."""
    random, positives, negatives = np.random.default_rng(0), 60, 90
    areas = []
    for _ in range(2000):
        high, low = random.exponential(4.0, positives), random.exponential(1.0, negatives)
        areas.append(100 * float((high[:, None] > low).mean()))
    seen = statistics.auroc(80.0, positives, negatives)  # 4 / (4 + 1)
    assert np.mean(areas) == pytest.approx(80, abs=0.3)
    assert (seen.high - seen.low) / 2 == pytest.approx(statistics.Z * np.std(areas), rel=0.06)


def test_an_auroc_interval_stays_between_0_and_100() -> None:
    assert statistics.auroc(100.0, 5, 5) == Interval(100.0, 100.0, 100.0)
    assert statistics.auroc(0.0, 5, 5) == Interval(0.0, 0.0, 0.0)
    assert statistics.auroc(99.0, 5, 5).high == 100
    assert statistics.auroc(1.0, 5, 5).low == 0
    assert statistics.auroc(70.0, 5, 50) != statistics.auroc(70.0, 50, 5)


def test_a_mean_of_runs_has_the_interval_of_students_t() -> None:
    runs = [52.1, 49.7, 53.3, 50.0, 51.2]
    mean, sd, n = statistics.spread(runs)
    assert (mean, sd, n) == (pytest.approx(stats.tmean(runs)), pytest.approx(stats.tstd(runs)), 5)
    theirs = stats.ttest_1samp(runs, 0).confidence_interval(0.95)
    ours = statistics.mean_interval(runs)
    assert ours == Interval(pytest.approx(mean), pytest.approx(theirs.low), pytest.approx(theirs.high))
    assert statistics.spread([3.0]) == (3.0, 0.0, 1)
    assert statistics.mean_interval([3.0]) is None


def test_runs_are_compared_in_pairs_that_both_have() -> None:
    first, second = {0: 50.0, 1: 40.0, 2: 45.0, 7: 0.0}, {2: 49.0, 0: 52.0, 1: 45.0, 9: 99.0}
    theirs = stats.ttest_rel([52.0, 45.0, 49.0], [50.0, 40.0, 45.0]).confidence_interval(0.95)
    ours = statistics.paired(first, second)
    assert ours == Interval(pytest.approx(11 / 3), pytest.approx(theirs.low), pytest.approx(theirs.high))
    assert statistics.paired(first, {0: 1.0}) is None
    assert statistics.paired(first, {}) is None


def test_the_interval_of_paired_runs_covers_as_often_as_it_says() -> None:
    """Runs of two trainings share what their seed brings, and differ by 2 on average."""
    random, covered, trials = np.random.default_rng(0), 0, 4000
    for _ in range(trials):
        shared = random.normal(50, 5, 5)
        first, second = shared + random.normal(0, 1, 5), shared + random.normal(2, 1, 5)
        found = statistics.paired(dict(enumerate(first)), dict(enumerate(second)))
        assert found is not None
        covered += found.low <= 2 <= found.high
    assert covered / trials == pytest.approx(0.95, abs=0.012)  # three standard errors and a half
