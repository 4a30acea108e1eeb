"""Cosines of projections, as contrastive losses compare them.

V views, N images, P dimensions of a projection, Q of a queue of earlier ones.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional as F


def similarities(z: Tensor, temperature: float, earlier: Tensor | None = None) -> Tensor:
    """Cosines of projections (V, N, P) over the temperature, (V N, V N), views of an image N rows apart, and after them
    those with ``earlier`` ones (Q, P); -inf on the diagonal, so that no view is compared with itself. A projection of
    zeros has cosine 0 with all."""
    unit = F.normalize(z.flatten(0, 1), dim=1)
    others = unit if earlier is None else torch.cat([unit, F.normalize(earlier, dim=1)])
    return (unit @ others.T / temperature).fill_diagonal_(-math.inf)
