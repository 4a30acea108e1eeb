"""SupCon (Khosla et al. 2020): as SimCLR, but all views of images of one class are positives of each other. Of some
images the class may be unknown; their positives are their own views alone.

V views, N images, P dimensions of a projection.
"""

from __future__ import annotations  # torch is imported where it is used: checking parameters needs none

from typing import TYPE_CHECKING

import numpy as np
from pydantic import PositiveFloat

from visrep.representations.results import Curve, Panel, Reporting
from visrep.settings.base import Probability
from visrep.settings.representations import Method

if TYPE_CHECKING:
    from torch import Tensor

    from visrep.representations.positives import Batch

COLUMNS = (Curve("loss", "loss"), Curve("class_top1", "nearest of the same class or image (top-1), %"))


class Settings(Method):
    temperature: PositiveFloat
    labelled: Probability


def given(labels: np.ndarray, settings: Settings) -> np.ndarray:
    """The ``labels`` (N,) of a share of each class, of one image at least unless the share is 0; -1 for the others."""
    known = np.full(len(labels), -1, dtype=np.int64)
    order = np.random.default_rng([settings.seed, len(labels)]).permutation(len(labels))
    for name in np.unique(labels):
        own = order[labels[order] == name]
        count = max(round(settings.labelled * len(own)), 1) if settings.labelled else 0
        known[own[:count]] = name
    return known


def same(labels: Tensor, views: int) -> Tensor:
    """(V N, V N), which views are positives of each other: those of one image, and of images of one known class."""
    import torch

    image = torch.arange(len(labels), device=labels.device)
    alike = (image[:, None] == image) | ((labels[:, None] == labels) & (labels >= 0))
    return alike.repeat(views, views).fill_diagonal_(False)


def loss(z: Tensor, batch: Batch, settings: Settings) -> dict[str, Tensor]:
    """Equation 2 of the paper (their L_out): minus the log of the share that a positive has among all V N - 1 others,
    mean over the positives of a view, then over views. Without a known class it is SimCLR's."""
    import torch

    from visrep.representations import negatives

    similarity = negatives.similarities(z, settings.temperature)
    positive = same(batch.labels, len(z))
    each = (similarity.logsumexp(1, keepdim=True) - similarity).where(positive, 0.0).sum(1) / positive.sum(1)
    first = positive[torch.arange(len(positive), device=z.device), similarity.argmax(1)]
    return {"loss": each.mean(), "class_top1": first.double().mean() * 100}


def reporting(settings: Settings) -> Reporting:
    return Reporting(
        panels=(Panel("Loss", COLUMNS[:1]), Panel("Views whose nearest is a positive, %", COLUMNS[1:], by_batch=False)),
        columns=COLUMNS,
        table=f"SupCon on test images in its last epoch, given the class of {settings.labelled:.0%} of the images: its "
        "loss, and how often the nearest other view is of the same image or of one of the same known class.",
        batches="The last batch of an epoch is smaller.",
    )
