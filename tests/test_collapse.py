"""Rank and spread against closed forms and SciPy, also where an embedding has collapsed; then scalings."""

import math
from typing import Any

import numpy as np
import pytest
from scipy.stats import entropy
from sklearn.preprocessing import StandardScaler, normalize

from visrep.measures import scalings, spread


def cloud(rows: int, dimensions: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).standard_normal((rows, dimensions)).astype(np.float32)


def rank(x: Any) -> float:
    return spread.effective_rank(spread.spectrum(x))


def orthogonal(rows: int, columns: int) -> Any:
    """Orthonormal columns, each of mean zero."""
    x = np.random.default_rng(1).standard_normal((rows, columns))
    return np.linalg.qr(x - x.mean(0))[0]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1, 1, 1, 1], 4.0),
        ([5, 0, 0, 0], 1.0),
        ([3, 3, 0, 0], 2.0),
        ([2**0.5, 1, 1, 0], 2 * 2**0.5),  # entropy of 1/2, 1/4, 1/4 is 3/2 ln 2
        ([4, 3, 2, 1], float(np.exp(entropy([16, 9, 4, 1])))),
    ],
)
@pytest.mark.parametrize("away", [0.0, 100.0])
def test_the_effective_rank_of_known_singular_values(values: list[float], expected: float, away: float) -> None:
    turn = np.linalg.qr(np.random.default_rng(2).standard_normal((4, 4)))[0]
    x = orthogonal(50, 4) * values @ turn + away  # centring must take the shift out
    assert rank(x) == pytest.approx(expected, rel=1e-9)
    assert rank(7 * x) == pytest.approx(expected, rel=1e-9)
    assert rank(x.astype(np.float32)) == pytest.approx(expected, rel=1e-4)


def test_fewer_images_than_dimensions_have_at_most_one_rank_less() -> None:
    assert 3 < rank(cloud(5, 40)) <= 4


COLLAPSED = {
    "zeros": np.zeros((20, 4), np.float32),
    "one point": np.full((20, 4), 3.7, np.float32),
    "one image": cloud(1, 4),
    "one dimension": np.full((20, 1), -2.1, np.float32),
    "tiny": np.full((20, 4), 1e-42, np.float32),
    "last bits": np.nextafter(np.full((20, 4), 3.7, np.float32), np.where(cloud(20, 4) > 0, 9, 0).astype(np.float32)),
}


@pytest.mark.parametrize("name", list(COLLAPSED))
def test_a_point_has_effective_rank_one_and_is_zero_when_standardised(name: str) -> None:
    point = COLLAPSED[name]
    assert rank(point) == 1.0
    assert spread.spectrum(point).tolist() == np.eye(1, min(point.shape))[0].tolist()
    assert (spread.deviations(point) <= 1e-6).all()
    other = cloud(6, point.shape[1], 5)
    for scaled in scalings.standardised(point, other):
        assert scaled.dtype == np.float32
        assert not scaled.any()


def test_a_small_spread_far_from_zero_is_not_a_point() -> None:
    """Thirty steps of float32 about 1: coarse, but there."""
    x = (1 + 30 * spread.ROUNDING * cloud(500, 6)).astype(np.float32)
    assert rank(x) > 5.9
    (scaled,) = scalings.standardised(x)
    np.testing.assert_allclose(scaled.std(0), 1, rtol=1e-5)


def test_the_spread_is_the_standard_deviation() -> None:
    x = cloud(300, 5) * np.float32([1, 2, 0, 1e-3, 1e3]) + 1000
    exact = [(sum((v - sum(c) / 300) ** 2 for v in c) / 300) ** 0.5 for c in x.astype(float).T.tolist()]
    np.testing.assert_allclose(spread.deviations(x), exact, rtol=1e-9, atol=1e-12)
    assert spread.deviations(x).dtype == np.float64


def test_standardised_is_scikit_learns_with_the_training_statistics() -> None:
    train, test = cloud(200, 5) * 3 + 2, cloud(50, 5, 1) * 2 - 1
    train[:, 3] = 0.1
    test[:, 3] = 7  # constant in train, so nothing is known of its scale
    ours = scalings.standardised(train, test)
    scaler = StandardScaler().fit(np.delete(train, 3, 1).astype(float))
    for got, x in zip(ours, (train, test), strict=True):
        np.testing.assert_allclose(np.delete(got, 3, 1), scaler.transform(np.delete(x, 3, 1)), atol=1e-6)
        assert not got[:, 3].any()
        assert got.dtype == np.float32


def test_unit_rows_are_scikit_learns_and_zero_stays() -> None:
    x = cloud(30, 6) * np.logspace(-30, 30, 30, dtype=np.float32)[:, None]
    x[4] = 0
    x[5] = 1e-42  # subnormal, yet it has a direction
    ours = scalings.unit(x)
    np.testing.assert_allclose(ours[15:], normalize(x[15:].astype(float)), rtol=1e-6)  # leaves the shortest alone
    np.testing.assert_allclose(ours[:4], [row / math.hypot(*row) for row in x[:4].astype(float)], rtol=1e-6)
    assert not ours[4].any()
    assert ours.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(np.delete(ours, 4, 0), axis=1), 1, rtol=1e-6)
