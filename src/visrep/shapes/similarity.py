"""Training of encoders of drawn shapes: autoencoders, and encoders that map an image and a redrawing of it, with some
factors changed, to the same point.

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
    """A network with its ``encoder``, its result, and its ``history``, a row per epoch."""

    model: Headed | Variational
    result: results.Similarity
    history: list[loop.Row]


def learn(
    settings: Similarity,
    family: Family,
    images: ImageSet,
    machine: Machine,
    checkpoint: Path,
    progress: loop.Progress,
) -> Learned:
    """Train a fresh encoder on pairs of a ``family``, or as an autoencoder. Progress is kept in ``checkpoint``."""
    trained, validation = divide(images.train, settings, machine.device)
    sought = aim(family, settings)
    monitor = Monitor(validation, sought, settings)
    model = machine.place(fresh(settings, family))
    fitted = loop.fit(
        model,
        Objective(trained, sought),
        loop.shuffled(len(trained.factors), machine.device),
        settings,
        ("similarity", settings.seed),
        validate=monitor,
        checkpoint=checkpoint,
        progress=progress,
        bf16=machine.bf16,
    )
    chance, bound = sought.bounds(trained, validation, monitor.batches)
    result = results.Similarity(
        n=len(trained.factors),
        validation=len(validation.factors),
        source=images.source,
        processor=machine.processor,
        loss=sought.name,
        varied=family.varied,
        chance=chance,
        bound=bound,
        shared_by_chance=by_chance(validation.factors),
        epochs=len(fitted.history),
        parameters=sum(p.numel() for p in model.encoder.parameters()),
    )
    return Learned(model, result, fitted.history)


def fresh(settings: Similarity, family: Family) -> Headed | Variational:
    """The network before training; encoders of all families start from the same weights."""
    encoder = weights.fresh(Encoder, settings.encoder.model_dump(), generator("cpu", settings.seed, "encoder"))
    if family.varied is not None:
        return Headed(encoder, nn.Identity())
    parts = {"dimensions": settings.encoder.dimensions, "hidden": settings.decoder}
    decoder = weights.fresh(Decoder, parts, generator("cpu", settings.seed, "decoder"))
    if family.prior is None:
        return Headed(encoder, decoder)
    both = {"encoder": encoder, "head": decoder}
    return weights.fresh(Variational, both, generator("cpu", settings.seed, "variances"))


def divide(images: Split, settings: Similarity, device: torch.device) -> tuple[Pictures, Pictures]:
    """(training, validation): a random share of the training images, at least two, is for validation."""
    count = len(images.labels)
    validation = store.sample(count, max(2, round(settings.validation * count)), settings.seed)
    rest = np.setdiff1d(np.arange(count), validation)
    seen, watched = (
        Pictures(torch.from_numpy(images.images[part]).to(device), images.factors[part]) for part in (rest, validation)
    )
    return seen, watched


class Aim(Protocol):
    """A loss of images (B, 32, 32, 3) uint8 and of what is random beside each of them (B, ...), and its value by chance
    and lower bound on validation images, in batches of these indices."""

    @property
    def name(self) -> str: ...

    def beside(self, factors: np.ndarray, rng: np.random.Generator) -> np.ndarray: ...

    def loss(self, model: Any, images: Tensor, beside: np.ndarray) -> Tensor: ...

    def bounds(self, trained: Pictures, validation: Pictures, batches: Sequence[Tensor]) -> tuple[float, float]: ...


def aim(family: Family, settings: Similarity) -> Aim:
    if family.varied is not None:
        return Agree(family.varied, settings.temperature)
    if family.prior is not None:
        return Encode(settings.encoder.dimensions, family.prior.pixel_variance)
    return Reconstruct()


@dataclass(frozen=True)
class Reconstruct:
    """Mean squared error of reconstructions, in [-1, 1] units."""

    name: str = "mean squared error"

    def beside(self, factors: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return np.empty((len(factors), 0))

    def loss(self, model: nn.Module, images: Tensor, beside: np.ndarray) -> Tensor:
        x = pixels.scaled(images)
        return F.mse_loss(model(x).float(), x)

    def bounds(self, trained: Pictures, validation: Pictures, batches: Sequence[Tensor]) -> tuple[float, float]:
        """By chance: an autoencoder that reconstructs the mean image."""
        mean = pixels.scaled(trained.images).mean(0, keepdim=True)
        x = pixels.scaled(validation.images)
        return float(F.mse_loss(mean.expand_as(x), x)), 0.0


@dataclass(frozen=True)
class Encode:
    """The evidence lower bound of a variational autoencoder whose pixels are Gaussians of one variance (Kingma and
    Welling 2014, equation 10, with one sample), times -2 ``variance`` over the number of pixel values: mean squared
    error, and the weighted divergence of the codes from a standard Gaussian."""

    dimensions: int
    variance: float
    name: str = "squared error and divergence"

    def beside(self, factors: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return rng.standard_normal((len(factors), self.dimensions)).astype(np.float32)

    def loss(self, model: Variational, images: Tensor, beside: np.ndarray) -> Tensor:
        x = pixels.scaled(images)
        mean, log_variance = (part.float() for part in model.coded(x))
        code = mean + (log_variance / 2).exp() * torch.from_numpy(beside).to(x.device)
        weight = 2 * self.variance / x[0].numel()
        return F.mse_loss(model.head(code).float(), x) + weight * divergence(mean, log_variance).mean()

    def bounds(self, trained: Pictures, validation: Pictures, batches: Sequence[Tensor]) -> tuple[float, float]:
        """Those of `Reconstruct`, with no divergence."""
        return Reconstruct().bounds(trained, validation, batches)


@dataclass(frozen=True)
class Agree:
    """InfoNCE between unit features of an image and of its redrawing, which is another one each time."""

    varied: tuple[str, ...]
    temperature: float
    name: str = "InfoNCE (nats)"

    def beside(self, factors: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        return redrawn.family(factors, self.varied, rng)

    def loss(self, model: nn.Module, images: Tensor, beside: np.ndarray) -> Tensor:
        """One forward pass for both."""
        both = torch.cat([images, torch.from_numpy(beside).to(images.device)])
        u, v = contrastive.unit(model(pixels.scaled(both))).chunk(2)
        return contrastive.info_nce(u, v, self.temperature)

    def bounds(self, trained: Pictures, validation: Pictures, batches: Sequence[Tensor]) -> tuple[float, float]:
        kept = validation.factors[:, redrawn.kept(self.varied)]
        bounds = [contrastive.bound(kept[b.numpy()], self.temperature) * len(b) for b in batches]
        chances = [np.log(len(b)) * len(b) for b in batches]
        return float(sum(chances)) / len(kept), sum(bounds) / len(kept)


@dataclass(frozen=True)
class Objective:
    """For the training loop: the loss of an ``aim`` on a batch."""

    data: Pictures
    aim: Aim

    def __call__(self, model: nn.Module, batch: Tensor, rng: torch.Generator, time: float) -> dict[str, Tensor]:
        images, factors = self.data.at(batch)
        key = int(torch.randint(2**62, (), generator=rng, device=rng.device))
        loss = self.aim.loss(model, images, self.aim.beside(factors, np.random.default_rng(key)))
        loss.backward()
        return {"loss": loss.detach()}


class Monitor:
    """After each epoch, on validation images: the loss (with the same random numbers each time), and for each factor
    how often the nearest other validation image shares it (percent), which shows what is learned first."""

    def __init__(self, data: Pictures, aim: Aim, settings: Similarity) -> None:
        self.data, self.aim = data, aim
        self.beside = aim.beside(data.factors, np.random.default_rng(seed(settings.seed, "held-out redrawings")))
        pieces = max(1, round(len(data.factors) / settings.batch_size))
        self.batches = torch.arange(len(data.factors)).tensor_split(pieces)  # of about the batch size

    def __call__(self, model: Headed | Variational) -> dict[str, float]:
        code = torch.cat([model.encoder(pixels.scaled(part)).float() for part in self.data.images.split(500)])
        losses = [self._loss(model, batch) * len(batch) for batch in self.batches]
        return {"validation_loss": sum(losses) / len(self.data.factors), **shared_by_nearest(code, self.data.factors)}

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
