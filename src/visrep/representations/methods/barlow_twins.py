"""Barlow Twins (Zbontar et al. 2021): across two views of the images each dimension of the projection should correlate
with itself (invariance), and with no other (redundancy).

V views, N images, P dimensions.
"""

from __future__ import annotations  # torch is imported where it is used: checking parameters needs none

from itertools import combinations
from typing import TYPE_CHECKING

from pydantic import PositiveFloat

from visrep.representations.results import Curve, Panel, Reporting
from visrep.settings.representations import Method

if TYPE_CHECKING:
    from torch import Tensor

    from visrep.representations.positives import Batch

TERMS = (Curve("invariance", "invariance"), Curve("redundancy", "redundancy"))
EPSILON = 1e-5  # beside the variance, as batch norm has it in the authors' code


class Settings(Method):
    redundancy: PositiveFloat  # weight of the second term, lambda in the paper


def loss(z: Tensor, _: Batch, settings: Settings) -> dict[str, Tensor]:
    """Equation 1 of the paper for projections (V, N, P), mean over pairs of views, and its two terms."""
    same, others = terms(z)
    return {"loss": same + settings.redundancy * others, "invariance": same, "redundancy": others}


def terms(z: Tensor) -> tuple[Tensor, Tensor]:
    """The sum over dimensions of (1 - C_ii)^2, and that of C_ij^2 over all others, of the correlations C (P, P) of two
    views over the images (equation 2); a dimension that does not vary correlates with none."""
    unit = (z - z.mean(1, keepdim=True)) / (z.var(1, keepdim=True, unbiased=False) + EPSILON).sqrt()
    first, second = (list(side) for side in zip(*combinations(range(len(z)), 2), strict=True))
    c = unit[first].transpose(1, 2) @ unit[second] / z.shape[1]  # (pairs, P, P)
    own = c.diagonal(dim1=1, dim2=2)
    return (1 - own).square().sum(1).mean(), (c.square().sum((1, 2)) - own.square().sum(1)).mean()


def reporting(_: Settings) -> Reporting:
    return Reporting(
        panels=(Panel("Loss", (Curve("loss", "loss"),)), Panel("Its two terms, before they are weighted", TERMS)),
        columns=TERMS,
        table="The two terms of the loss of Barlow Twins on test images in the last epoch, before they are weighted: 0 "
        "where each dimension correlates with itself across views, and with no other.",
        batches="The last batch of an epoch is smaller.",
    )
