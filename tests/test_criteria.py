"""What ranks encoders without labels, against closed forms and plain loops."""

import numpy as np
import pytest
from scipy import linalg

from visrep.measures import criteria


def turned(values: list[float], seed: int = 0) -> np.ndarray:
    """(40, D) with these singular values, and a mean of 0."""
    rng = np.random.default_rng(seed)
    left = rng.standard_normal((40, len(values)))
    left = np.linalg.qr(left - left.mean(0))[0]
    right = np.linalg.qr(rng.standard_normal((len(values), len(values))))[0]
    return (left * values) @ right


@pytest.mark.parametrize(
    ("values", "expected"), [([1, 1, 1, 1], 4), ([5, 0, 0], 1), ([2, 2, 0, 0, 0], 2), ([3, 1], 3**0.25 * 4 / 3)]
)
def test_rankme_of_known_singular_values(values: list[float], expected: float) -> None:
    """Of 3 and 1: exp of -(3/4 ln 3/4 + 1/4 ln 1/4) is 4 / 3^(3/4)."""
    assert criteria.rankme(turned(values)) == pytest.approx(expected, rel=1e-4)


def test_rankme_sees_the_mean_and_a_point_has_rank_one() -> None:
    assert criteria.rankme(turned([1, 1, 1]) + 1000) == pytest.approx(1, abs=0.01)
    assert criteria.rankme(np.zeros((5, 3))) == 1


@pytest.mark.parametrize("alpha", [0.0, 0.5, 1.0, 2.0])
def test_alpha_req_finds_the_exponent(alpha: float) -> None:
    values = np.arange(1, 11) ** (-alpha / 2)  # whose squares are the variances
    assert criteria.alpha_req(turned(values.tolist())) == pytest.approx(alpha, abs=1e-6)
    assert criteria.alpha_req(turned([1.0, 0.0, 0.0])) > 10


def test_lidar_is_scipys_generalised_eigenvalues() -> None:
    rng = np.random.default_rng(3)
    views = rng.normal(size=(1, 30, 4)) * [3, 1, 0.5, 0.1] + 0.3 * rng.normal(size=(3, 30, 4)) * [1, 2, 1, 0.1]
    means = views.mean(0)
    between = np.cov(means.T)
    within = sum((view[n, :, None] - means[n, :, None]) @ (view[n, None] - means[n, None]) for view in views
                 for n in range(30)) / (30 * 2) + 1e-4 * np.eye(4)  # fmt: skip
    values = linalg.eigh(between, within, eigvals_only=True)
    shares = values / values.sum()
    assert criteria.lidar(views) == pytest.approx(np.exp(-(shares * np.log(shares)).sum()), rel=1e-5)


def test_lidar_counts_what_tells_images_apart_and_views_share() -> None:
    """Two dimensions by which images differ, two in which views differ as much."""
    rng = np.random.default_rng(5)
    images, noise = rng.normal(size=(1, 2000, 4)) * [1, 1, 0, 0], rng.normal(size=(6, 2000, 4)) * [0.01, 0.01, 1, 1]
    assert criteria.lidar(images + noise) == pytest.approx(2, abs=0.01)
