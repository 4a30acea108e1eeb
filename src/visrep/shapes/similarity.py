"""Learning what is alike: an encoder from whose codes images can be drawn again, or one to which an image and its
redrawing with other factors are the same.

N images, B images of a batch, D dimensions, 4 factors.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from visrep.data import pixels, store
from visrep.data.store import ImageSet, Split
from visrep.machine.device import Machine
from visrep.machine.randomness import generator, seed
from visrep.settings.shapes import Family, Similarity
from visrep.shapes import contrastive, redrawn, results
from visrep.shapes.autoencoder import Decoder, Encoder, Headed, Variational, divergence
from visrep.training import loop, weights


class Pictures(NamedTuple):
    """``images`` (N, 32, 32, 3) uint8, whole, on the device; ``factors`` (N, 4)."""

    images: Tensor
    factors: np.ndarray

    def at(self, index: Tensor) -> "Pictures":
        return Pictures(self.images[index], self.factors[index.cpu().numpy()])


class Learned(NamedTuple):
    """A network with its ``encoder``, what came of it, and its ``history``, a row an epoch."""

    model: Headed | Variational
    result: results.Similarity
    history: list[loop.Row]


def learn(
    settings: Similarity,
    family: Family,
    images: ImageSet,
    machine: Machine,
    checkpoint: Path,
    tell: loop.Tell,
) -> Learned:
    """Train a fresh encoder on what is alike in a ``family``, or as an autoencoder. Progress lies in ``checkpoint``."""
    trained, held_out = divide(images.train, settings, machine.device)
    sought = aim(family, settings)
    monitor = Monitor(held_out, sought, settings)
    model = machine.place(fresh(settings, family))
    fitted = loop.fit(
        model,
        Objective(trained, sought),
        loop.shuffled(len(trained.factors), machine.device),
        settings,
        ("similarity", settings.seed),
        validate=monitor,
        checkpoint=checkpoint,
        tell=tell,
        bf16=machine.bf16,
    )
    chance, floor = sought.bounds(trained, held_out, monitor.batches)
    result = results.Similarity(
        n=len(trained.factors),
        held_out=len(held_out.factors),
        source=images.source,
        processor=machine.processor,
        loss=sought.name,
        varied=family.varied,
        chance=chance,
        floor=floor,
        shared_by_chance=by_chance(held_out.factors),
        epochs=len(fitted.history),
        parameters=sum(p.numel() for p in model.encoder.parameters()),
    )
    return Learned(model, result, fitted.history)


def fresh(settings: Similarity, family: Family) -> Headed | Variational:
    """All encoders start from the same weights, whatever they will learn."""
    encoder = weights.fresh(Encoder, settings.encoder.model_dump(), generator("cpu", settings.seed, "encoder"))
    if family.varied is not None:
        return Headed(encoder, nn.Identity())
    parts = {"dimensions": settings.encoder.dimensions, "hidden": settings.decoder}
    decoder = weights.fresh(Decoder, parts, generator("cpu", settings.seed, "decoder"))
    if not family.variational:
        return Headed(encoder, decoder)
    both = {"encoder": encoder, "head": decoder}
    return weights.fresh(Variational, both, generator("cpu", settings.seed, "variances"))


def divide(images: Split, settings: Similarity, device: torch.device) -> tuple[Pictures, Pictures]:
    """(trained on, held out): a random share of the training images, at least two, is only watched."""
    count = len(images.labels)
    held_out = store.sample(count, max(2, round(settings.validation * count)), settings.seed)
    rest = np.setdiff1d(np.arange(count), held_out)
    seen, watched = (
        Pictures(torch.from_numpy(images.images[part]).to(device), images.factors[part]) for part in (rest, held_out)
    )
    return seen, watched


class Aim(Protocol):
    """What makes codes alike: a loss of images (B, 32, 32, 3) uint8 and of what is drawn at random beside each of them
    (B, ...), and the bounds (chance, floor) of that loss on held-out images, in batches of these indices."""

    @property
    def name(self) -> str: ...

    def beside(self, factors: np.ndarray, draw: np.random.Generator) -> np.ndarray: ...

    def loss(self, model: Any, images: Tensor, beside: np.ndarray) -> Tensor: ...

    def bounds(self, trained: Pictures, held_out: Pictures, batches: Sequence[Tensor]) -> tuple[float, float]: ...


def aim(family: Family, settings: Similarity) -> Aim:
    if family.varied is not None:
        return Agree(family.varied, settings.temperature)
    return Encode(settings.encoder.dimensions, settings.pixel_variance) if family.variational else Reconstruct()


@dataclass(frozen=True)
class Reconstruct:
    """Mean squared error of the pictures that a decoder draws from the code, in [-1, 1] units."""

    name: str = "mean squared error"

    def beside(self, factors: np.ndarray, draw: np.random.Generator) -> np.ndarray:
        return np.empty((len(factors), 0))

    def loss(self, model: nn.Module, images: Tensor, beside: np.ndarray) -> Tensor:
        x = pixels.scaled(images)
        return F.mse_loss(model(x).float(), x)

    def bounds(self, trained: Pictures, held_out: Pictures, batches: Sequence[Tensor]) -> tuple[float, float]:
        """Seeing nothing, an autoencoder draws the mean picture."""
        mean = pixels.scaled(trained.images).mean(0, keepdim=True)
        x = pixels.scaled(held_out.images)
        return float(F.mse_loss(mean.expand_as(x), x)), 0.0


@dataclass(frozen=True)
class Encode:
    """The evidence lower bound of a variational autoencoder whose pixels are Gaussians of one variance (Kingma and
    Welling 2014, equation 10, with one sample), times -2 ``variance`` over the number of pixel values: mean squared
    error, and the divergence of the codes from a standard Gaussian, weighed."""

    dimensions: int
    variance: float
    name: str = "squared error and divergence"

    def beside(self, factors: np.ndarray, draw: np.random.Generator) -> np.ndarray:
        return draw.standard_normal((len(factors), self.dimensions)).astype(np.float32)

    def loss(self, model: Variational, images: Tensor, beside: np.ndarray) -> Tensor:
        x = pixels.scaled(images)
        mean, log_variance = (part.float() for part in model.coded(x))
        code = mean + (log_variance / 2).exp() * torch.from_numpy(beside).to(x.device)
        weight = 2 * self.variance / x[0].numel()
        return F.mse_loss(model.head(code).float(), x) + weight * divergence(mean, log_variance).mean()

    def bounds(self, trained: Pictures, held_out: Pictures, batches: Sequence[Tensor]) -> tuple[float, float]:
        """As of `Reconstruct`, at the price of no divergence."""
        return Reconstruct().bounds(trained, held_out, batches)


@dataclass(frozen=True)
class Agree:
    """InfoNCE between unit features of an image and of its redrawing, which is drawn anew each time it is seen."""

    varied: tuple[str, ...]
    temperature: float
    name: str = "InfoNCE (nats)"

    def beside(self, factors: np.ndarray, draw: np.random.Generator) -> np.ndarray:
        return redrawn.family(factors, self.varied, draw)

    def loss(self, model: nn.Module, images: Tensor, beside: np.ndarray) -> Tensor:
        """One forward pass for both."""
        both = torch.cat([images, torch.from_numpy(beside).to(images.device)])
        u, v = contrastive.unit(model(pixels.scaled(both))).chunk(2)
        return contrastive.info_nce(u, v, self.temperature)

    def bounds(self, trained: Pictures, held_out: Pictures, batches: Sequence[Tensor]) -> tuple[float, float]:
        kept = held_out.factors[:, redrawn.kept(self.varied)]
        floors = [contrastive.floor(kept[b.numpy()], self.temperature) * len(b) for b in batches]
        chances = [np.log(len(b)) * len(b) for b in batches]
        return float(sum(chances)) / len(kept), sum(floors) / len(kept)


@dataclass(frozen=True)
class Objective:
    """For the training loop: the loss of an ``aim`` on a batch, with what stands beside it drawn anew."""

    data: Pictures
    aim: Aim

    def __call__(self, model: nn.Module, batch: Tensor, draw: torch.Generator, time: float) -> dict[str, Tensor]:
        images, factors = self.data.at(batch)
        key = int(torch.randint(2**62, (), generator=draw, device=draw.device))
        loss = self.aim.loss(model, images, self.aim.beside(factors, np.random.default_rng(key)))
        loss.backward()
        return {"loss": loss.detach()}


class Monitor:
    """After each epoch, on held-out images: the loss (with the same random draws each time), and for each factor how
    often the nearest other held-out image shares it (percent), which shows what is learnt first."""

    def __init__(self, data: Pictures, aim: Aim, settings: Similarity) -> None:
        self.data, self.aim = data, aim
        self.beside = aim.beside(data.factors, np.random.default_rng(seed(settings.seed, "held-out redrawings")))
        pieces = max(1, round(len(data.factors) / settings.batch_size))
        self.batches = torch.arange(len(data.factors)).tensor_split(pieces)  # of about the size that is trained with

    def __call__(self, model: Headed | Variational) -> dict[str, float]:
        code = torch.cat([model.encoder(pixels.scaled(part)).float() for part in self.data.images.split(500)])
        losses = [self._loss(model, batch) * len(batch) for batch in self.batches]
        return {"held_out_loss": sum(losses) / len(self.data.factors), **shared_by_nearest(code, self.data.factors)}

    def _loss(self, model: nn.Module, batch: Tensor) -> float:
        images = self.data.images[batch.to(self.data.images.device)]
        return float(self.aim.loss(model, images, self.beside[batch.numpy()]))


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
