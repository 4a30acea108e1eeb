"""Training of an encoder without labels, how it is monitored, and its results.

N images, D dimensions, S steps.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import combinations
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from visrep.data import store
from visrep.data.store import ImageSet, Split
from visrep.errors import Failure
from visrep.machine.device import Machine
from visrep.machine.randomness import generator
from visrep.measures import criteria, geometry, scalings, spread
from visrep.representations import encoders, positives, views
from visrep.representations.results import Axis, Reporting, Training
from visrep.settings.representations import Method, Views
from visrep.training import distributed, loop, weights

CRITERIA = ("effective_rank", "rankme", "alpha_req", "lidar", "alignment", "uniformity")  # without labels
BATCHES = 150  # most points of a curve over batches; more cannot be distinguished in a chart


class Learned(NamedTuple):
    """A trained encoder, its result, ``history`` (a row per epoch) and ``steps`` (a row per some batches)."""

    encoder: encoders.Network
    result: Training
    history: list[loop.Row]
    steps: list[loop.Row]


@dataclass(frozen=True)
class Recipe:
    """A method with its ``settings``: how projections are scored and reported; which labels (N,) it is ``given``, -1
    for none; and how many projections of earlier batches it keeps as negatives."""

    method: str
    settings: Method
    loss: positives.Loss
    reporting: Reporting
    given: Callable[[np.ndarray], np.ndarray]
    queue: int

    def images(self, split: Split, device: torch.device) -> positives.Images:
        labels = torch.from_numpy(self.given(split.labels)).to(device)
        return positives.Images(encoders.whole(split.images, device), labels)


def recipe(method: ModuleType, settings: Method) -> Recipe:
    """Of a module of `representations.methods`. One without a function ``given`` uses no labels."""
    given = partial(method.given, settings=settings) if hasattr(method, "given") else _none
    name, loss = method.__name__.rpartition(".")[2], partial(method.loss, settings=settings)
    return Recipe(name, settings, loss, method.reporting(settings), given, getattr(settings, "queue", 0))


def _none(labels: np.ndarray) -> np.ndarray:
    return np.full(len(labels), -1, dtype=np.int64)


def on_views(recipe: Recipe, images: ImageSet, machine: Machine, checkpoint: Path, progress: loop.Progress) -> Learned:
    """Train a fresh encoder on random views of the training images. Progress is kept in ``checkpoint``."""
    objective = positives.OfViews(recipe.images(images.train, machine.device), recipe.settings, recipe.loss)
    return train(recipe, objective, images, machine, checkpoint, progress)


def on_neighbors(
    recipe: Recipe,
    images: ImageSet,
    nearest: np.ndarray,
    augment: Views | None,
    machine: Machine,
    checkpoint: Path,
    progress: loop.Progress,
) -> Learned:
    """The same, with an image's ``nearest`` (N, k) as positives, as they are or as random views."""
    index = torch.from_numpy(nearest).to(machine.device)
    objective = positives.OfNeighbors(recipe.images(images.train, machine.device), index, augment, recipe.loss)
    return train(recipe, objective, images, machine, checkpoint, progress)


def train(
    recipe: Recipe,
    objective: positives.OfViews | positives.OfNeighbors,
    images: ImageSet,
    machine: Machine,
    checkpoint: Path,
    progress: loop.Progress,
) -> Learned:
    """Train a fresh encoder with an ``objective``, whose batches index the training images. Progress lies in
    ``checkpoint``. Raises `Failure` where there are fewer than two test images to monitor."""
    settings, reporting = recipe.settings, recipe.reporting
    encoder = encoders.started(settings.encoder, settings.seed)
    parts = {"encoder": encoder, "widths": settings.projector, "places": recipe.queue}
    model = machine.place(weights.fresh(encoders.Projected, parts, generator("cpu", settings.seed, "projector")))
    monitored = store.sample(len(images.test.labels), settings.monitored, settings.seed)
    if len(monitored) < 2:
        raise Failure("there are fewer than two test images to monitor")
    some = Split(*(part[monitored] for part in images.test))
    monitor = Monitor(recipe.images(some, machine.device), settings, recipe.loss)
    fitted = loop.fit(
        model,
        objective,
        loop.shuffled(len(images.train.labels), machine.device),
        settings,
        ("unlabelled", settings.seed),
        validate=monitor,
        checkpoint=checkpoint,
        progress=without_constants(progress, reporting),
        bf16=machine.bf16,
    )
    last = fitted.history[fitted.epoch - 1]
    metrics = {column.key: last[f"test_{column.key}"] for column in reporting.columns}
    result = Training(
        metrics=metrics | {name: last[name] for name in CRITERIA},
        n=len(images.train.labels),
        source=images.source,
        processor=machine.processor,
        monitored=len(monitored),
        epochs=len(fitted.history),
        parameters=sum(p.numel() for p in model.encoder.parameters()),
        method=recipe.method,
        reporting=reporting,
        axes=axes(encoders.embedded(model.encoder, monitor.images.pixels)),
    )
    if distributed.count() > 1:
        model.encoder.cpu()  # a card is freed with its process
    return Learned(model.encoder, result, fitted.history, steps(fitted.steps, reporting))


