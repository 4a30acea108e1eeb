"""Projections of earlier batches, kept as further negatives (He et al. 2020, section 3.1, without their second,
slowly following network: the projections are those of the network at the time).

Q places, P dimensions.
"""

import torch
from torch import Tensor, nn


class Queue(nn.Module):
    """First in, first out. It belongs to the model, so that a checkpoint holds it."""

    rows: Tensor
    added: Tensor

    def __init__(self, places: int, dimensions: int) -> None:
        super().__init__()
        self.register_buffer("rows", torch.zeros(places, dimensions))
        self.register_buffer("added", torch.zeros((), dtype=torch.int64))  # ever

    def held(self) -> Tensor:
        """(at most Q, P), in no order."""
        return self.rows[: int(self.added)]

    def add(self, projections: Tensor) -> None:
        """The last Q of them, if there are more, (N, P)."""
        latest = projections.detach()[-len(self.rows) :]
        place = (self.added + torch.arange(len(latest), device=latest.device)) % len(self.rows)
        self.rows[place] = latest.to(self.rows.dtype)
        self.added += len(latest)
