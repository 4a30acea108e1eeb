"""Latent optimisation: a table of codes is learned with a generator, without an encoder (Bojanowski et al. 2018, here
with a contrastive term between views). For comparison an encoder can give the codes (amortised), with the same
generator, views and loss.

N images, V views, B images of a batch, D dimensions of a code.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from visrep.data import pixels, store
from visrep.data.store import ImageSet
from visrep.machine.device import Machine
from visrep.machine.randomness import generator
from visrep.representations import encoders, generators, negatives, views
from visrep.representations.generators import Generator
from visrep.representations.methods import simclr
from visrep.settings.representations import Amortised, Encoder, Latents, Views
from visrep.training import loop, weights


@dataclass(frozen=True)
class Metrics:
    """Mean squared error of reconstructions, in [-1, 1] units: of views of training images from their codes, of test
    images from theirs, and of test images by the mean training image."""

    train_error: float
    test_error: float
    mean_image_error: float


@dataclass(frozen=True)
class Result:
    metrics: Metrics
    n: int
    monitored: int
    source: str
    processor: str
    epochs: int


class Learned(NamedTuple):
    """``model`` maps images to codes: a `Generator`, by optimisation, or an encoder."""

    model: Generator | encoders.Network
    result: Result
    history: list[loop.Row]


class Table(nn.Module):
    """A code for each view of each image, learned with the generator. Codes move ``speed`` times as fast as weights
    where the optimizer normalises gradients, as Adam does."""

    def __init__(self, count: int, views: int, dimensions: int, speed: float) -> None:
        super().__init__()
        self.speed = speed
        self.rows = nn.Parameter(torch.randn(views, count, dimensions) / speed)

    def forward(self, batch: Tensor, _: Tensor) -> Tensor:
        return self.rows[:, batch] * self.speed


class Given(nn.Module):
    """The codes that an encoder gives."""

    def __init__(self, encoder: encoders.Network) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, _: Tensor, images: Tensor) -> Tensor:
        codes: Tensor = self.encoder(images.flatten(0, 1)).unflatten(0, images.shape[:2])
        return codes


class Both(nn.Module):
    """Codes and their generator."""

    def __init__(self, codes: Table | Given, generator: Generator) -> None:
        super().__init__()
        self.codes, self.generator = codes, generator


def learn(
    settings: Latents,
    encoder: Encoder,
    augment: Views,
    images: ImageSet,
    machine: Machine,
    checkpoint: Path,
    progress: loop.Progress,
) -> Learned:
    """Learn codes of fixed views, and a generator. Progress is kept in ``checkpoint``."""
    stored = encoders.whole(images.train.images, machine.device)
    fixed = fixed_views(stored, augment, settings)
    model = machine.place(fresh(settings, encoder, len(stored)))
    some = store.sample(len(images.test.labels), settings.monitored, settings.seed)
    fitted = loop.fit(
        model,
        Objective(fixed, settings),
        loop.shuffled(len(stored), machine.device),
        settings,
        ("latents", settings.seed),
        validate=lambda _: {},
        checkpoint=checkpoint,
        progress=progress,
        bf16=machine.bf16,
    )
    test = encoders.whole(images.test.images[some], machine.device)
    learned: Generator | encoders.Network = model.generator
    if isinstance(model.codes, Given):
        learned = model.codes.encoder
        test_codes = encoders.embedded(learned, test)
    else:
        test_codes = generators.embedded(model.generator, test)
    with torch.no_grad():
        codes = torch.from_numpy(test_codes).to(machine.device)
        x, mean = pixels.scaled(test), pixels.scaled(stored).mean(0)
        metrics = Metrics(
            train_error=fitted.history[-1]["train_error"],
            test_error=float(F.mse_loss(model.generator(codes), x)),
            mean_image_error=float(F.mse_loss(mean.expand_as(x), x)),
        )
    result = Result(metrics, len(stored), len(some), images.source, machine.processor, len(fitted.history))
    return Learned(learned, result, fitted.history)


def fresh(settings: Latents, encoder: Encoder, count: int) -> Both:
    codes = settings.codes
    search = None if isinstance(codes, Amortised) else {"steps": codes.steps, "lr": codes.lr, "prior": settings.prior}
    parts = {"dimensions": encoder.dimensions, "hidden": settings.hidden, "search": search}
    decoder = weights.fresh(Generator, parts, generator("cpu", settings.seed, "generator"))
    if isinstance(codes, Amortised):
        return Both(Given(encoders.started(encoder, settings.seed)), decoder)
    shape = {"count": count, "views": settings.views, "dimensions": encoder.dimensions, "speed": codes.speed}
    return Both(weights.fresh(Table, shape, generator("cpu", settings.seed, "codes")), decoder)


def fixed_views(images: Tensor, augment: Views, settings: Latents) -> Tensor:
    """(V, N, 32, 32, 3) uint8 of stored images (N, 32, 32, 3). Each view has a code, so views are made once."""
    random = generator(images.device, settings.seed, "views")
    parts = [views.random_views(part, augment, settings.views, random) for part in images.split(generators.TOGETHER)]
    return torch.cat([((part + 1) * pixels.LEVELS).round().byte().permute(0, 1, 3, 4, 2) for part in parts], 1)


@dataclass(frozen=True)
class Objective:
    """Squared error of the reconstructed views; the contrastive loss of their codes; and the squared length of
    these."""

    views: Tensor  # (V, N, 32, 32, 3)
    settings: Latents

    def __call__(self, model: nn.Module, batch: Tensor, rng: torch.Generator, time: float) -> dict[str, Tensor]:
        assert isinstance(model, Both)
        settings = self.settings
        x = pixels.scaled(self.views[:, batch].flatten(0, 1)).unflatten(0, (len(self.views), -1))
        codes = model.codes(batch, x)
        error = F.mse_loss(model.generator(codes.flatten(0, 1)).float(), x.flatten(0, 1))
        codes = codes.float()
        apart = simclr.nt_xent(negatives.similarities(codes, settings.temperature), len(codes))
        loss = error + settings.contrastive * apart + settings.prior * codes.square().mean()
        loss.backward()
        return {"loss": loss.detach(), "error": error.detach(), "contrastive": apart.detach()}
