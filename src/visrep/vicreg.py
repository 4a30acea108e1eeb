"""VICReg (Bardes, Ponce and LeCun 2022): views of an image should agree (invariance), each dimension should vary over
the images (variance), no two dimensions should say the same (covariance).

The convention is that of the authors' code. Their equation 6 has no half on the variance term, their code has: it
averages the two views. ``sum_variance`` doubles it, which is the equation and what solo-learn does.

V views, N images, P dimensions.
"""

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from visrep import pixels, views
from visrep.settings.encoder import Weights
from visrep.settings.views import Views

EPSILON = 1e-4  # keeps the slope of the standard deviation finite at 0


class Terms(NamedTuple):
    """Unweighted, each ()."""

    invariance: Tensor
    variance: Tensor
    covariance: Tensor


def terms(z: Tensor) -> Terms:
    """The three terms of projections (V, N, P) with V, N >= 2, in float32 at least."""
    z = z if z.dtype == torch.float64 else z.float()
    return Terms(invariance(z), variance(z), covariance(z))


def invariance(z: Tensor) -> Tensor:
    """Squared difference of two views, mean over N, P and all pairs of views: twice the unbiased variance over views.
    For two views, the mean squared error."""
    return 2 * z.var(0).mean()


def variance(z: Tensor) -> Tensor:
    """How far the standard deviation of each dimension falls short of 1; mean over dimensions and views."""
    deviation = (z.var(1) + EPSILON).sqrt()  # (V, P), unbiased
    return F.relu(1 - deviation).mean()


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


def total(found: Terms, weights: Weights) -> Tensor:
    counted = 2 if weights.sum_variance else 1
    loss: Tensor = weights.invariance * found.invariance + weights.variance * counted * found.variance
    return loss + weights.covariance * found.covariance


def descend(model: nn.Module, images: Tensor, weights: Weights) -> dict[str, Tensor]:
    """Accumulate the gradient for views (V, N, 3, 32, 32), all in one forward pass; returns the loss and its terms."""
    z = projections(model, images)
    with torch.autocast(z.device.type, enabled=False):  # bfloat16 products would be off by half a percent
        found = terms(z)
        loss = total(found, weights)
    loss.backward()
    return {"loss": loss.detach(), **{name: term.detach() for name, term in found._asdict().items()}}


def projections(model: nn.Module, images: Tensor) -> Tensor:
    """(V, N, 3, 32, 32) to (V, N, P)."""
    z: Tensor = model(images.flatten(0, 1)).unflatten(0, images.shape[:2])
    return z


@dataclass(frozen=True)
class OfViews:
    """The loss on random views of the same image. ``images`` (N, 32, 32, 3) uint8."""

    images: Tensor
    augment: Views
    count: int
    weights: Weights

    def __call__(self, model: nn.Module, batch: Tensor, draw: torch.Generator, time: float) -> dict[str, Tensor]:
        return descend(model, views.draw(self.images[batch], self.augment, self.count, draw), self.weights)


@dataclass(frozen=True)
class OfNeighbors:
    """The loss on an image and one of its nearest, ``positives`` (N, k), drawn anew each time it is seen."""

    images: Tensor
    positives: Tensor
    augment: Views | None
    weights: Weights

    def __call__(self, model: nn.Module, batch: Tensor, draw: torch.Generator, time: float) -> dict[str, Tensor]:
        column = torch.randint(self.positives.shape[1], batch.shape, generator=draw, device=batch.device)
        pairs = self.images[torch.cat([batch, self.positives[batch, column]])]
        x = views.draw(pairs, self.augment, 1, draw)[0] if self.augment else pixels.scaled(pairs)
        return descend(model, x.unflatten(0, (2, -1)), self.weights)
