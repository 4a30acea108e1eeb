"""The Square attack in the L-infinity ball (Andriushchenko et al. 2020): random squares, kept where they lower the
margin. It uses logits only, so that masked gradients do not stop it.

x images (N, C, H, W) in [LOW, HIGH], y labels (N,), epsilon in the units of x.
"""

import torch
from torch import Tensor

from visrep.audit.margins import margin
from visrep.data.pixels import HIGH, LOW
from visrep.digits.attacks import Model

FIRST = 0.8  # p: share of the image that the first squares cover, as AutoAttack has it
HALVES = (10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000)  # of 10,000 queries: the share halves after each (section 4)


@torch.no_grad()
def square(model: Model, x: Tensor, y: Tensor, epsilon: float, queries: int, generator: torch.Generator) -> Tensor:
    """Attacked images (algorithms 1 and 2). An image is left alone once it is wrong."""
    stripes = _signs((len(x), x.shape[1], 1, x.shape[3]), generator)
    attacked = _moved(x, stripes, epsilon)
    value = margin(model(attacked).float(), y)
    for query in range(queries - 1):  # and one before
        standing = torch.nonzero(value > 0)[:, 0]
        if not len(standing):
            break
        side = max(round((share(query, queries) * x.shape[2] * x.shape[3]) ** 0.5), 1)
        inside = _squares(len(standing), x.shape[2], x.shape[3], min(side, x.shape[2] - 1, x.shape[3] - 1), generator)
        signs = _signs((len(standing), x.shape[1], 1, 1), generator)
        tried = torch.where(inside, _moved(x[standing], signs, epsilon), attacked[standing])
        margins = margin(model(tried).float(), y[standing])
        better = margins < value[standing]
        attacked[standing[better]], value[standing[better]] = tried[better], margins[better]
    return attacked


def share(query: int, queries: int) -> float:
    """Of the image that a square covers at a query."""
    scaled = int(query / queries * 10_000)
    return float(FIRST / 2 ** sum(scaled > halved for halved in HALVES))


def _moved(x: Tensor, signs: Tensor, epsilon: float) -> Tensor:
    return torch.add(x, signs.expand_as(x), alpha=epsilon).clamp_(LOW, HIGH)


def _signs(shape: tuple[int, ...], generator: torch.Generator) -> Tensor:
    """-1 or 1, equally likely."""
    return torch.randint(2, shape, generator=generator, device=generator.device) * 2.0 - 1


def _squares(count: int, height: int, width: int, side: int, generator: torch.Generator) -> Tensor:
    """(count, 1, height, width), whether a pixel lies in a square at a random place."""

    def line(length: int) -> Tensor:
        start = torch.randint(length - side + 1, (count, 1), generator=generator, device=generator.device)
        place = torch.arange(length, device=generator.device)
        return (place >= start) & (place < start + side)

    return line(height)[:, None, :, None] & line(width)[:, None, None, :]
