"""SimCLR (Chen et al. 2020): among all views of all images in a batch, each should find the other views of its own.

V views, N images, P dimensions of a projection.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

# What `loss` tells, the last two in percent.
MEASURES = ("loss", "loss_chance", "loss_floor", "positive_top1", "positive_top1_chance")


def similarities(z: Tensor, temperature: float) -> Tensor:
    """Cosines of projections (V, N, P) over the temperature, (V N, V N), views of an image N rows apart; -inf on the
    diagonal, so that no view is compared with itself. A projection of zeros has cosine 0 with all."""
    unit = F.normalize(z.flatten(0, 1), dim=1)
    return (unit @ unit.T / temperature).fill_diagonal_(-math.inf)


def _positives(similarity: Tensor, views: int) -> Tensor:
    """(V - 1, V N) similarities of each view to the other views of its image."""
    rows = torch.arange(len(similarity), device=similarity.device)
    shifts = (shift * len(rows) // views for shift in range(1, views))
    return torch.stack([similarity[rows, (rows + shift) % len(rows)] for shift in shifts])


def chance(views: int, images: int) -> float:
    """The loss where all projections are alike, whatever the temperature: ln(V N - 1). Random projections in many
    dimensions come near it from above."""
    return math.log(views * images - 1)


def floor(views: int, images: int, temperature: float) -> float:
    """A loss that cannot be undercut: views of an image coincide, and all N images lie as far from each other as N
    points can on average, at cosine -1 / (N - 1), which takes at least N - 1 dimensions.

    The sum of the logarithms is convex in the cosines, whose mean over pairs of images is at least that.
    """
    apart = -(1 + 1 / (images - 1)) / temperature
    return math.log(views - 1 + views * (images - 1) * math.exp(apart))


def top1(similarity: Tensor, views: int) -> Tensor:
    """Percent of the views whose nearest other view is one of the same image."""
    images = len(similarity) // views
    rows = torch.arange(len(similarity), device=similarity.device)
    return (similarity.argmax(1) % images == rows % images).double().mean() * 100


def loss(z: Tensor, temperature: float) -> dict[str, Tensor]:
    """NT-Xent, the normalised, temperature-scaled cross entropy, of projections (V, N, P), V >= 2: minus the log of the
    share that a positive has among all V N - 1 others, mean over views and their V - 1 positives. Beside it what chance
    and a perfect embedding would have, how often a view finds its image first, and how often it would by chance.

    With two views it is equation 1 of the paper. A row's logarithm of its sum is taken relative to its largest entry
    (`torch.logsumexp`), so that no temperature overflows.
    """
    views, images = z.shape[:2]
    similarity = similarities(z, temperature)
    value = similarity.logsumexp(1).mean() - _positives(similarity, views).mean()
    bounds = (
        chance(views, images),
        floor(views, images, temperature),
        top1(similarity, views),
        100 * (views - 1) / (views * images - 1),
    )
    told = (torch.as_tensor(bound, device=z.device) for bound in bounds)
    return {"loss": value, **dict(zip(MEASURES[1:], told, strict=True))}
