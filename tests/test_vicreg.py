"""VICReg's terms against loops in float64, against lightly, and against what they must do at their limits."""

from itertools import combinations
from math import sqrt

import pytest
import torch
from lightly.loss import VICRegLoss
from torch import Tensor, nn

from visrep import vicreg
from visrep.randomness import generator
from visrep.settings.encoder import Weights
from visrep.settings.views import Views

OFF = Views(
    crop_scale=1.0, flip=0.0, jitter=0.0, brightness=0.0, contrast=0.0, saturation=0.0, hue=0.0, grey=0.0,
    blur=0.0, blur_sigma=1.0, solarize=0.0, noise=0.0, rotation=0.0,
)  # fmt: skip


def weights(invariance: float = 25.0, variance: float = 25.0, covariance: float = 1.0, summed: bool = False) -> Weights:
    return Weights(invariance=invariance, variance=variance, covariance=covariance, sum_variance=summed)


def projections(views: int = 2, images: int = 7, dimensions: int = 5, scale: float = 0.7) -> Tensor:
    draw = generator("cpu", "projections", views, images, dimensions)
    return torch.randn(views, images, dimensions, generator=draw, dtype=torch.float64) * scale


def loops(z: Tensor) -> tuple[float, float, float]:
    """The three terms, number by number."""
    values = z.tolist()
    views, images, dimensions = len(values), len(values[0]), len(values[0][0])
    pairs = list(combinations(range(views), 2))
    squares = [
        (values[a][n][d] - values[b][n][d]) ** 2 for a, b in pairs for n in range(images) for d in range(dimensions)
    ]
    short, outside = [], []
    for view in values:
        columns = [[row[d] for row in view] for d in range(dimensions)]
        means = [sum(column) / images for column in columns]

        def covariance(i: int, j: int, columns: list[list[float]] = columns, means: list[float] = means) -> float:
            pairs = zip(columns[i], columns[j], strict=True)
            return sum((x - means[i]) * (y - means[j]) for x, y in pairs) / (images - 1)

        short += [max(0.0, 1 - sqrt(covariance(d, d) + 1e-4)) for d in range(dimensions)]
        outside.append(sum(covariance(i, j) ** 2 for i in range(dimensions) for j in range(dimensions) if i != j))
    return sum(squares) / len(squares), sum(short) / len(short), 2 * sum(outside) / views / dimensions


@pytest.mark.parametrize(("views", "images", "dimensions"), [(2, 7, 5), (3, 7, 5), (5, 3, 6), (2, 4, 4)])
def test_terms_are_their_loops(views: int, images: int, dimensions: int) -> None:
    z = projections(views, images, dimensions)
    assert [float(term) for term in vicreg.terms(z)] == pytest.approx(loops(z), rel=1e-10)


@pytest.mark.parametrize(
    "given", [(25.0, 25.0, 1.0), (1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.0, 0.0, 1.0), (3.0, 2.0, 5.0)]
)
def test_the_loss_is_lightlys(given: tuple[float, float, float]) -> None:
    z = projections(images=16, dimensions=8)
    theirs = VICRegLoss(*given)(z[0], z[1])
    ours = vicreg.total(vicreg.terms(z), weights(*given))
    assert float(ours) == pytest.approx(float(theirs), rel=1e-10)


def test_the_summed_variance_counts_it_twice() -> None:
    found = vicreg.terms(projections())
    difference = vicreg.total(found, weights(summed=True)) - vicreg.total(found, weights())
    assert float(difference) == pytest.approx(25 * float(found.variance), rel=1e-10)


def test_the_gradient_is_the_loss_own() -> None:
    z = projections(images=4, dimensions=3).requires_grad_()
    assert torch.autograd.gradcheck(lambda z: vicreg.total(vicreg.terms(z), weights()), z)


def test_equal_views_agree_exactly() -> None:
    one = projections()[:1].float() * 1e3
    assert float(vicreg.terms(one.expand(2, -1, -1)).invariance) == 0
    assert float(vicreg.terms(one.expand(3, -1, -1)).invariance) < 1e-6  # of 1e6


