"""Margins of a classifier: how far a prediction is from another one.

x images (N, C, H, W), y labels (N,), K classes.
"""

import torch
from torch import Tensor

from visrep.digits.attacks import Model


def margin(logits: Tensor, y: Tensor) -> Tensor:
    """(N,) by how much the logit of the label exceeds the largest other, of logits (N, K): below 0 where the image is
    wrong."""
    others = logits.scatter(1, y[:, None], -torch.inf).amax(1)
    return logits.gather(1, y[:, None])[:, 0] - others


def with_gradient(model: Model, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """(`margin` (N,), its gradient with respect to ``x``)."""
    x = x.detach().requires_grad_()
    margins = margin(model(x).float(), y)
    (gradient,) = torch.autograd.grad(margins.sum(), x)
    return margins.detach(), gradient
