"""SimCLR (Chen et al. 2020): each view should be nearer to the other views of its image than to those of other images.

V views, N images, P dimensions of a projection, Q of a queue of earlier ones.
"""

from __future__ import annotations  # torch is imported where it is used: checking parameters needs none

import math
from typing import TYPE_CHECKING

from pydantic import NonNegativeInt, PositiveFloat

from visrep.representations.results import Curve, Panel, Reporting
from visrep.settings.representations import Method

if TYPE_CHECKING:
    from torch import Tensor

    from visrep.representations.positives import Batch


class Settings(Method):
    temperature: PositiveFloat
    queue: NonNegativeInt


def _positives(similarity: Tensor, views: int) -> Tensor:
    """(V - 1, V N) similarities of each view to the other views of its image, of (V N, V N + Q)."""
    import torch

    rows = torch.arange(len(similarity), device=similarity.device)
    shifts = (shift * len(rows) // views for shift in range(1, views))
    return torch.stack([similarity[rows, (rows + shift) % len(rows)] for shift in shifts])


def chance(views: int, images: int, earlier: int = 0) -> float:
    """The loss where all projections are equal, at any temperature: ln(V N - 1 + Q). Random projections in many
    dimensions have a slightly larger one."""
    return math.log(views * images - 1 + earlier)


def bound(views: int, images: int, temperature: float, earlier: int = 0) -> float:
    """A lower bound of the loss: views of an image coincide, and all N images lie as far from each other as N
    points can on average, at cosine -1 / (N - 1), which takes at least N - 1 dimensions; and opposite to all earlier
    ones.

    The sum of the logarithms is convex in the cosines, whose mean over pairs of images is at least that.
    """
    apart = -(1 + 1 / (images - 1)) / temperature
    return math.log(views - 1 + views * (images - 1) * math.exp(apart) + earlier * math.exp(-2 / temperature))


def top1(similarity: Tensor, views: int) -> Tensor:
    """Percent of the views whose nearest other view is one of the same image."""
    import torch

    images = len(similarity) // views
    rows = torch.arange(len(similarity), device=similarity.device)
    first = similarity.argmax(1)
    return ((first < len(rows)) & (first % images == rows % images)).double().mean() * 100


def loss(z: Tensor, batch: Batch, settings: Settings) -> dict[str, Tensor]:
    """`nt_xent` at the temperature of ``settings``. Also its value by chance and for a perfect embedding, the top-1
    accuracy of the positives, and the same by chance (percent)."""
    import torch

    from visrep.representations import negatives

    views, images = z.shape[:2]
    earlier = z.new_empty(0, z.shape[2]) if batch.queue is None else batch.queue.held()
    similarity = negatives.similarities(z, settings.temperature, earlier)
    bounds = {
        "loss_chance": chance(views, images, len(earlier)),
        "loss_bound": bound(views, images, settings.temperature, len(earlier)),
        "positive_top1": top1(similarity, views),
        "positive_top1_chance": 100 * (views - 1) / (views * images - 1 + len(earlier)),
    }
    if batch.queue is not None:
        batch.queue.add(z.flatten(0, 1))
    as_tensors = {name: torch.as_tensor(bound, device=z.device) for name, bound in bounds.items()}
    return {"loss": nt_xent(similarity, views), **as_tensors}


def nt_xent(similarity: Tensor, views: int) -> Tensor:
    """The normalised, temperature-scaled cross entropy of `similarities` (V N, V N + Q), V >= 2: minus the log of the
    share that a positive has among all V N - 1 + Q others, mean over views and their V - 1 positives.

    With two views it is equation 1 of the paper. A row's logarithm of its sum is taken relative to its largest entry
    (`torch.logsumexp`), so that no temperature overflows.
    """
    return similarity.logsumexp(1).mean() - _positives(similarity, views).mean()


def reporting(settings: Settings) -> Reporting:
    loss = Curve("loss", "loss")
    by_chance, least = Curve("loss_chance", "all alike: chance", True), Curve("loss_bound", "lower bound", True)
    first = Curve("positive_top1", "top-1")
    first_by_chance = Curve("positive_top1_chance", "by chance", True)
    return Reporting(
        panels=(
            Panel("Loss (NT-Xent), by chance, and its lower bound", (loss, by_chance, least)),
            Panel("Views whose nearest is of the same image (top-1), %", (first, first_by_chance), by_batch=False),
        ),
        columns=(
            loss,
            Curve("loss_chance", "by chance"),
            Curve("loss_bound", "lower bound"),
            Curve("positive_top1", "top-1, %"),
            Curve("positive_top1_chance", "by chance, %"),
        ),
        table="SimCLR on test images in its last epoch: its loss, the loss where all projections are equal, and its "
        f"lower bound, in batches of about {settings.batch_size} images in {settings.views} views at temperature "
        f"{settings.temperature:g}; the share of views whose nearest is of the same image. The reported loss is of "
        "unknown batch size and temperature, so it cannot be compared.",
        batches="The last batch of an epoch is smaller, and so is what chance would give.",
    )
