"""Changes to a training that were tried and are no parameter: another start of the encoder, another projector.

Each is put in place for the time of one training in this process. The encoder's first layer from typical patches;
a start by learning what `patches` say of an image; whitening in the projector.
"""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import torch
from sklearn.cluster import MiniBatchKMeans
from torch import Tensor, nn
from torch.nn import functional as F

from visrep.data.store import ImageSet
from visrep.machine.device import Machine
from visrep.representations import descriptions, encoders, views
from visrep.representations.baselines import patches
from visrep.settings.representations import Encoder, Method
from visrep.training import loop

SIDE = 3  # pixels of a filter of the first layer
SAMPLED = 100_000  # patches
GROUP = 64  # features that are whitened together
STEPS = 5  # of Newton's iteration


@contextmanager
def variant(
    name: str | None, images: ImageSet, settings: Method, values: dict[str, Any], machine: Machine
) -> Iterator[None]:
    """``name`` is one of "first layer", "teacher" and "whitening", or None for nothing."""
    if name is None:
        yield
        return
    started = encoders.started
    if name == "whitening":
        with patch.object(encoders, "Projected", Whitened):
            yield
        return

    def other(chosen: Encoder, seed: int) -> encoders.Network:
        encoder = started(chosen, seed)
        if name == "first layer":
            first_layer(encoder, images.train.images)
        else:
            taught(encoder, images, settings, values, machine)
        return encoder

    with patch.object(encoders, "started", other):
        yield


@torch.no_grad()
def first_layer(encoder: encoders.Network, images: np.ndarray) -> None:
    """The filters become typical patches of whitened pixels, by k-means, at the length that random ones have."""
    rng = np.random.default_rng(0)
    place = rng.integers(0, 32 - SIDE + 1, (2, SAMPLED))
    which = rng.integers(0, len(images), SAMPLED)
    x = np.stack([images[which, place[0] + i, place[1] + j] for i in range(SIDE) for j in range(SIDE)], 1)
    x = x.reshape(SAMPLED, -1).astype(np.float64) / 127.5 - 1  # (N, 27), rows, columns, colors
    values, axes = np.linalg.eigh(np.cov(x.T))
    whitening = axes / np.sqrt(values + 1e-3) @ axes.T
    first = next(layer for layer in encoder.modules() if isinstance(layer, nn.Conv2d))
    found = MiniBatchKMeans(len(first.weight), random_state=0, n_init=3).fit((x - x.mean(0)) @ whitening)
    filters = found.cluster_centers_ @ whitening
    filters *= float(first.weight.flatten(1).norm(dim=1).mean()) / np.linalg.norm(filters, axis=1, keepdims=True)
    weight = torch.from_numpy(filters).float().view(-1, SIDE, SIDE, 3).permute(0, 3, 1, 2)
    first.weight.copy_(weight)


def taught(
    encoder: encoders.Network, images: ImageSet, settings: Method, values: dict[str, Any], machine: Machine
) -> None:
    """For an eighth of the epochs, views are to say what patches say of the whole image, standardised."""
    chosen = patches.Settings.model_validate(values["baselines"]["patches"])
    arrays, config = patches.fit(images.train.images, chosen, settings.encoder)
    wanted = descriptions.embedded(images.train.images, arrays=arrays, config=config)
    target = torch.from_numpy((wanted - wanted.mean(0)) / wanted.std(0)).to(machine.device)
    stored = encoders.whole(images.train.images, machine.device)
    model = machine.place(nn.Sequential(encoder))

    def objective(model: nn.Module, batch: Tensor, rng: torch.Generator, time: float) -> dict[str, Tensor]:
        x = views.random_views(stored[batch], settings.augment, settings.views, rng)
        apart = F.mse_loss(model(x.flatten(0, 1)).float(), target[batch].repeat(settings.views, 1))
        apart.backward()
        return {"loss": apart.detach()}

    plan = settings.model_copy(update={"epochs": max(1, settings.epochs // 8)})
    checkpoint = Path(tempfile.mkdtemp()) / "checkpoint.pt"
    loop.fit(
        model, objective, loop.shuffled(len(stored), machine.device), plan, ("taught", settings.seed),
        validate=lambda _: {}, checkpoint=checkpoint, progress=lambda *_: None, bf16=machine.bf16,
    )  # fmt: skip
    encoder.cpu()


class Whitened(encoders.Projected):
    """Batch norm of the projector's hidden layers becomes whitening of groups of features."""

    def __init__(self, encoder: encoders.Network, widths: Any, places: int) -> None:
        super().__init__(encoder, widths, places)
        for name, layer in self.projector.named_children():
            if isinstance(layer, nn.BatchNorm1d):
                self.projector.register_module(name, Whitening())


class Whitening(nn.Module):
    """(N, D) to features that are uncorrelated over the batch in groups, by Newton's iteration (Huang et al. 2019)."""

    def forward(self, x: Tensor) -> Tensor:
        with torch.autocast(x.device.type, enabled=False):
            groups = x.float().unflatten(1, (-1, min(GROUP, x.shape[1]))).transpose(0, 1)  # (G, N, D')
            centred = groups - groups.mean(1, keepdim=True)
            covariance = centred.mT @ centred / len(x) + 1e-3 * torch.eye(centred.shape[2], device=x.device)
            trace = covariance.diagonal(dim1=1, dim2=2).sum(1)[:, None, None]
            scaled, root = covariance / trace, torch.eye(centred.shape[2], device=x.device)
            for _ in range(STEPS):
                root = 1.5 * root - 0.5 * root @ root @ root @ scaled
            white: Tensor = centred @ root / trace.sqrt()
            return white.transpose(0, 1).flatten(1)
