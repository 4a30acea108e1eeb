"""Supervised training of the classifier: objective, sampling and validation.

N images, K classes, B images of a batch.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Generic, NamedTuple, TypeVar

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from visrep.data import pixels
from visrep.data.store import ImageSet
from visrep.digits import augment, labelled, losses, results
from visrep.digits.labelled import Labelled, accuracy
from visrep.machine.device import Machine
from visrep.machine.randomness import generator
from visrep.measures import classification, statistics
from visrep.settings.digits import Augment, TrainCNN
from visrep.training import loop, weights
from visrep.training.inference import outputs


@dataclass(frozen=True)
class Objective:
    """Cross entropy on augmented images, with the labels or, where there is a ``teacher``, with its probabilities."""

    data: Labelled
    augment: Augment
    smoothing: float = 0.0
    weights: Tensor | None = None
    teacher: nn.Module | None = None

    def __call__(self, model: nn.Module, batch: Tensor, rng: torch.Generator, time: float) -> dict[str, Tensor]:
        images, labels = self.data.at(batch)
        x = augment.digits(pixels.scaled(images), self.augment, rng)
        logits = model(x)
        if self.teacher is None:
            loss = losses.cross_entropy(logits, labels, self.smoothing, self.weights)
        else:
            with torch.no_grad():
                answers = self.teacher(x).float().softmax(1)
            loss = F.cross_entropy(logits.float(), answers)
        loss.backward()
        return {"loss": loss.detach(), "accuracy": accuracy(logits, labels)}


def oversampled(labels: Tensor, classes: int) -> "Oversampled":
    return Oversampled(losses.balanced_weights(labels, classes)[labels])


@dataclass(frozen=True)
class Oversampled:
    """As many samples as images, every class equally often on average. ``weights`` (N,)."""

    weights: Tensor

    def __call__(self, rng: torch.Generator) -> Tensor:
        return torch.multinomial(self.weights, len(self.weights), replacement=True, generator=rng)


def validate(model: nn.Module, data: Labelled) -> dict[str, float]:
    predicted = outputs(model, data.images)
    loss = F.cross_entropy(predicted, data.labels)
    return {"val_loss": float(loss), "val_accuracy": float(accuracy(predicted, data.labels))}


M = TypeVar("M", bound=nn.Module)


class Trained(NamedTuple, Generic[M]):
    """A classifier, its ``logits`` (N, K) of the test images, its result, and its ``history``, a row per
    epoch."""

    model: M
    logits: np.ndarray
    result: results.Classifier
    history: list[loop.Row]


def train(
    kind: Callable[..., M],
    settings: TrainCNN,
    images: ImageSet,
    machine: Machine,
    checkpoint: Path,
    progress: loop.Progress,
    teacher: nn.Module | None = None,
) -> Trained[M]:
    """Train a fresh classifier of a ``kind``, such as `cnn.ConvNet`, on the training images, select the epoch on
    validation images, and evaluate it once on the test images. With a ``teacher`` it learns its probabilities in place
    of labels. Progress is kept in ``checkpoint``."""
    classes = len(images.classes)
    data, validation = labelled.divide(
        labelled.labelled(images.train, machine.device), settings.validation, settings.seed
    )
    config = settings.model.model_dump() | {"classes": classes}
    model = machine.place(weights.fresh(kind, config, generator("cpu", settings.seed, "weights")))
    rare = losses.balanced_weights(data.labels, classes) if settings.balance == "weights" else None
    even = settings.balance == "oversample"
    fitted = loop.fit(
        model,
        Objective(data, settings.augment, settings.label_smoothing, rare, machine.place(teacher) if teacher else None),
        oversampled(data.labels, classes) if even else loop.shuffled(len(data.labels), machine.device),
        settings,
        ("train_cnn", settings.seed),
        validate=lambda kept: validate(kept, validation),
        checkpoint=checkpoint,
        progress=progress,
        bf16=machine.bf16,
    )
    test = labelled.labelled(images.test, machine.device)
    logits = outputs(model, test.images)
    predicted, truth = logits.argmax(1).cpu().numpy(), images.test.labels
    read = float(accuracy(outputs(model, data.images), data.labels))
    kept = fitted.history[fitted.epoch - 1]
    metrics = results.ClassifierMetrics(
        test_accuracy=statistics.accuracy(predicted, truth),
        val_accuracy=statistics.wilson_of(kept["val_accuracy"], len(validation.labels)),
        train_accuracy=statistics.wilson_of(read, len(data.labels)),
        macro_f1=classification.macro_f1(truth, predicted, classes),
        test_loss=float(F.cross_entropy(logits, test.labels)),
    )
    result = results.Classifier(
        metrics=metrics,
        n=len(truth),
        source=images.source,
        processor=machine.processor,
        chance=statistics.chance(truth),
        epoch=fitted.epoch,
        parameters=sum(p.numel() for p in model.parameters()),
        trained=len(data.labels),
        validation=len(validation.labels),
        per_class=classification.per_class(truth, predicted, images.classes),
    )
    return Trained(model, logits.cpu().numpy(), result, fitted.history)
