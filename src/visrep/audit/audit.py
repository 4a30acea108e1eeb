"""The strongest attacks on a classifier, image by image.

N images, E radii.
"""

import time
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from visrep.audit import minimal
from visrep.audit.results import FMN
from visrep.audit.table import ATTACKS, Attack
from visrep.data import pixels
from visrep.data.store import sample
from visrep.digits.attacks import Model, bounded
from visrep.digits.labelled import Labelled
from visrep.digits.swept import CLEAN, column
from visrep.machine.randomness import generator
from visrep.settings.audit import Audit
from visrep.training.loop import Progress


class Audited(NamedTuple):
    """Of the test images whose indices are ``images`` (N,): ``predictions`` (N,) int16 after each attack and those
    before it, by column as `swept.column` names them; ``smallest`` (N,) float32, the smallest radius at which any
    attack fooled the classifier: 0 where it is wrong on the clean image, infinite where none did."""

    images: np.ndarray
    predictions: dict[str, np.ndarray]
    smallest: np.ndarray

    def right(self, labels: np.ndarray, most: int, seed: int) -> np.ndarray:
        """A sample of at most ``most`` of the images that are right when clean, by the ``labels`` of all test images;
        of all images where none is."""
        right = self.images[self.predictions[CLEAN] == labels[self.images]]
        right = right if len(right) else self.images
        chosen: np.ndarray = right[sample(len(right), most, seed)]
        return chosen

    def table(self) -> np.ndarray:
        """One structured array (N,): a field per column."""
        fields = {"image": self.images.astype(np.int32), **self.predictions, "smallest": self.smallest}
        table = np.zeros(len(self.images), [(name, values.dtype) for name, values in fields.items()])
        for name, values in fields.items():
            table[name] = values
        return table


def audit(
    model: Model,
    data: Labelled,
    settings: Audit,
    stand_in: Model | None = None,
    progress: Progress = lambda *_: None,
) -> Audited:
    """Attack a sample of the images. ``stand_in`` has the outputs of ``model`` and usable gradients; without it there
    is no adaptive attack."""
    index = sample(len(data.labels), settings.images, settings.seed)
    chosen = data.at(torch.from_numpy(index).to(data.labels.device))
    random = generator(data.labels.device, settings.seed, "audit")
    rows = [row for row in ATTACKS if row.runs(settings) and (stand_in is not None or not row.adaptive)]
    batches = list(zip(*(part.split(settings.batch_size) for part in chosen), strict=True))
    columns: dict[str, list[Tensor]] = {}
    smallest: list[Tensor] = []
    started = time.monotonic()
    progress(0, len(batches), 0.0, {})
    for done, (images, labels) in enumerate(batches, 1):
        predictions, radii = _attacked(model, stand_in, pixels.scaled(images), labels, settings, rows, random)
        smallest.append(radii)
        for name, predicted in predictions.items():
            columns.setdefault(name, []).append(predicted)
        progress(done, len(batches), (time.monotonic() - started) / done, {})
    joined = {name: torch.cat(parts).to(torch.int16).cpu().numpy() for name, parts in columns.items()}
    return Audited(index, joined, torch.cat(smallest).cpu().numpy())


def _attacked(
    model: Model,
    stand_in: Model | None,
    x: Tensor,
    y: Tensor,
    settings: Audit,
    rows: Sequence[Attack],
    random: torch.Generator,
) -> tuple[dict[str, Tensor], Tensor]:
    """(predictions (N,) by column, smallest radii (N,)) of a batch."""
    clean = _answers(model, x)
    right = clean == y
    distance, nearest = torch.zeros(len(x), device=x.device), x.clone()
    if right.any():
        distance[right], nearest[right] = minimal.minimal(stand_in or model, x[right], y[right], settings.steps)
    smallest, at_nearest = distance.clone(), _answers(model, nearest)
    predictions = {CLEAN: clean}
    for epsilon in settings.epsilons:
        predicted = clean.clone()
        for row in rows:
            standing = torch.nonzero(predicted == y).flatten()
            if len(standing):
                attacker = stand_in if row.adaptive and stand_in else model
                moved = row.run(attacker, x[standing], y[standing], epsilon, settings, random)
                bounded(moved, x[standing], epsilon)
                predicted[standing] = _answers(model, moved)
            predictions[column(row.key, epsilon)] = predicted.clone()
        predicted = torch.where((predicted == y) & (distance <= epsilon), at_nearest, predicted)
        predictions[column(FMN, epsilon)] = predicted
        smallest = torch.where(predicted != y, smallest.clamp(max=epsilon), smallest)
    return predictions, smallest


@torch.no_grad()
def _answers(model: Model, x: Tensor) -> Tensor:
    """Predicted classes (N,)."""
    return model(x).argmax(1)
