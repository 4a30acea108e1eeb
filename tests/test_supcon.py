"""SupCon against a loop and SimCLR; which labels it is given; and trained by the stage of methods."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from test_positives import alone
from visrep.machine.randomness import generator
from visrep.representations.methods import simclr, supcon
from visrep.representations.positives import Batch


def settings(temperature: float = 0.3, labelled: float = 1.0, seed: int = 0) -> supcon.Settings:
    return supcon.Settings.model_construct(temperature=temperature, labelled=labelled, seed=seed)


def loop(z: Tensor, labels: list[int], temperature: float) -> float:
    """Equation 2 of the paper, number by number."""
    rows = [(image, row / row.norm()) for view in z for image, row in enumerate(view)]
    losses = []
    for a, (image, row) in enumerate(rows):
        weight = {c: math.exp(float(row @ other) / temperature) for c, (_, other) in enumerate(rows) if c != a}
        known = labels[image] != -1
        positives = [c for c in weight if rows[c][0] == image or (known and labels[rows[c][0]] == labels[image])]
        losses.append(sum(-math.log(weight[c] / sum(weight.values())) for c in positives) / len(positives))
    return sum(losses) / len(losses)


@pytest.mark.parametrize("labels", [[0, 1, 0, 2, -1, 1, 0], [-1] * 7, [3] * 7, [0, -1, 0, -1, 0, -1, 1]])
@pytest.mark.parametrize("views", [2, 3])
def test_the_loss_is_its_loop(labels: list[int], views: int) -> None:
    z = torch.randn(views, 7, 5, generator=generator("cpu", "z"), dtype=torch.float64)
    batch = Batch(torch.tensor(labels), generator("cpu", 0), None)
    assert float(supcon.loss(z, batch, settings())["loss"]) == pytest.approx(loop(z, labels, 0.3), rel=1e-10)


def test_without_labels_it_is_simclr() -> None:
    z = torch.randn(3, 9, 5, generator=generator("cpu", "z"), dtype=torch.float64)
    theirs = simclr.loss(z, alone(9), simclr.Settings.model_construct(temperature=0.3))
    found = supcon.loss(z, alone(9), settings())
    assert float(found["loss"]) == pytest.approx(float(theirs["loss"]), rel=1e-12)
    assert float(found["class_top1"]) == float(theirs["positive_top1"])


@pytest.mark.parametrize(("share", "counts"), [(1.0, [70, 30]), (0.1, [7, 3]), (0.01, [1, 1]), (0.0, [0, 0])])
def test_it_is_given_the_classes_of_a_share_of_each(share: float, counts: list[int]) -> None:
    labels = np.repeat([0, 4], [70, 30])
    known = supcon.given(labels, settings(labelled=share))
    assert [int((known == name).sum()) for name in (0, 4)] == counts
    assert set(known[known >= 0] == labels[known >= 0]) <= {True}
    if share == 0.1:
        assert not np.array_equal(known, supcon.given(labels, settings(labelled=share, seed=1)))
