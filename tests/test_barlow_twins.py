"""Barlow Twins against NumPy, lightly, and values known beforehand; and trained by the stage of methods."""

from itertools import combinations

import numpy as np
import pytest
import torch
from lightly.loss import BarlowTwinsLoss

from test_positives import alone
from visrep.representations.methods import barlow_twins

Z = torch.from_numpy(np.random.default_rng(0).normal(1, 2, (3, 32, 5)))


@pytest.mark.parametrize("views", [2, 3])
def test_the_terms_are_of_numpys_correlations(views: int) -> None:
    c = [np.corrcoef(Z[a].T, Z[b].T)[:5, 5:] for a, b in combinations(range(views), 2)]
    expected = [np.square(np.eye(5) - each).reshape(-1)[::6].sum() for each in c]
    others = [np.square(each[~np.eye(5, dtype=bool)]).sum() for each in c]
    found = [float(term) for term in barlow_twins.terms(Z[:views])]
    assert found == pytest.approx([np.mean(expected), np.mean(others)], rel=1e-4)


def test_of_two_views_it_is_lightlys() -> None:
    settings = barlow_twins.Settings.model_construct(redundancy=0.005)
    expected = BarlowTwinsLoss(lambda_param=0.005)(Z[0], Z[1])
    assert float(barlow_twins.loss(Z[:2], alone(32), settings)["loss"]) == pytest.approx(float(expected), rel=1e-4)


def test_its_ends() -> None:
    white = torch.linalg.qr(Z[0] - Z[0].mean(0))[0] * 100
    assert [float(term) for term in barlow_twins.terms(torch.stack([white, white]))] == pytest.approx([0, 0], abs=1e-9)
    assert [float(term) for term in barlow_twins.terms(torch.ones(2, 32, 5))] == [5, 0]  # collapsed
