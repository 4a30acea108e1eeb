"""VICReg's terms against loops in float64, against lightly, and against what they must do at their limits."""

from itertools import combinations
from math import sqrt

import pytest
import torch
from lightly.loss import VICRegLoss
from torch import Tensor

from test_positives import alone
from visrep.machine.randomness import generator
from visrep.representations.methods import vicreg
from visrep.representations.methods.vicreg import Settings, Weights


def weights(invariance: float = 25.0, variance: float = 25.0, covariance: float = 1.0, summed: bool = False) -> Weights:
    return Weights(invariance=invariance, variance=variance, covariance=covariance, sum_variance=summed)


def settings(weights: Weights) -> Settings:
    """Of which the loss reads nothing else."""
    return Settings.model_construct(weights=weights)


def projections(views: int = 2, images: int = 7, dimensions: int = 5, scale: float = 0.7) -> Tensor:
    rng = generator("cpu", "projections", views, images, dimensions)
    return torch.randn(views, images, dimensions, generator=rng, dtype=torch.float64) * scale


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


@pytest.mark.parametrize(("variance", "spread"), [(25.0, (0.9, 1.1)), (0.0, (0.0, 0.05))])
def test_without_the_variance_term_a_small_run_collapses(variance: float, spread: tuple[float, float]) -> None:
    """Two noisy views of 64 points through two layers: with the term each output varies by about 1, without it by
    nothing."""
    rng = generator("cpu", "small run")
    points = torch.randn(64, 10, generator=rng)
    first, second = (torch.nn.Linear(*size) for size in ((10, 32), (32, 6)))
    with torch.no_grad():
        for weight in (*first.parameters(), *second.parameters()):
            weight.copy_(torch.randn(weight.shape, generator=rng) * 0.3)
    moving = torch.optim.Adam([*first.parameters(), *second.parameters()], 0.01)
    for _ in range(300):
        seen = points + 0.1 * torch.randn(2, 64, 10, generator=rng)
        moving.zero_grad()
        vicreg.loss(second(first(seen).relu()), alone(0), settings(weights(variance=variance)))["loss"].backward()
        moving.step()
    found = float(second(first(points).relu()).detach().std(0).mean())
    assert spread[0] <= found <= spread[1]


def test_what_is_told_is_the_loss_and_its_terms() -> None:
    z = projections()
    told = vicreg.loss(z, alone(0), settings(weights()))
    assert list(told) == ["loss", "invariance", "variance", "covariance"]
    assert float(told["loss"]) == float(vicreg.total(vicreg.terms(z), weights()))
    reporting = vicreg.reporting(settings(weights()))
    assert {curve.key for panel in reporting.panels for curve in panel.curves} == set(told)
    assert [column.key for column in reporting.columns] == list(told)[1:]
