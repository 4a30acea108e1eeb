"""Classification: the objective, and how often it sees which image.

N images, K classes, B images of a batch.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from visrep.data import pixels
from visrep.data.labelled import Labelled, accuracy, logits
from visrep.learning import augment, losses
from visrep.settings.training import Augment


@dataclass(frozen=True)
class Objective:
    """Cross entropy on augmented images."""

    data: Labelled
    augment: Augment
    smoothing: float = 0.0
    weights: Tensor | None = None

    def __call__(self, model: nn.Module, batch: Tensor, draw: torch.Generator, time: float) -> dict[str, Tensor]:
        images, labels = self.data.at(batch)
        logits = model(augment.digits(pixels.scaled(images), self.augment, draw))
        loss = losses.cross_entropy(logits, labels, self.smoothing, self.weights)
        loss.backward()
        return {"loss": loss.detach(), "accuracy": accuracy(logits, labels)}


def oversampled(labels: Tensor, classes: int) -> "Oversampled":
    return Oversampled(losses.balanced_weights(labels, classes)[labels])


@dataclass(frozen=True)
class Oversampled:
    """As many draws as images, every class equally often on average. ``weights`` (N,)."""

    weights: Tensor

    def __call__(self, draw: torch.Generator) -> Tensor:
        return torch.multinomial(self.weights, len(self.weights), replacement=True, generator=draw)


def validate(model: nn.Module, data: Labelled) -> dict[str, float]:
    predicted = logits(model, data.images)
    loss = F.cross_entropy(predicted, data.labels)
    return {"val_loss": float(loss), "val_accuracy": float(accuracy(predicted, data.labels))}