def test_the_order_of_images_views_and_dimensions_does_not_matter() -> None:
    z = projections(3)
    found = [float(term) for term in vicreg.terms(z)]
    for shuffled in (z[:, torch.randperm(7)], z[[2, 0, 1]], z[:, :, torch.randperm(5)]):
        assert [float(term) for term in vicreg.terms(shuffled)] == pytest.approx(found, rel=1e-10)


def test_scaling_the_projections_scales_the_terms() -> None:
    z = projections(scale=10.0)  # deviations above 1: no variance term
    one, twice = vicreg.terms(z), vicreg.terms(2 * z)
    assert float(one.variance) == float(twice.variance) == 0
    assert float(twice.invariance) == pytest.approx(4 * float(one.invariance), rel=1e-10)
    assert float(twice.covariance) == pytest.approx(16 * float(one.covariance), rel=1e-10)


def test_a_collapsed_batch_has_only_variance_to_gain() -> None:
    found = vicreg.terms(torch.full((2, 6, 4), 3.0))
    assert float(found.invariance) == float(found.covariance) == 0
    assert float(found.variance) == pytest.approx(1 - 0.01)  # the square root of 1e-4


def test_half_precision_is_left_before_the_loss() -> None:
    z = projections(images=64, dimensions=32)
    exact = vicreg.total(vicreg.terms(z.bfloat16().double()), weights())
    assert float(vicreg.total(vicreg.terms(z.bfloat16()), weights())) == pytest.approx(float(exact), rel=1e-5)


class Recorder(nn.Module):
    """Remembers what it was shown; its projection is the mean colour, weighed."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(3))
        self.seen: list[Tensor] = []

    def forward(self, images: Tensor) -> Tensor:
        self.seen.append(images)
        return images.mean((2, 3)) * self.weight


def stored(count: int) -> Tensor:
    """Images, each of one grey level of its own."""
    return torch.arange(count, dtype=torch.uint8)[:, None, None, None].expand(-1, 32, 32, 3).contiguous()


def levels(images: Tensor) -> list[int]:
    return ((images[:, 0, 0, 0] + 1) * 127.5).round().int().tolist()


def test_views_are_of_the_batch() -> None:
    model = Recorder()
    objective = vicreg.OfViews(stored(9), OFF, 3, weights())
    scalars = objective(model, torch.tensor([4, 7]), generator("cpu", 0), 0.0)
    assert levels(model.seen[0]) == [4, 7] * 3
    assert float(scalars["invariance"]) < 1e-12
    assert set(scalars) == {"loss", "invariance", "variance", "covariance"}
    assert model.weight.grad is not None
    assert not scalars["loss"].requires_grad


def test_positives_are_drawn_from_the_neighbours_anew_each_time() -> None:
    model, draw = Recorder(), generator("cpu", 0)
    positives = torch.tensor([[(n + 1) % 9, (n + 2) % 9, (n + 5) % 9] for n in range(9)])
    objective = vicreg.OfNeighbors(stored(9), positives, None, weights())
    batch, pairs = torch.tensor([3, 8]), set()
    for _ in range(60):
        objective(model, batch, draw, 0.0)
        shown = levels(model.seen[-1])
        assert shown[:2] == [3, 8]
        pairs.add((shown[2], shown[3]))
    assert pairs == {(a, b) for a in (4, 5, 8) for b in (0, 1, 4)}


def test_the_gradient_of_the_objective_is_that_of_its_loss() -> None:
    model = Recorder()
    vicreg.OfViews(stored(9), OFF, 2, weights())(model, torch.arange(9), generator("cpu", 0), 0.0)
    weight = torch.ones(3, requires_grad=True)
    z = torch.stack([model.seen[0][:9].mean((2, 3)), model.seen[0][9:].mean((2, 3))]) * weight
    theirs = VICRegLoss()(z[0], z[1])
    theirs.backward()
    torch.testing.assert_close(model.weight.grad, weight.grad)
