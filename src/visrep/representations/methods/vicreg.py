"""VICReg (Bardes, Ponce and LeCun 2022): views of an image should agree (invariance), each dimension should vary over
the images (variance), no two dimensions should be correlated (covariance).

The convention is that of the authors' code. Their equation 6 has no half on the variance term, their code has: it
averages the two views. ``sum_variance`` doubles it, which is the equation and what solo-learn does.

V views, N images, P dimensions.
"""

from __future__ import annotations  # torch is imported where it is used: checking parameters needs none

from typing import TYPE_CHECKING, NamedTuple

from pydantic import NonNegativeFloat

from visrep.representations.results import Curve, Panel, Reporting
from visrep.settings.base import Section
from visrep.settings.representations import Method

if TYPE_CHECKING:
    from torch import Tensor

    from visrep.representations.positives import Batch

TERMS = tuple(Curve(name, name) for name in ("invariance", "variance", "covariance"))
EPSILON = 1e-4  # keeps the slope of the standard deviation finite at 0


class Weights(Section):
    """Of the three terms."""

    invariance: NonNegativeFloat
    variance: NonNegativeFloat
    covariance: NonNegativeFloat
    sum_variance: bool


class Settings(Method):
    weights: Weights


class Terms(NamedTuple):
    """Unweighted, each ()."""

    invariance: Tensor
    variance: Tensor
    covariance: Tensor


def terms(z: Tensor) -> Terms:
    """The three terms of projections (V, N, P) with V, N >= 2, in float32 or float64."""
    return Terms(invariance(z), variance(z), covariance(z))


def invariance(z: Tensor) -> Tensor:
    """Squared difference of two views, mean over N, P and all pairs of views: twice the unbiased variance over views.
    For two views, the mean squared error."""
    return 2 * z.var(0).mean()


def variance(z: Tensor) -> Tensor:
    """How far the standard deviation of each dimension falls short of 1; mean over dimensions and views."""
    deviation = (z.var(1) + EPSILON).sqrt()  # (V, P), unbiased
    return (1 - deviation).relu().mean()


def covariance(z: Tensor) -> Tensor:
    """Squared covariances off the diagonal, over P; twice the mean over views, which for two views is their sum.

    All squared entries of C'C add up to those of CC', so the smaller of P x P and N x N is multiplied out.
    """
    centred = (z - z.mean(1, keepdim=True)) / (z.shape[1] - 1) ** 0.5
    across = centred.transpose(1, 2)
    product = centred @ across if z.shape[1] < z.shape[2] else across @ centred  # (V, N, N) or (V, P, P)
    variances = centred.square().sum(1)  # (V, P), the diagonal
    outside: Tensor = product.square().sum((1, 2)) - variances.square().sum(1)
    return 2 * outside.mean() / z.shape[2]


def total(unweighted: Terms, weights: Weights) -> Tensor:
    counted = 2 if weights.sum_variance else 1
    loss: Tensor = weights.invariance * unweighted.invariance + weights.variance * counted * unweighted.variance
    return loss + weights.covariance * unweighted.covariance


def loss(z: Tensor, _: Batch, settings: Settings) -> dict[str, Tensor]:
    """The loss of projections (V, N, P), and its terms by name."""
    unweighted = terms(z)
    return {"loss": total(unweighted, settings.weights), **unweighted._asdict()}


def reporting(_: Settings) -> Reporting:
    return Reporting(
        panels=(
            Panel("Loss", (Curve("loss", "loss"),)),
            Panel("Its three terms, before they are weighted", TERMS),
        ),
        columns=TERMS,
        table="The three terms of the loss of VICReg on test images in the last epoch, before they are weighted. The "
        "variance term is 0 where every dimension varies enough, and near 1 where none does.",
        batches="The last batch of an epoch is smaller.",
    )
