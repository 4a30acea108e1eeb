"""Generators of images from codes, and codes of images by optimisation of the reconstruction.

N images, D dimensions of a code.
"""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from visrep.data import pixels
from visrep.data.store import SIZE

KIND = "latents"
TOGETHER = 500  # images whose codes are searched at once


class Generator(nn.Module):
    """(N, D) to images (N, 3, 32, 32): linear, or with one ``hidden`` layer."""

    def __init__(self, dimensions: int, hidden: int, search: dict[str, Any] | None) -> None:
        super().__init__()
        self.config: dict[str, Any] = {"kind": KIND, "dimensions": dimensions, "hidden": hidden, "search": search}
        layers = [nn.Linear(dimensions, hidden), nn.ReLU()] if hidden else []
        self.layers = nn.Sequential(*layers, nn.Linear(hidden or dimensions, 3 * SIZE * SIZE))

    def forward(self, codes: Tensor) -> Tensor:
        images: Tensor = self.layers(codes).unflatten(1, (3, SIZE, SIZE))
        return images


def build(kind: str, **config: Any) -> Generator:
    """The generator of a file's configuration."""
    return Generator(**config)


def embedded(model: Generator, images: Tensor) -> np.ndarray:
    """The codes (N, D), float32, of stored images (N, 32, 32, 3), by `search`."""
    return torch.cat([search(model, part) for part in images.split(TOGETHER)]).cpu().numpy()


def search(model: Generator, images: Tensor) -> Tensor:
    """For stored images (N, 32, 32, 3) the codes (N, D) that reconstruct them best: gradient ``steps`` of Adam from 0
    on the squared error and ``prior`` times the squared code, each image for itself, with a rate that falls from ``lr``
    to 0 as half a cosine. Raises `ValueError` for a generator whose codes an encoder gives."""
    settings = model.config["search"]
    if settings is None:
        raise ValueError("an encoder gives the codes of this generator")
    x = pixels.scaled(images)
    codes = torch.zeros(len(x), model.config["dimensions"], device=x.device, requires_grad=True)
    optimizer = torch.optim.Adam([codes], settings["lr"])
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, settings["steps"])
    model.requires_grad_(False)
    with torch.enable_grad():
        for _ in range(settings["steps"]):
            error = (model(codes) - x).square().mean((1, 2, 3)) + settings["prior"] * codes.square().mean(1)
            (codes.grad,) = torch.autograd.grad(error.sum(), codes)
            optimizer.step()
            schedule.step()
    model.requires_grad_(True)
    return codes.detach()
