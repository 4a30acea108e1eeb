"""Auto-PGD in the L-infinity ball (Croce and Hein 2020, algorithm 1): PGD with momentum, where the step size of each
image is halved once its loss stops rising, and the losses of AutoAttack.

x images (N, C, H, W) in [LOW, HIGH], y labels (N,), K classes, epsilon in the units of x.
"""

from collections.abc import Callable
from math import ceil
from typing import ClassVar

import torch
from torch import Tensor
from torch.nn import functional as F

from visrep.data.pixels import HIGH, LOW
from visrep.digits.attacks import Model, noise

MOMENTUM = 0.75  # alpha: weight of the gradient step
RISING = 0.75  # rho: where the loss rose in no larger share of the steps since the last checkpoint, the step is halved
FIRST, SHORTER, SHORTEST = 0.22, 0.03, 0.06  # of the steps: to the first checkpoint, from one to the next, at the least

Loss = Callable[[Tensor, Tensor, Tensor], Tensor]  # logits (N, K), y and targets (N,) to (N,), which the attack raises


def cross_entropy(logits: Tensor, y: Tensor, target: Tensor) -> Tensor:
    """(N,) of any wrong class: the target is not used."""
    return F.cross_entropy(logits, y, reduction="none")


def margin(logits: Tensor, y: Tensor, target: Tensor) -> Tensor:
    """(N,) by how much the logit of the target exceeds that of the label."""
    return _at(logits, target) - _at(logits, y)


def targeted_dlr(logits: Tensor, y: Tensor, target: Tensor) -> Tensor:
    """(N,) the difference of logits ratio towards the targets (equation 7), which no rescaling of the logits changes.

    It is defined for four classes and more. With three, the third logit stands for the mean of the third and fourth;
    with two, it would be the same for all images, and the `margin` is used.
    """
    if logits.shape[1] < 3:
        return margin(logits, y, target)
    ordered = logits.sort(1, descending=True).values
    lower = ordered[:, 2:4].mean(1)
    return margin(logits, y, target) / (ordered[:, 0] - lower + 1e-12)


def _at(logits: Tensor, index: Tensor) -> Tensor:
    return logits.gather(1, index[:, None])[:, 0]


def checkpoints(steps: int) -> set[int]:
    """The steps after which step sizes may be halved (section 3.2)."""
    shares, length = [FIRST], FIRST
    while shares[-1] < 1:
        length = max(length - SHORTER, SHORTEST)
        shares.append(shares[-1] + length)
    return {ceil(round(share * steps, 6)) for share in shares}


def apgd(
    model: Model,
    x: Tensor,
    y: Tensor,
    epsilon: float,
    steps: int,
    start: Tensor,
    loss: Loss = cross_entropy,
    target: Tensor | None = None,
) -> Tensor:
    """Attacked images, within epsilon of ``x``, from ``start``. An image is left alone once it is wrong; one that never
    is ends at its largest loss. ``target`` (N,) is the class that a targeted loss leads to."""
    attacked, standing = start.clone(), torch.arange(len(x), device=x.device)
    state = _State(model, x, y, y if target is None else target, epsilon, loss, start)
    ends = checkpoints(steps)
    for done in range(1, steps + 1):
        wrong = state.wrong
        over = wrong | state.fixed
        if over.any():
            attacked[standing[over]] = state.result[over]
            standing = standing[~over]
            state.keep(~over)
        if not len(standing):
            return attacked
        state.step(first=done == 1)
        if done in ends:
            state.halve()
    attacked[standing] = state.result
    return attacked


def towards_each(
    model: Model, x: Tensor, y: Tensor, epsilon: float, steps: int, targets: int, generator: torch.Generator
) -> Tensor:
    """`apgd` on `targeted_dlr` towards so many classes, the most likely wrong ones of each image, one after the other
    (section 4.1). Only images that are still right are attacked again."""
    with torch.no_grad():
        likely = model(x).float().scatter(1, y[:, None], -torch.inf).argsort(1, descending=True)
    attacked, standing = x.clone(), torch.arange(len(x), device=x.device)
    for place in range(min(targets, likely.shape[1] - 1)):
        if not len(standing):
            break
        origin, labels = x[standing], y[standing]
        start = noise(origin, epsilon, generator)
        moved = apgd(model, origin, labels, epsilon, steps, start, targeted_dlr, likely[standing, place])
        attacked[standing] = moved
        with torch.no_grad():
            standing = standing[model(moved).argmax(1) == labels]
    return attacked


