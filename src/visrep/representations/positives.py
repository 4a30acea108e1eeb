"""Objectives without labels: each image is paired with its positives, and a loss scores the projections.

V views, N images, P dimensions of a projection.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn

from visrep.data import pixels
from visrep.representations import views
from visrep.representations.negatives import Queue
from visrep.settings.representations import Method, Views
from visrep.training import distributed


class Batch(NamedTuple):
    """What a loss may read beside the projections of N images: their ``labels`` (N,), -1 where the method is given
    none; a ``generator`` on their device; in training the ``queue`` of earlier projections, where the method has one.
    """

    labels: Tensor
    generator: torch.Generator
    queue: Queue | None


# Projections (V, N, P), float32, to scalars of which "loss" carries the gradient.
Loss = Callable[[Tensor, Batch], dict[str, Tensor]]


class Images(NamedTuple):
    """``pixels`` (N, 32, 32, 3) uint8; ``labels`` (N,), -1 where the method is given none."""

    pixels: Tensor
    labels: Tensor


@dataclass(frozen=True)
class OfViews:
    """Positives are random views of the same image."""

    images: Images
    settings: Method
    loss: Loss

    def __call__(self, model: nn.Module, batch: Tensor, rng: torch.Generator, time: float) -> dict[str, Tensor]:
        rows = distributed.own(len(batch))
        among = None if rows is None else views.Among(rows, len(batch))
        own = batch if rows is None else batch[rows]
        of_images = views.all_views(self.images.pixels[own], self.settings, rng, among)
        return descend(model, of_images, self.loss, self.images.labels[batch], rng)


@dataclass(frozen=True)
class OfNeighbors:
    """The positive of an image is one of its nearest, ``positives`` (N, k), at random for each batch."""

    images: Images
    positives: Tensor
    augment: Views | None
    loss: Loss

    def __call__(self, model: nn.Module, batch: Tensor, rng: torch.Generator, time: float) -> dict[str, Tensor]:
        column = torch.randint(self.positives.shape[1], batch.shape, generator=rng, device=batch.device)
        pairs, rows, among = torch.stack([batch, self.positives[batch, column]]), distributed.own(len(batch)), None
        if rows is not None:
            pairs, among = pairs[:, rows], views.Among(torch.cat([rows, len(batch) + rows]), 2 * len(batch))
        stored = self.images.pixels[pairs.flatten()]
        x = views.random_views(stored, self.augment, 1, rng, among=among)[0] if self.augment else pixels.scaled(stored)
        return descend(model, [x.unflatten(0, (2, -1))], self.loss, self.images.labels[batch], rng)


def descend(
    model: nn.Module, of_images: Sequence[Tensor], loss: Loss, labels: Tensor, rng: torch.Generator
) -> dict[str, Tensor]:
    """Accumulate the gradient of the ``loss`` of a batch and return the scalars. ``of_images`` are views as
    `projections` takes them, where this process may have a part of the batch only; ``labels`` (N,) are those of all of
    it."""
    z = distributed.gathered(projections(model, of_images), len(labels))
    values = scalars(z, model, loss, labels, rng)
    values["loss"].backward()
    return {name: value.detach() for name, value in values.items()}


def projections(model: nn.Module, of_images: Sequence[Tensor]) -> Tensor:
    """(V, N, P), of views (V, N, 3, S, S) by their size: one forward pass for each."""
    return torch.cat([model(x.flatten(0, 1)).unflatten(0, x.shape[:2]) for x in of_images])


def scalars(z: Tensor, model: nn.Module, loss: Loss, labels: Tensor, rng: torch.Generator) -> dict[str, Tensor]:
    """The ``loss`` of a model's projections (V, N, P), in float32: bfloat16 would change it by half a percent."""
    batch = Batch(labels, rng, getattr(model, "queue", None) if model.training else None)
    with torch.autocast(z.device.type, enabled=False):
        return loss(z if z.dtype == torch.float64 else z.float(), batch)
