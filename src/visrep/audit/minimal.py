"""The fast minimum-norm attack in L-infinity (Pintor et al. 2021): the smallest change that makes an image wrong.

x images (N, C, H, W) in [LOW, HIGH], y labels (N,).
"""

from math import cos, pi

import torch
from torch import Tensor

from visrep.audit.margins import with_gradient
from visrep.data.pixels import HIGH, LOW
from visrep.digits.attacks import Model

FASTEST, SLOWEST = 1.0, 0.01  # alpha: length of a step in the L2 norm, first and last, in units of [0, 1]
WIDEST, NARROWEST = 0.05, 0.001  # gamma: by which share the radius grows or shrinks, first and last
UNITS = HIGH - LOW  # of [-1, 1] in one of [0, 1]


def minimal(model: Model, x: Tensor, y: Tensor, steps: int) -> tuple[Tensor, Tensor]:
    """(distances (N,), images) of the nearest wrong images on the way (algorithm 1): infinite, and the
    image itself, where there was none; 0 for images that are wrong as they are."""
    moved, best = torch.zeros_like(x), x.clone()
    nearest = torch.full((len(x),), torch.inf, device=x.device)
    radius = nearest.clone()
    for k in range(steps):
        share = (1 + cos(pi * k / steps)) / 2
        length = (SLOWEST + (FASTEST - SLOWEST) * share) * UNITS
        gamma = NARROWEST + (WIDEST - NARROWEST) * share
        attacked = x + moved
        margin, gradient = with_gradient(model, attacked, y)
        far, wrong = moved.abs().amax((1, 2, 3)), margin < 0
        better = wrong & (far < nearest)
        nearest = torch.where(better, far, nearest)
        best[better] = attacked[better]
        # As far as a plane at this distance would be, until a wrong image was met; then in and out around it.
        reach = far + margin.abs() / gradient.abs().sum((1, 2, 3)).clamp(min=1e-12)
        around = torch.where(wrong, torch.minimum(radius * (1 - gamma), nearest), radius * (1 + gamma))
        radius = torch.where(nearest.isfinite(), torch.where(radius.isfinite(), around, nearest), reach)
        steepest = gradient / gradient.square().sum((1, 2, 3), keepdim=True).sqrt().clamp(min=1e-12)
        moved = moved - length * steepest
        bound = radius[:, None, None, None]
        moved = torch.clamp(x + moved.clamp(-bound, bound), LOW, HIGH) - x
    return nearest, best