def without_constants(progress: loop.Progress, reporting: Reporting) -> loop.Progress:
    """``progress`` without the scalars that hardly change from epoch to epoch."""
    constant = tuple(curve.key for panel in reporting.panels for curve in panel.curves if curve.constant)

    def without(done: int, of: int, seconds: float, values: Mapping[str, float]) -> None:
        varying = {key: value for key, value in values.items() if key.partition("_")[2] not in constant}
        progress(done, of, seconds, varying)

    return without


@dataclass(frozen=True)
class Monitor:
    """After each epoch: the loss on random views of test images, the same views each time; rank and spread of their
    embeddings, which show a collapse as it happens; and criteria for choosing encoders without labels."""

    images: positives.Images
    settings: Method
    loss: positives.Loss

    def __call__(self, model: encoders.Projected) -> dict[str, float]:
        settings, (stored, labels) = self.settings, self.images
        rng = generator(stored.device, settings.seed, "watched views")
        count = len(stored)  # parts of about the batch size, on which losses depend; at least two images each
        parts = max(1, min(round(count / settings.batch_size), count // 2))
        batches = list(zip(stored.tensor_split(parts), labels.tensor_split(parts), strict=True))
        rows, of_views = [], []
        for batch, known in batches:
            of_batch = views.all_views(batch, settings, rng)
            with _outputs(model.encoder) as outputs:
                z = positives.projections(model, of_batch)
            rows.append(positives.scalars(z, model, self.loss, known, rng))
            of_views.append(outputs[0].unflatten(0, of_batch[0].shape[:2]).float().cpu())
        embedded, sizes = encoders.embedded(model.encoder, stored), [len(batch) for batch, _ in batches]
        means = {
            f"test_{name}": float(np.average([float(row[name]) for row in rows], weights=sizes)) for name in rows[0]
        }
        return means | _criteria(embedded, torch.cat(of_views, 1).numpy())


@contextmanager
def _outputs(encoder: nn.Module) -> Iterator[list[Tensor]]:
    """Collects what the encoder returns within the context, call by call."""
    kept: list[Tensor] = []
    hook = encoder.register_forward_hook(lambda module, given, output: kept.append(output))
    try:
        yield kept
    finally:
        hook.remove()


def _criteria(x: np.ndarray, of_views: np.ndarray) -> dict[str, float]:
    """`CRITERIA` and the mean standard deviation, of embeddings (N, D) and of those of views (V, N, D)."""
    unit = scalings.unit(of_views.reshape(-1, x.shape[1])).reshape(of_views.shape)
    pairs = combinations(range(len(unit)), 2)
    return {
        "effective_rank": spread.effective_rank(spread.spectrum(x)),
        "std": float(spread.deviations(x).mean()),
        "rankme": criteria.rankme(x),
        "alpha_req": criteria.alpha_req(x),
        "lidar": criteria.lidar(of_views),
        "alignment": float(np.mean([geometry.alignment(unit[a], unit[b]) for a, b in pairs])),
        "uniformity": geometry.uniformity(scalings.unit(x)),
    }


def axes(embedded: np.ndarray) -> tuple[Axis, ...]:
    """Of embeddings (N, D), one for each dimension; with fewer images than dimensions the last shares are 0."""
    deviations, shares = np.sort(spread.deviations(embedded))[::-1], np.zeros(embedded.shape[1])
    held = spread.spectrum(embedded)
    shares[: len(held)] = held
    pairs = zip(deviations, shares, strict=True)
    return tuple(Axis(k, float(std), float(share)) for k, (std, share) in enumerate(pairs, 1))


def steps(scalars: Mapping[str, Tensor], reporting: Reporting) -> list[loop.Row]:
    """Rows for the curves by batch, of all scalars (S,): means over equal numbers of steps, at most `BATCHES` rows,
    each with the number of its last step."""
    charted = [curve.key for panel in reporting.panels if panel.by_batch for curve in panel.curves]
    count = len(scalars["loss"])
    width = -(-count // BATCHES)
    return [
        {"step": min(start + width, count)}
        | {name: float(scalars[name][start : start + width].mean()) for name in charted}
        for start in range(0, count, width)
    ]
