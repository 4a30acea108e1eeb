"""The projections that a contrastive loss compares: all of a batch, and a queue of earlier ones.

V views, N images, P dimensions of a projection, Q places of a queue.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F


def similarities(z: Tensor, temperature: float, earlier: Tensor | None = None) -> Tensor:
    """Cosines of projections (V, N, P) over the temperature, (V N, V N), views of an image N rows apart, and after them
    those with ``earlier`` ones (Q, P); -inf on the diagonal, so that no view is compared with itself. A projection of
    zeros has cosine 0 with all."""
    unit = F.normalize(z.flatten(0, 1), dim=1)
    others = unit if earlier is None else torch.cat([unit, F.normalize(earlier, dim=1)])
    return (unit @ others.T / temperature).fill_diagonal_(-math.inf)


class Queue(nn.Module):
    """Projections of earlier batches, first in, first out (He et al. 2020, section 3.1, without their momentum
    encoder: the projections are those of the network at the time). It belongs to the model, so that a
    checkpoint holds it."""

    rows: Tensor
    added: Tensor

    def __init__(self, places: int, dimensions: int) -> None:
        super().__init__()
        self.register_buffer("rows", torch.zeros(places, dimensions))
        self.register_buffer("added", torch.zeros((), dtype=torch.int64))  # in all

    def held(self) -> Tensor:
        """(at most Q, P), in no order."""
        return self.rows[: int(self.added)]

    def add(self, projections: Tensor) -> None:
        """The last Q of them, if there are more, (N, P)."""
        latest = projections.detach()[-len(self.rows) :]
        place = (self.added + torch.arange(len(latest), device=latest.device)) % len(self.rows)
        self.rows[place] = latest.to(self.rows.dtype)
        self.added += len(latest)
