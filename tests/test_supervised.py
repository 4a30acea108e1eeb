"""What a classifier sees of its classes, and what it is told."""

import math

import pytest
import torch
from torch import Tensor, nn

from visrep.digits import losses, supervised
from visrep.digits.labelled import Labelled
from visrep.machine.randomness import generator
from visrep.settings.digits import Augment

OFF = Augment(shift=0.0, rotation=0.0, scale=0.0, contrast=0.0, blur=0.0, noise=0.0)


def test_oversampling_shows_every_class_equally_often() -> None:
    labels = torch.tensor([0] * 900 + [1] * 80 + [3] * 20)
    sampler, rng = supervised.oversampled(labels, 5), generator("cpu", 0)
    seen = torch.cat([labels[sampler(rng)] for _ in range(30)])
    assert len(seen) == 30_000
    assert torch.bincount(seen, minlength=5).tolist() == pytest.approx([10_000, 10_000, 0, 10_000, 0], abs=350)


class Constant(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.logits = nn.Parameter(torch.tensor([0.0, math.log(3.0)]))

    def forward(self, images: Tensor) -> Tensor:
        return self.logits.expand(len(images), -1)


def test_the_objective_is_the_weighted_loss_of_its_batch() -> None:
    """The answer is (1/4, 3/4) whatever is seen."""
    data = Labelled(torch.zeros(4, 32, 32, 3, dtype=torch.uint8), torch.tensor([0, 1, 1, 1]))
    model, weights = Constant(), losses.balanced_weights(torch.tensor([0, 1, 1, 1]), 2)
    told = supervised.Objective(data, OFF, 0.0, weights)(model, torch.tensor([0, 1, 2]), generator("cpu", 0), 0.0)
    w0, w1 = 2.0, 2 / 3
    expected = (w0 * math.log(4) + 2 * w1 * math.log(4 / 3)) / (w0 + 2 * w1)
    assert float(told["loss"]) == pytest.approx(expected, rel=1e-6)
    assert float(told["accuracy"]) == pytest.approx(200 / 3)
    assert model.logits.grad is not None
    assert float(model.logits.grad[0]) == pytest.approx((w0 * (1 / 4 - 1) + 2 * w1 / 4) / (w0 + 2 * w1), rel=1e-5)
