"""LeJEPA: SIGReg against its closed form, prediction against a loop; and trained by the stage of methods."""

import math

import numpy as np
import pytest
import torch

from test_positives import alone
from visrep.machine.randomness import generator
from visrep.representations.methods import lejepa


def epps_pulley(x: np.ndarray) -> float:
    """The statistic of samples (N,) in closed form: over all t, where the method stops at 5."""
    pairs = np.exp(-np.square(x[:, None] - x) / 2).sum() / len(x)
    single = 2 / math.sqrt(2) * np.exp(-np.square(x) / 4).sum()
    return math.sqrt(2 * math.pi) * (pairs - single + len(x) / math.sqrt(3))


@pytest.mark.parametrize(("mean", "scale"), [(0.0, 1.0), (0.5, 1.0), (0.0, 0.3), (-1.0, 3.0), (0.0, 0.0)])
def test_sigreg_is_its_closed_form_along_each_direction(mean: float, scale: float) -> None:
    rng = np.random.default_rng(0)
    z, directions = rng.normal(mean, scale, (2, 60, 4)), rng.standard_normal((4, 5))
    directions /= np.linalg.norm(directions, axis=0)
    expected = np.mean([epps_pulley(view @ direction) for view in z for direction in directions.T])
    found = float(lejepa.sigreg(torch.from_numpy(z), torch.from_numpy(directions)))
    assert found == pytest.approx(expected, rel=2e-3)


def test_of_a_gaussian_sigreg_is_its_bias() -> None:
    """The integral of (1 - exp(-t^2)) exp(-t^2 / 2), whatever the number of samples."""
    rng = torch.Generator().manual_seed(0)
    z, directions = torch.randn(400, 64, 3, generator=rng).double(), torch.eye(3).double()
    bias = math.sqrt(2 * math.pi) * (1 - 1 / math.sqrt(3))
    assert float(lejepa.sigreg(z, directions)) == pytest.approx(bias, rel=0.08)


def test_prediction_is_the_distance_of_views_to_their_mean() -> None:
    z = np.random.default_rng(1).normal(size=(3, 7, 5))
    expected = np.mean([np.square(z[v, n] - z[:, n].mean(0)).mean() for v in range(3) for n in range(7)])
    assert float(lejepa.prediction(torch.from_numpy(z))) == pytest.approx(expected)


def test_the_loss_weighs_both_and_draws_other_directions_in_every_step() -> None:
    settings = lejepa.Settings.model_construct(weight=0.2, directions=4)
    z, batch = torch.randn(2, 30, 6, generator=generator("cpu", "z")) * 3, alone(30)
    first, second = (lejepa.loss(z, batch, settings) for _ in range(2))
    assert float(first["loss"]) == pytest.approx(0.8 * float(first["prediction"]) + 0.2 * float(first["sigreg"]))
    assert float(first["sigreg"]) != float(second["sigreg"])
    assert float(first["prediction"]) == float(second["prediction"])