class _State:
    """All that the images under attack carry from step to step, each (N, ...)."""

    CARRIED: ClassVar[tuple[str, ...]] = ("low", "high", "y", "target", "now", "before", "gradient", "value", "wrong")
    CARRIED += ("fixed", "best", "best_gradient", "best_value", "size", "rises", "halved", "best_then")

    def __init__(
        self, model: Model, x: Tensor, y: Tensor, target: Tensor, epsilon: float, loss: Loss, start: Tensor
    ) -> None:
        self.model, self.loss, self.y, self.target = model, loss, y, target
        self.low, self.high = (x - epsilon).clamp_(LOW, HIGH), (x + epsilon).clamp_(LOW, HIGH)
        self.now = self.before = self.best = start
        self.gradient, self.value, self.wrong = self._read()
        self.best_gradient, self.best_value = self.gradient, self.value
        self.fixed = torch.zeros_like(self.wrong)  # no gradient and no momentum: it would stay there for ever
        self.size = torch.full_like(self.value, 2 * epsilon)
        self.rises = torch.zeros_like(self.value)  # steps since the last checkpoint in which the loss rose
        self.since = 0  # steps since the last checkpoint
        self.halved = torch.ones_like(self.wrong)  # at the last checkpoint; so that the first one never counts as stuck
        self.best_then = self.value  # the largest loss at the last checkpoint

    def keep(self, chosen: Tensor) -> None:
        for name in self.CARRIED:
            setattr(self, name, getattr(self, name)[chosen])

    @property
    def result(self) -> Tensor:
        return torch.where(_wide(self.wrong), self.now, self.best)

    def _read(self) -> tuple[Tensor, Tensor, Tensor]:
        """(gradient of the loss at the images, loss (N,), which of them are wrong)."""
        x = self.now.detach().requires_grad_()
        logits = self.model(x).float()
        value = self.loss(logits, self.y, self.target)
        (gradient,) = torch.autograd.grad(value.sum(), x)
        return gradient, value.detach(), logits.detach().argmax(1) != self.y

    def step(self, first: bool) -> None:
        towards = self._inside(self.now + _wide(self.size) * self.gradient.sign())
        if not first:
            inertia = (1 - MOMENTUM) * (self.now - self.before)
            towards = self._inside(self.now + MOMENTUM * (towards - self.now) + inertia)
        self.before, self.now, former = self.now, towards, self.value
        self.gradient, self.value, self.wrong = self._read()
        self.rises, self.since = self.rises + (self.value > former), self.since + 1
        better = self.value > self.best_value
        self.best = torch.where(_wide(better), self.now, self.best)
        self.best_gradient = torch.where(_wide(better), self.gradient, self.best_gradient)
        self.best_value = torch.where(better, self.value, self.best_value)

    def _inside(self, images: Tensor) -> Tensor:
        """The nearest images of the ball."""
        return torch.clamp(images, self.low, self.high)

    def halve(self) -> None:
        """At a checkpoint (conditions 1 and 2 of section 3.2): where the loss rose too rarely, or neither step size nor
        largest loss has changed since the last one, the step is halved and the search goes on from the largest loss."""
        still = (self.now == self.before) & (self.gradient == 0) & (self.best_gradient == 0)
        self.fixed = still.flatten(1).all(1)
        rarely = self.rises <= RISING * self.since
        stuck = ~self.halved & (self.best_value <= self.best_then)
        halved = rarely | stuck
        self.size = torch.where(halved, self.size / 2, self.size)
        self.now = torch.where(_wide(halved), self.best, self.now)
        self.gradient = torch.where(_wide(halved), self.best_gradient, self.gradient)
        self.value = torch.where(halved, self.best_value, self.value)
        self.halved, self.best_then = halved, self.best_value
        self.rises, self.since = torch.zeros_like(self.rises), 0


def _wide(values: Tensor) -> Tensor:
    """(N,) to (N, 1, 1, 1)."""
    return values[:, None, None, None]
