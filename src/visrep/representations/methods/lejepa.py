"""LeJEPA (Balestriero and LeCun 2025): views of an image should be predicted by their mean, and the projections of all
images should look like a standard Gaussian from every direction (SIGReg).

V views, N images, P dimensions, S directions.
"""

from __future__ import annotations  # torch is imported where it is used: checking parameters needs none

from typing import TYPE_CHECKING, Annotated

from pydantic import Field, PositiveInt

from visrep.representations.results import Curve, Panel, Reporting
from visrep.settings.representations import Method

if TYPE_CHECKING:
    from torch import Tensor

    from visrep.representations.positives import Batch

TERMS = (Curve("prediction", "prediction"), Curve("sigreg", "SIGReg"))
REACH, POINTS = 5.0, 17  # of the integral over t: from 0 to REACH, by the trapezoidal rule at so many points


class Settings(Method):
    weight: Annotated[float, Field(gt=0, lt=1)]  # lambda in the paper
    directions: PositiveInt  # others in every step


def loss(z: Tensor, batch: Batch, settings: Settings) -> dict[str, Tensor]:
    """(1 - weight) prediction + weight SIGReg of projections (V, N, P), and both."""
    import torch

    shape = (z.shape[2], settings.directions)
    directions = torch.randn(shape, generator=batch.generator, device=z.device).to(z.dtype)
    directions = directions / directions.norm(dim=0)
    apart, round_ = prediction(z), sigreg(z, directions)
    loss = (1 - settings.weight) * apart + settings.weight * round_
    return {"loss": loss, "prediction": apart, "sigreg": round_}


def prediction(z: Tensor) -> Tensor:
    """Mean squared distance of the views of an image to their mean, over N, P and V."""
    return z.var(0, correction=0).mean()


def sigreg(z: Tensor, directions: Tensor) -> Tensor:
    """The statistic of Epps and Pulley along unit ``directions`` (P, S), mean over these and the views: N times the
    integral of |phi(t) - exp(-t^2 / 2)|^2 exp(-t^2 / 2) dt, phi the empirical characteristic function of the N
    projections. 0 for a standard Gaussian as N grows, but for a bias of about 1."""
    import torch

    t = torch.linspace(0, REACH, POINTS, device=z.device, dtype=z.dtype)
    gaussian = (-t.square() / 2).exp()
    weights = torch.full_like(t, 2 * REACH / (POINTS - 1))  # both sides of 0, which are alike
    weights[[0, -1]] /= 2
    angles = (z @ directions)[..., None] * t  # (V, N, S, T)
    real, imaginary = angles.cos().mean(1), angles.sin().mean(1)
    apart = (real - gaussian).square() + imaginary.square()
    return (apart @ (weights * gaussian)).mean() * z.shape[1]


def reporting(_: Settings) -> Reporting:
    return Reporting(
        panels=(Panel("Loss", (Curve("loss", "loss"),)), Panel("Its two terms, before they are weighted", TERMS)),
        columns=TERMS,
        table="The two terms of the loss of LeJEPA on test images in the last epoch, before they are weighted: the "
        "squared distance of views to their mean, and how far projections are from a standard Gaussian.",
        batches="The last batch of an epoch is smaller, and SIGReg grows with the batch.",
    )
