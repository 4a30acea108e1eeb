"""Learning without labels: the training of an encoder, how it is monitored, and what it leaves behind.

N images, D dimensions, S steps.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from torch import Tensor

from visrep.data import store
from visrep.data.store import ImageSet
from visrep.errors import Failure
from visrep.machine.device import Machine
from visrep.machine.randomness import generator
from visrep.measures import spread
from visrep.representations import encoders, positives, views
from visrep.representations.results import Axis, Telling, Training
from visrep.settings.representations import Method
from visrep.training import loop, weights

BATCHES = 150  # points of a curve over batches, at most: more cannot be told apart in a chart


class Learned(NamedTuple):
    """An encoder, what came of it, its ``history`` (a row an epoch) and its ``steps`` (a row for some batches)."""

    encoder: encoders.Network
    result: Training
    history: list[loop.Row]
    steps: list[loop.Row]


def on_views(
    settings: Method,
    loss: positives.Loss,
    method: str,
    telling: Telling,
    images: ImageSet,
    machine: Machine,
    checkpoint: Path,
    tell: loop.Tell,
) -> Learned:
    """Train a fresh encoder on random views of the training images. Progress lies in ``checkpoint``."""
    whole = encoders.whole(images.train.images, machine.device)
    objective = positives.OfViews(whole, settings.augment, settings.views, loss)
    return train(settings, objective, method, telling, images, machine, checkpoint, tell)


def train(
    settings: Method,
    objective: positives.OfViews | positives.OfNeighbors,
    method: str,
    telling: Telling,
    images: ImageSet,
    machine: Machine,
    checkpoint: Path,
    tell: loop.Tell,
) -> Learned:
    """Train a fresh encoder with the ``objective`` of a ``method``, whose batches index the training images. Progress
    lies in ``checkpoint``. Raises `Failure` where there are fewer than two test images to monitor."""
    encoder = encoders.started(settings.encoder, settings.seed)
    parts = {"encoder": encoder, "widths": settings.projector}
    model = machine.place(weights.fresh(encoders.Projected, parts, generator("cpu", settings.seed, "projector")))
    monitored = store.sample(len(images.test.labels), settings.watched, settings.seed)
    if len(monitored) < 2:
        raise Failure("there are fewer than two test images to watch")
    monitor = Monitor(encoders.whole(images.test.images[monitored], machine.device), settings, objective.loss)
    fitted = loop.fit(
        model,
        objective,
        loop.shuffled(len(images.train.labels), machine.device),
        settings,
        ("unlabelled", settings.seed),
        validate=monitor,
        checkpoint=checkpoint,
        tell=without_constants(tell, telling),
        bf16=machine.bf16,
    )
    last = fitted.history[fitted.epoch - 1]
    metrics = {column.key: last[f"test_{column.key}"] for column in telling.columns}
    result = Training(
        metrics=metrics | {"effective_rank": last["effective_rank"]},
        n=len(images.train.labels),
        source=images.source,
        processor=machine.processor,
        watched=len(monitored),
        epochs=len(fitted.history),
        parameters=sum(p.numel() for p in model.encoder.parameters()),
        method=method,
        telling=telling,
        axes=axes(encoders.embedded(model.encoder, monitor.images)),
    )
    return Learned(model.encoder, result, fitted.history, steps(fitted.steps, telling))


def without_constants(tell: loop.Tell, telling: Telling) -> loop.Tell:
    """``tell`` without the scalars that hardly change from epoch to epoch."""
    constant = tuple(curve.key for panel in telling.panels for curve in panel.curves if curve.constant)

    def told(done: int, of: int, seconds: float, values: Mapping[str, float]) -> None:
        shown = {name: value for name, value in values.items() if name.partition("_")[2] not in constant}
        tell(done, of, seconds, shown)

    return told


@dataclass(frozen=True)
class Monitor:
    """After each epoch: the loss on random views of test images, the same views each time, and the rank and spread of
    their embeddings, which show a collapse while it happens."""

    images: Tensor
    settings: Method
    loss: positives.Loss

    def __call__(self, model: encoders.Projected) -> dict[str, float]:
        settings = self.settings
        draw = generator(self.images.device, settings.seed, "watched views")
        count = len(self.images)  # cut into about the size that is trained with, on which losses depend; never one
        batches = self.images.tensor_split(max(1, min(round(count / settings.batch_size), count // 2)))
        rows = [
            positives.judged(model, views.draw(batch, settings.augment, settings.views, draw), self.loss)
            for batch in batches
        ]
        embedded, sizes = encoders.embedded(model.encoder, self.images), [len(batch) for batch in batches]
        means = {
            f"test_{name}": float(np.average([float(row[name]) for row in rows], weights=sizes)) for name in rows[0]
        }
        return means | {
            "effective_rank": spread.effective_rank(spread.spectrum(embedded)),
            "std": float(spread.deviations(embedded).mean()),
        }


def axes(embedded: np.ndarray) -> tuple[Axis, ...]:
    """Of embeddings (N, D), one for each dimension; with fewer images than dimensions the last shares are 0."""
    deviations, shares = np.sort(spread.deviations(embedded))[::-1], np.zeros(embedded.shape[1])
    held = spread.spectrum(embedded)
    shares[: len(held)] = held
    pairs = zip(deviations, shares, strict=True)
    return tuple(Axis(k, float(std), float(share)) for k, (std, share) in enumerate(pairs, 1))


def steps(scalars: Mapping[str, Tensor], telling: Telling) -> list[loop.Row]:
    """What is drawn by batch of all scalars (S,): means over as few steps as leave `BATCHES` rows or fewer, each with
    the number of its last step."""
    drawn = [curve.key for panel in telling.panels if panel.by_batch for curve in panel.curves]
    count = len(scalars["loss"])
    width = -(-count // BATCHES)
    return [
        {"step": min(start + width, count)}
        | {name: float(scalars[name][start : start + width].mean()) for name in drawn}
        for start in range(0, count, width)
    ]
