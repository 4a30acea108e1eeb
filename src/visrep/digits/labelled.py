"""Labelled images whole on the device.

N images, K classes, B images of a batch.
"""

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from visrep.data.store import Split
from visrep.machine.randomness import generator


class Labelled(NamedTuple):
    """``images`` (N, 32, 32, 3) uint8 and ``labels`` (N,) int64, whole, on the device."""

    images: Tensor
    labels: Tensor

    def at(self, index: Tensor) -> "Labelled":
        return Labelled(self.images[index], self.labels[index])


def labelled(split: Split, device: torch.device) -> Labelled:
    images, labels = (torch.from_numpy(np.array(array)).to(device) for array in (split.images, split.labels))
    return Labelled(images, labels)


def divide(data: Labelled, share: float, seed: int) -> tuple[Labelled, Labelled]:
    """(training, validation): a random ``share`` of the images, at least one, is for validation. These are in random
    order, since stored images may be sorted by class, and the first of them should be a fair sample."""
    count = len(data.labels)
    order = torch.randperm(count, generator=generator("cpu", seed, "validation")).to(data.labels.device)
    held_out = max(1, round(share * count))
    return data.at(order[held_out:].sort().values), data.at(order[:held_out])


def accuracy(logits: Tensor, labels: Tensor) -> Tensor:
    """Percent of the images whose largest logit is the label's."""
    return (logits.argmax(1) == labels).double().mean() * 100
