"""Agreement of rankings against its formula, and its p values against random rankings."""

from itertools import permutations

import numpy as np
import pytest

from visrep.measures import agreement


def kendall(ranks: np.ndarray) -> float:
    """W by its definition, of ranks (R, K) without ties."""
    runs, items = ranks.shape
    sums = ranks.sum(0)
    return float(12 * np.square(sums - sums.mean()).sum() / (runs**2 * (items**3 - items)))


def test_concordance_is_kendalls_w() -> None:
    scores = np.random.default_rng(0).standard_normal((4, 7))
    found = agreement.concordance(scores)
    assert found is not None
    assert found.value == pytest.approx(kendall(scores.argsort(1).argsort(1) + 1.0))
    same = agreement.concordance(np.tile(np.arange(6.0), (5, 1)))
    assert same is not None and same.value == pytest.approx(1) and same.p < 1e-3


def test_its_p_value_is_how_often_random_rankings_agree_as_well() -> None:
    rng = np.random.default_rng(1)
    scores = rng.standard_normal((5, 10)) + np.linspace(0, 1, 10)
    found = agreement.concordance(scores)
    assert found is not None
    random = [kendall(rng.permuted(np.tile(np.arange(1.0, 11), (5, 1)), axis=1)) for _ in range(4000)]
    assert found.p == pytest.approx(np.mean(np.array(random) >= found.value), abs=0.02)


def test_rank_correlation_against_all_permutations() -> None:
    first, second = [1.0, 2, 3, 4, 5, 6, 7], [2.0, 1, 4, 3, 7, 5, 6]
    found = agreement.rank_correlation(first, second)
    assert found is not None
    every = [np.corrcoef(first, order)[0, 1] for order in permutations(second)]
    assert found.value == pytest.approx(np.corrcoef(first, second)[0, 1])
    assert found.p == pytest.approx(np.mean(np.abs(every) >= found.value - 1e-9), abs=0.015)  # of a t approximation


def test_what_ranks_cannot_tell() -> None:
    assert agreement.concordance(np.ones((1, 10))) is None  # one run
    assert agreement.concordance(np.ones((3, 10))) is None  # no class differs
    assert agreement.concordance(np.arange(6.0).reshape(3, 2)) is None  # two classes
    assert agreement.rank_correlation([1, 2, 3], [3, 1, 2]) is None
    assert agreement.rank_correlation([1, 1, 1, 1], [3, 1, 2, 4]) is None
