"""NT-Xent against a loop in float64, masked cross entropy and lightly; what is told, against closed forms."""

import math
from itertools import pairwise

import pytest
import torch
from lightly.loss import NTXentLoss
from torch import Tensor
from torch.nn import functional as F

from test_positives import alone
from visrep.machine.randomness import generator
from visrep.representations import negatives
from visrep.representations.methods import simclr
from visrep.representations.negatives import Queue


def projections(views: int = 2, images: int = 7, dimensions: int = 5) -> Tensor:
    rng = generator("cpu", "projections", views, images, dimensions)
    return torch.randn(views, images, dimensions, generator=rng, dtype=torch.float64)


def settings(temperature: float) -> simclr.Settings:
    """Of which the loss reads nothing else, and what is told of it no more than the size of the batches."""
    return simclr.Settings.model_construct(temperature=temperature, batch_size=7, views=3)


def nt_xent(z: Tensor, temperature: float) -> Tensor:
    return simclr.loss(z, alone(z.shape[1]), settings(temperature))["loss"]


def loop(z: Tensor, temperature: float) -> float:
    """Number by number: for every view and each of its positives, minus the log of the positive's share."""
    rows = [(image, [x / math.hypot(*row) for x in row]) for view in z.tolist() for image, row in enumerate(view)]

    def weight(a: int, b: int) -> float:
        return math.exp(sum(x * y for x, y in zip(rows[a][1], rows[b][1], strict=True)) / temperature)

    every = range(len(rows))
    losses = [
        -math.log(weight(a, b) / sum(weight(a, c) for c in every if c != a))
        for a in every
        for b in every
        if a != b and rows[a][0] == rows[b][0]
    ]
    return sum(losses) / len(losses)


@pytest.mark.parametrize(("views", "images", "dimensions"), [(2, 7, 5), (3, 5, 4), (5, 2, 6), (2, 2, 2)])
@pytest.mark.parametrize("temperature", [0.1, 0.5, 2.0])
def test_the_loss_is_its_loop(views: int, images: int, dimensions: int, temperature: float) -> None:
    z = projections(views, images, dimensions)
    assert float(nt_xent(z, temperature)) == pytest.approx(loop(z, temperature), rel=1e-10)


@pytest.mark.parametrize("temperature", [0.05, 0.5])
def test_of_two_views_the_loss_is_masked_cross_entropy(temperature: float) -> None:
    z = projections(images=9)
    unit = z.flatten(0, 1) / z.flatten(0, 1).norm(dim=1, keepdim=True)
    logits = (unit @ unit.T / temperature).masked_fill(torch.eye(18, dtype=torch.bool), -math.inf)
    target = torch.cat([torch.arange(9) + 9, torch.arange(9)])
    torch.testing.assert_close(nt_xent(z, temperature), F.cross_entropy(logits, target), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize("temperature", [0.07, 0.5, 1.0])
def test_of_two_views_the_loss_is_lightlys(temperature: float) -> None:
    z = projections(images=16, dimensions=8)
    theirs = NTXentLoss(temperature)(z[0], z[1])
    assert float(nt_xent(z, temperature)) == pytest.approx(float(theirs), rel=1e-10)


def test_neither_views_nor_images_nor_lengths_have_an_order() -> None:
    z = projections(3)
    loss = nt_xent(z, 0.3)
    lengths = torch.rand(3, 7, 1, generator=generator("cpu", "lengths"), dtype=torch.float64) * 9 + 0.1
    for same in (z.flip(0), z[:, torch.randperm(7, generator=generator("cpu", "order"))], z * lengths):
        torch.testing.assert_close(nt_xent(same, 0.3), loss, rtol=1e-12, atol=0)


def test_the_gradient_is_that_of_finite_differences() -> None:
    z = projections(3, 4, 3).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: nt_xent(x, 0.2), (z,))


@pytest.mark.parametrize(("views", "images"), [(2, 8), (4, 5)])
def test_equal_projections_have_the_loss_of_chance(views: int, images: int) -> None:
    same = torch.ones(views, images, 6, dtype=torch.float64)
    for temperature in (0.01, 0.5):
        expected = math.log(views * images - 1)
        assert simclr.chance(views, images) == expected
        assert float(nt_xent(same, temperature)) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(("views", "images"), [(2, 2), (2, 8), (4, 5)])
@pytest.mark.parametrize("temperature", [0.1, 0.5])
def test_the_corners_of_a_simplex_reach_the_floor(views: int, images: int, temperature: float) -> None:
    """N points in N - 1 dimensions, each at cosine -1 / (N - 1) to each other."""
    corners = torch.eye(images, dtype=torch.float64) - 1 / images
    z = corners.expand(views, -1, -1)
    lowest = simclr.bound(views, images, temperature)
    assert float(nt_xent(z, temperature)) == pytest.approx(lowest, rel=1e-9)


