"""Losses as pure functions of tensors.

N images, K classes.
"""

import torch
from torch import Tensor
from torch.nn import functional as F


def cross_entropy(logits: Tensor, labels: Tensor, smoothing: float = 0.0, weights: Tensor | None = None) -> Tensor:
    """Mean of -sum_k q_k log p_k, in float32. ``logits`` (N, K), ``labels`` (N,), ``weights`` (K,) or None.

    q puts ``1 - smoothing`` on the label and spreads the rest evenly over all K (Szegedy et al. 2016, section 7);
    with ``weights`` the mean is weighted by the weight of each label.
    """
    if weights is None:
        return F.cross_entropy(logits.float(), labels, label_smoothing=smoothing)
    each = F.cross_entropy(logits.float(), labels, label_smoothing=smoothing, reduction="none")
    counted = weights[labels]  # torch's own weights would weigh the smoothed part by the other classes
    return (counted * each).sum() / counted.sum()


def balanced_weights(labels: Tensor, classes: int) -> Tensor:
    """(K,) weights N / (K n_k), so that every class counts the same; 0 for a class that does not occur."""
    counts = torch.bincount(labels, minlength=classes).float()
    return torch.where(counts > 0, len(labels) / (classes * counts.clamp(min=1)), torch.zeros_like(counts))
