"""Whether a score ranks runs as their quality does, against SciPy and loops."""

from itertools import combinations

import numpy as np
import pytest
from scipy import stats

from visrep.measures import ranking


def runs(count: int = 24) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 9, count).astype(float)
    return (truth + rng.normal(0, 3, count)).round(), truth, rng.integers(0, 2, count)


def test_the_correlation_is_spearmans() -> None:
    score, truth, group = runs()
    assert ranking.correlation(score, truth, group) == pytest.approx(stats.spearmanr(score, truth).statistic)
    assert ranking.correlation(np.ones(5), np.arange(5.0), np.zeros(5)) == 0


@pytest.mark.parametrize("within", [False, True])
def test_pairs_are_counted_by_a_loop(within: bool) -> None:
    score, truth, group = runs()
    counted = []
    for a, b in combinations(range(len(score)), 2):
        if truth[a] != truth[b] and (not within or group[a] == group[b]):
            counted.append(0.5 if score[a] == score[b] else float((score[a] > score[b]) == (truth[a] > truth[b])))
    statistic = ranking.right_of_one_group if within else ranking.right_of_two
    assert 0.5 in counted
    assert statistic(score, truth, group) == pytest.approx(100 * np.mean(counted))


def test_its_ends() -> None:
    truth, group = np.arange(6.0), np.zeros(6)
    assert ranking.right_of_two(truth * 2, truth, group) == 100
    assert ranking.right_of_two(-truth, truth, group) == 0
    assert ranking.right_of_two(truth, np.ones(6), group) == 50
    assert ranking.right_of_one_group(truth, truth, np.arange(6)) == 50


def test_the_interval_covers_what_is_true_of_many_runs() -> None:
    """Of scores that are noise about the truth, in most of many small samples."""
    rng, inside = np.random.default_rng(1), 0
    truth = rng.normal(size=4000)
    whole = stats.spearmanr(truth + rng.normal(size=4000), truth).statistic
    for _ in range(30):
        sample = rng.normal(size=30)
        found = ranking.interval(ranking.correlation, sample + rng.normal(size=30), sample, np.zeros(30))
        assert found.low <= found.value <= found.high
        inside += found.low <= whole <= found.high
    assert inside >= 24
