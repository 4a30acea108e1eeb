"""Optimizers, and the learning rate over time."""

import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn

from visrep.settings.training import Adam, Lars, Optimizer, Sgd


def optimizer(model: nn.Module, settings: Optimizer) -> torch.optim.Optimizer:
    parameters = [p for p in model.parameters() if p.requires_grad]
    lr, decay = settings.lr, settings.weight_decay
    match settings:
        case Sgd():
            return torch.optim.SGD(parameters, lr, momentum=settings.momentum, weight_decay=decay)
        case Adam():
            kind = torch.optim.Adam if settings.name == "adam" else torch.optim.AdamW
            return kind(parameters, lr, weight_decay=decay)
        case Lars():
            return LARS(parameters, lr, settings.momentum, decay, settings.trust)


class LARS(torch.optim.Optimizer):
    """SGD with momentum, each matrix' gradient brought to ``trust`` times the length of its weights (You et al. 2017,
    algorithm 1), never enlarged (the rate is a ceiling: LARC). Vectors - biases and norms - take plain steps without
    weight decay, as VICReg's authors do.
    """

    def __init__(self, parameters: Iterable[Tensor], lr: float, momentum: float, decay: float, trust: float) -> None:
        super().__init__(parameters, {"lr": lr, "momentum": momentum, "decay": decay, "trust": trust})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        for group in self.param_groups:
            weights = [one for one in group["params"] if one.grad is not None]
            if not weights:
                continue
            slopes = [one.grad for one in weights]
            wide = [k for k, one in enumerate(weights) if one.ndim > 1]
            scaled = _scaled([weights[k] for k in wide], [slopes[k] for k in wide], group)
            for k, slope in zip(wide, scaled, strict=True):
                slopes[k] = slope
            speeds = [self.state[one].setdefault("momentum", torch.zeros_like(one)) for one in weights]
            torch._foreach_mul_(speeds, group["momentum"])
            torch._foreach_add_(speeds, slopes)
            torch._foreach_sub_(weights, speeds, alpha=group["lr"])


def _scaled(weights: list[Tensor], slopes: list[Tensor], group: dict[str, float]) -> list[Tensor]:
    """All matrices at once: one by one, a GPU would spend longer on launching kernels than on computing."""
    if not weights:
        return []
    length, slope = torch.stack(torch._foreach_norm(weights)), torch.stack(torch._foreach_norm(slopes))
    local = group["trust"] * length / (slope + group["decay"] * length)
    usable = (length > 0) & (slope > 0)
    factor = torch.where(usable, (local / group["lr"]).clamp(max=1.0), torch.ones_like(local))
    scaled = torch._foreach_add(slopes, weights, alpha=group["decay"])
    torch._foreach_mul_(scaled, factor.unbind())
    return list(scaled)


def rate(schedule: str, done: float) -> float:
    """The factor on the learning rate when a share ``done`` in [0, 1] of the training is over.

    ``one_cycle`` (Smith and Topin 2018) climbs from 1/25 over the first 30 % and falls to 0, both along a cosine; the
    momentum is left alone.
    """

    def cosine(share: float) -> float:
        return (1 + math.cos(math.pi * share)) / 2

    match schedule:
        case "constant":
            return 1.0
        case "cosine":
            return cosine(done)
        case "one_cycle":
            rise = 0.3
            return 1 - 24 / 25 * cosine(done / rise) if done < rise else cosine((done - rise) / (1 - rise))
    raise ValueError(f"no schedule {schedule!r}")


def rate_at(settings: Optimizer, time: float, epochs: int) -> float:
    """The learning rate at a ``time`` in epochs: a straight warm-up, then the schedule over what is left."""
    if time < settings.warmup_epochs:
        return settings.lr * time / settings.warmup_epochs
    done = (time - settings.warmup_epochs) / (epochs - settings.warmup_epochs)
    return settings.lr * rate(settings.schedule, done)
