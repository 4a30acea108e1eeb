"""Contrastive learning with two encoders (van den Oord et al. 2018; CLIP, Radford et al. 2021): of all v, which one
belongs to u?

N pairs, D dimensions, F factors.
"""

import math

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F


def unit(x: Tensor) -> Tensor:
    """(N, D) divided by their lengths, in float32 at least; a row of zeros stays.

    The unit length is what makes `info_nce` a matter of angles: |u - v|^2 = 2 (1 - u.v) holds for it alone, and without
    it the loss falls to 0 when the features are merely scaled up.
    """
    return F.normalize(x if x.dtype == torch.float64 else x.float(), dim=1)


def info_nce(u: Tensor, v: Tensor, temperature: float) -> Tensor:
    """Cross entropy of the logits u_i.v_j / temperature with target i for pair i, mean over the N rows of ``u`` (N, D).

    Only the v of the batch are answers, and only u asks. In float32 at least, also where products are bfloat16; the
    largest logit is taken off before exp, so a small temperature is safe. Equal features give ln N, whatever they are.
    Of unit features no loss is below ln(1 + (N - 1) exp(-2 / temperature)): no two products differ by more than 2.
    """
    with torch.autocast(u.device.type, enabled=False):
        u, v = (x if x.dtype == torch.float64 else x.float() for x in (u, v))
        logits = u @ v.T / temperature  # (N, N)
        return F.cross_entropy(logits, torch.arange(len(u), device=u.device))


def bound(kept: np.ndarray, temperature: float) -> float:
    """What `info_nce` of unit features cannot fall below on a batch whose pair i keeps the values ``kept`` (N, F) and
    redraws all else, for an encoder that represents nothing else: the m pairs that keep the same are equally good
    answers, and all others are at best opposite. Mean of ln(m + (N - m) exp(-2 / temperature))."""
    _, which, counts = np.unique(kept, axis=0, return_inverse=True, return_counts=True)
    alike = counts[which.ravel()]
    return float(np.log(alike + (len(kept) - alike) * math.exp(-2 / temperature)).mean())
