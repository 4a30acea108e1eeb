"""The table of the attacks of an audit, in the order in which they run: each on the images that those before it left
right. One more attack is one more row.

N images (N, C, H, W) in [-1, 1], labels (N,); epsilon in the units of the images.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from visrep.audit import apgd, square
from visrep.digits.attacks import Model, noise
from visrep.settings.audit import Audit

Run = Callable[[Model, Tensor, Tensor, float, Audit, torch.Generator], Tensor]  # attacked images, like the images


@dataclass(frozen=True)
class Attack:
    """How an attack runs, under its key in `results.NAMES`. One that is ``adaptive`` runs only against classifiers that
    have a differentiable stand-in, through that."""

    key: str
    run: Run
    runs: Callable[[Audit], bool] = lambda _: True
    adaptive: bool = False


def _apgd_ce(model: Model, x: Tensor, y: Tensor, epsilon: float, settings: Audit, generator: torch.Generator) -> Tensor:
    return apgd.apgd(model, x, y, epsilon, settings.steps, noise(x, epsilon, generator))


def _apgd_t(model: Model, x: Tensor, y: Tensor, epsilon: float, settings: Audit, generator: torch.Generator) -> Tensor:
    return apgd.towards_each(model, x, y, epsilon, settings.steps, settings.targets, generator)


def _square(model: Model, x: Tensor, y: Tensor, epsilon: float, settings: Audit, generator: torch.Generator) -> Tensor:
    return square.square(model, x, y, epsilon, settings.queries or 0, generator)


ATTACKS = (
    Attack("apgd_ce", _apgd_ce),
    Attack("apgd_t", _apgd_t),
    Attack("square", _square, runs=lambda settings: settings.queries is not None),
    Attack("adaptive", _apgd_ce, adaptive=True),
)