def test_no_projections_undercut_the_floor() -> None:
    """Gradient descent on the projections themselves ends at it and not below."""
    z = projections(2, 4, 3).requires_grad_()
    optimizer = torch.optim.Adam([z], 0.05)
    seen = []
    for _ in range(600):
        optimizer.zero_grad()
        loss = nt_xent(z, 0.5)
        loss.backward()
        optimizer.step()
        seen.append(loss.item())
    lowest = simclr.bound(2, 4, 0.5)
    assert min(seen) >= lowest - 1e-12
    assert seen[-1] == pytest.approx(lowest, abs=1e-4)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_small_temperature_neither_overflows_nor_loses_its_gradient(dtype: torch.dtype) -> None:
    z = projections(images=6).to(dtype).requires_grad_()
    loss = nt_xent(z, 1e-4)
    loss.backward()
    assert torch.isfinite(loss)
    assert z.grad is not None
    assert torch.isfinite(z.grad).all()
    worst = negatives.similarities(z.detach().double(), 1.0)
    rows = torch.arange(12)
    shortfall = worst.max(1).values - worst[rows, (rows + 6) % 12]  # at temperature 0 only the nearest counts
    assert loss.item() == pytest.approx(shortfall.mean().item() / 1e-4, rel=1e-3)


def test_projections_of_zeros_are_as_good_as_any() -> None:
    z = torch.zeros(2, 5, 4, requires_grad=True)
    loss = nt_xent(z, 0.5)
    loss.backward()
    assert loss.item() == pytest.approx(math.log(9))
    assert z.grad is not None
    assert torch.isfinite(z.grad).all()


def test_how_often_the_positive_is_found_first() -> None:
    """On a circle, in degrees: the views of the first two images are each other's nearest; the first view of the third
    is nearer to the fourth's."""
    angles = torch.tensor([[0.0, 90.0, 180.0, 200.0], [5.0, 95.0, 230.0, 300.0]]).double().deg2rad()
    z = torch.stack([angles.cos(), angles.sin()], 2)
    found = [False] * 8
    degrees = [0, 90, 180, 200, 5, 95, 230, 300]
    for a in range(8):
        gaps = {b: min(abs(degrees[a] - degrees[b]), 360 - abs(degrees[a] - degrees[b])) for b in range(8) if b != a}
        found[a] = min(gaps, key=lambda b: gaps[b]) % 4 == a % 4
    assert 0 < sum(found) < 8
    assert float(simclr.loss(z, alone(z.shape[1]), settings(0.5))["positive_top1"]) == pytest.approx(
        100 * sum(found) / 8
    )


def test_what_is_told_lies_between_its_bounds() -> None:
    told = simclr.loss(projections(3).requires_grad_(), alone(7), settings(0.5))
    reporting = simclr.reporting(settings(0.5))
    assert [column.key for column in reporting.columns] == list(told)
    assert {curve.key for panel in reporting.panels for curve in panel.curves} == set(told)
    assert told["loss"].requires_grad
    assert not told["positive_top1"].requires_grad
    assert float(told["loss_bound"]) < told["loss"].item()
    assert float(told["loss_chance"]) == pytest.approx(math.log(20))
    assert float(told["positive_top1_chance"]) == pytest.approx(100 * 2 / 20)  # 2 of 20 others are of one's own image


def test_the_floor_falls_with_the_temperature_and_rises_with_the_batch() -> None:
    for cold, warm in pairwise((0.05, 0.1, 0.5, 1.0)):
        assert simclr.bound(2, 64, cold) < simclr.bound(2, 64, warm)
    for few, many in pairwise((2, 8, 64, 512)):
        assert simclr.bound(2, few, 0.5) < simclr.bound(2, many, 0.5)


def test_with_a_queue_of_one_batch_it_is_the_loss_in_the_larger_batch() -> None:
    """Of the views of the second half of a batch, where the queue holds those of the first."""
    z = projections(2, 8)
    first, second = z[:, :3], z[:, 3:]
    queue = Queue(6, 5).double()
    queue.add(first.flatten(0, 1))
    assert len(queue.held()) == 6
    told = simclr.loss(second, alone(5, queue), settings(0.3))
    whole = [(view, image) for view in range(2) for image in range(8)]
    unit = F.normalize(z, dim=2)
    losses = []
    for view, image in [(view, image) for view, image in whole if image >= 3]:
        scaled = {other: float(unit[view, image] @ unit[other]) / 0.3 for other in whole if other != (view, image)}
        losses.append(-math.log(math.exp(scaled[1 - view, image]) / sum(math.exp(c) for c in scaled.values())))
    assert float(told["loss"]) == pytest.approx(sum(losses) / len(losses), rel=1e-10)
    assert float(told["loss_chance"]) == pytest.approx(math.log(2 * 8 - 1))


def test_a_queue_is_first_in_first_out_and_carries_no_gradient() -> None:
    queue, z = Queue(4, 2), torch.arange(14.0).view(7, 2).requires_grad_()
    queue.add(z[:3])
    assert torch.equal(queue.held(), z[:3])
    assert not queue.held().requires_grad
    queue.add(z[3:5])
    assert sorted(queue.held()[:, 0].tolist()) == [2, 4, 6, 8]
    queue.add(z)  # more than it holds: the last of them
    assert sorted(queue.held()[:, 0].tolist()) == [6, 8, 10, 12]


def test_the_loss_with_a_queue_cannot_undercut_its_floor() -> None:
    """All views of an image alike, two images opposite, and all earlier projections opposite to one of them."""
    z = torch.tensor([[[1.0, 0.0], [-1.0, 0.0]]]).repeat(2, 1, 1).double()
    queue = Queue(3, 2).double()
    queue.add(torch.tensor([[-1.0, 0.0]]).repeat(3, 1))
    told = simclr.loss(z, alone(2, queue), settings(0.5))
    assert float(told["loss_bound"]) == pytest.approx(math.log(1 + 2 * math.exp(-4) + 3 * math.exp(-4)))
    assert float(told["loss"]) > float(told["loss_bound"])
