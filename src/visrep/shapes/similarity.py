"""Learning what is alike: an encoder that draws its images again, or one to which an image and its redrawing with other
factors are the same.

N images, B images of a batch, D dimensions, 4 factors.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from visrep.data import pixels, store
from visrep.data.store import ImageSet, Split
from visrep.machine.device import Machine
from visrep.machine.randomness import generator, seed
from visrep.settings.shapes import Similarity
from visrep.shapes import contrastive, redrawn, results
from visrep.shapes.autoencoder import Decoder, Encoder, Headed
from visrep.training import loop, weights


class Pictures(NamedTuple):
    """``images`` (N, 32, 32, 3) uint8, whole, on the device; ``factors`` (N, 4)."""

    images: Tensor
    factors: np.ndarray

    def at(self, index: Tensor) -> "Pictures":
        return Pictures(self.images[index], self.factors[index.cpu().numpy()])


class Learned(NamedTuple):
    """An encoder, what came of it, and its ``history``, a row an epoch."""

    encoder: Encoder
    result: results.Similarity
    history: list[loop.Row]


def learn(
    settings: Similarity,
    varied: Sequence[str] | None,
    images: ImageSet,
    machine: Machine,
    checkpoint: Path,
    tell: loop.Tell,
) -> Learned:
    """Train a fresh encoder on the family that varies these factors, or as an autoencoder (None). Progress lies in
    ``checkpoint``."""
    trained, held_out = divide(images.train, settings, machine.device)
    objective = Reconstruct(trained) if varied is None else Agree(trained, tuple(varied), settings.temperature)
    monitor = Monitor(held_out, varied, settings)
    model = machine.place(fresh(settings, decoder=varied is None))
    fitted = loop.fit(
        model,
        objective,
        loop.shuffled(len(trained.factors), machine.device),
        settings,
        ("similarity", settings.seed),
        validate=monitor,
        checkpoint=checkpoint,
        tell=tell,
        bf16=machine.bf16,
    )
    chance, floor = monitor.bounds(trained)
    result = results.Similarity(
        n=len(trained.factors),
        held_out=len(held_out.factors),
        source=images.source,
        processor=machine.processor,
        loss="mean squared error" if varied is None else "InfoNCE (nats)",
        varied=None if varied is None else tuple(varied),
        chance=chance,
        floor=floor,
        shared_by_chance=by_chance(held_out.factors),
        epochs=len(fitted.history),
        parameters=sum(p.numel() for p in model.encoder.parameters()),
    )
    return Learned(model.encoder, result, fitted.history)


def fresh(settings: Similarity, decoder: bool) -> Headed:
    """All encoders start from the same weights, whatever they will learn."""
    encoder = weights.fresh(Encoder, settings.encoder.model_dump(), generator("cpu", settings.seed, "encoder"))
    if not decoder:
        return Headed(encoder, nn.Identity())
    parts = {"dimensions": settings.encoder.dimensions, "hidden": settings.decoder}
    return Headed(encoder, weights.fresh(Decoder, parts, generator("cpu", settings.seed, "decoder")))


def divide(images: Split, settings: Similarity, device: torch.device) -> tuple[Pictures, Pictures]:
    """(trained on, held out): a random share of the training images, at least two, is only watched."""
    count = len(images.labels)
    held_out = store.sample(count, max(2, round(settings.validation * count)), settings.seed)
    rest = np.setdiff1d(np.arange(count), held_out)
    seen, watched = (
        Pictures(torch.from_numpy(images.images[part]).to(device), images.factors[part]) for part in (rest, held_out)
    )
    return seen, watched


@dataclass(frozen=True)
class Reconstruct:
    """Mean squared error of the pictures that a decoder draws from the code, in [-1, 1] units."""

    data: Pictures

    def __call__(self, model: nn.Module, batch: Tensor, draw: torch.Generator, time: float) -> dict[str, Tensor]:
        x = pixels.scaled(self.data.images[batch])
        loss = F.mse_loss(model(x).float(), x)
        loss.backward()
        return {"loss": loss.detach()}


@dataclass(frozen=True)
class Agree:
    """InfoNCE between unit features of an image and of its redrawing, which is drawn anew each time it is seen."""

    data: Pictures
    varied: tuple[str, ...]
    temperature: float

    def __call__(self, model: nn.Module, batch: Tensor, draw: torch.Generator, time: float) -> dict[str, Tensor]:
        images, factors = self.data.at(batch)
        key = int(torch.randint(2**62, (), generator=draw, device=draw.device))
        positives = redrawn.family(factors, self.varied, np.random.default_rng(key))
        loss = agreement_loss(model, images, positives, self.temperature)
        loss.backward()
        return {"loss": loss.detach()}


def agreement_loss(model: nn.Module, images: Tensor, positives: np.ndarray, temperature: float) -> Tensor:
    """Both (B, 32, 32, 3) uint8; one forward pass for both."""
    both = torch.cat([images, torch.from_numpy(positives).to(images.device)])
    u, v = contrastive.unit(model(pixels.scaled(both))).chunk(2)
    return contrastive.info_nce(u, v, temperature)


class Monitor:
    """After each epoch, on held-out images: the loss (of the same redrawings each time), and for each factor how often
    the nearest other held-out image shares it (percent), which shows what is learnt first."""

    def __init__(self, data: Pictures, varied: Sequence[str] | None, settings: Similarity) -> None:
        self.data, self.varied, self.settings = data, varied, settings
        draw = np.random.default_rng(seed(settings.seed, "held-out redrawings"))
        self.positives = redrawn.family(data.factors, varied or (), draw)
        pieces = max(1, round(len(data.factors) / settings.batch_size))
        self.batches = torch.arange(len(data.factors)).tensor_split(pieces)  # of about the size that is trained with

    def __call__(self, model: Headed) -> dict[str, float]:
        code = torch.cat([model.encoder(pixels.scaled(part)).float() for part in self.data.images.split(500)])
        losses = [self._loss(model, batch) * len(batch) for batch in self.batches]
        return {"held_out_loss": sum(losses) / len(self.data.factors), **shared_by_nearest(code, self.data.factors)}

    def bounds(self, seen: Pictures) -> tuple[float, float]:
        """(chance, floor) of the loss on the held-out images. Seeing nothing, an autoencoder draws the mean picture."""
        if self.varied is None:
            mean = pixels.scaled(seen.images).mean(0, keepdim=True)
            images = pixels.scaled(self.data.images)
            return float(F.mse_loss(mean.expand_as(images), images)), 0.0
        kept = self.data.factors[:, redrawn.kept(self.varied)]
        floors = [contrastive.floor(kept[b.numpy()], self.settings.temperature) * len(b) for b in self.batches]
        chances = [np.log(len(b)) * len(b) for b in self.batches]
        return float(sum(chances)) / len(kept), sum(floors) / len(kept)

    def _loss(self, model: Headed, batch: Tensor) -> float:
        images = self.data.images[batch.to(self.data.images.device)]
        if self.varied is None:
            x = pixels.scaled(images)
            return float(F.mse_loss(model(x).float(), x))
        return float(agreement_loss(model, images, self.positives[batch.numpy()], self.settings.temperature))


def shared_by_nearest(code: Tensor, factors: np.ndarray) -> dict[str, float]:
    """Percent of the codes (N, D) whose nearest other by angle has the same value of each factor (N, 4)."""
    x = contrastive.unit(code)
    nearest = (x @ x.T).fill_diagonal_(-torch.inf).argmax(1).cpu().numpy()
    shares = np.mean(factors[nearest] == factors, axis=0) * 100
    return dict(zip(redrawn.NAMES, shares.tolist(), strict=True))


def by_chance(factors: np.ndarray) -> dict[str, float]:
    """Percent of all pairs of two images that share each factor (N, 4)."""
    same = [np.square(np.bincount(column)).sum() - len(column) for column in factors.T]
    pairs = len(factors) * (len(factors) - 1)
    return {name: float(100 * count / pairs) for name, count in zip(redrawn.NAMES, same, strict=True)}
