"""Objectives without labels: what counts as an image's positives stands beside it, and a loss scores the projections.

V views, N images, P dimensions of a projection.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from visrep.data import pixels
from visrep.representations import views
from visrep.settings.representations import Views

# Projections (V, N, P), float32, to scalars of which "loss" carries the gradient.
Loss = Callable[[Tensor], dict[str, Tensor]]


@dataclass(frozen=True)
class OfViews:
    """Positives are random views of the same image. ``images`` (N, 32, 32, 3) uint8."""

    images: Tensor
    augment: Views
    count: int
    loss: Loss

    def __call__(self, model: nn.Module, batch: Tensor, draw: torch.Generator, time: float) -> dict[str, Tensor]:
        return descend(model, views.draw(self.images[batch], self.augment, self.count, draw), self.loss)


@dataclass(frozen=True)
class OfNeighbors:
    """The positive of an image is one of its nearest, ``positives`` (N, k), drawn anew each time it is seen."""

    images: Tensor
    positives: Tensor
    augment: Views | None
    loss: Loss

    def __call__(self, model: nn.Module, batch: Tensor, draw: torch.Generator, time: float) -> dict[str, Tensor]:
        column = torch.randint(self.positives.shape[1], batch.shape, generator=draw, device=batch.device)
        pairs = self.images[torch.cat([batch, self.positives[batch, column]])]
        x = views.draw(pairs, self.augment, 1, draw)[0] if self.augment else pixels.scaled(pairs)
        return descend(model, x.unflatten(0, (2, -1)), self.loss)


def descend(model: nn.Module, seen: Tensor, loss: Loss) -> dict[str, Tensor]:
    """Accumulate the gradient for images (V, N, 3, 32, 32), all in one forward pass; returns the scalars."""
    found = judged(model, seen, loss)
    found["loss"].backward()
    return {name: value.detach() for name, value in found.items()}


def judged(model: nn.Module, seen: Tensor, loss: Loss) -> dict[str, Tensor]:
    """The ``loss`` of images (V, N, 3, 32, 32), in full precision: bfloat16 would put it off by half a percent."""
    z: Tensor = model(seen.flatten(0, 1)).unflatten(0, seen.shape[:2])  # (V, N, P)
    with torch.autocast(z.device.type, enabled=False):
        return loss(z if z.dtype == torch.float64 else z.float())
