"""Encoders of 32x32 images, and the projector that an encoder has in training.

N images, D dimensions of the embedding, P of the projection.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from visrep.data import pixels
from visrep.data.store import SIZE
from visrep.machine.randomness import generator
from visrep.representations.negatives import Queue
from visrep.representations.resnet50 import ResNet50
from visrep.settings.representations import Encoder
from visrep.training import weights
from visrep.training.inference import outputs


class ResNet(nn.Module):
    """A residual network of basic blocks (He et al. 2016) for small images: a 3x3 stem, no max pool, then a linear
    layer to the embedding. Widths 64 to 512 and two blocks each make it ResNet-18.

    (N, 3, S, S) in [-1, 1] to (N, D); images are enlarged first, those of 32 pixels to ``input_size``.
    """

    def __init__(
        self, input_size: int, stem_stride: int, widths: Sequence[int], blocks: Sequence[int], dimensions: int
    ) -> None:
        super().__init__()
        self.config: dict[str, Any] = {
            "network": "small",
            "input_size": input_size,
            "stem_stride": stem_stride,
            "widths": list(widths),
            "blocks": list(blocks),
            "dimensions": dimensions,
        }
        layers: list[nn.Module] = [_convolution(3, widths[0], stem_stride), nn.BatchNorm2d(widths[0]), nn.ReLU()]
        before = widths[0]
        for group, (width, count) in enumerate(zip(widths, blocks, strict=True)):
            for block in range(count):
                layers.append(Block(before, width, stride=2 if group and not block else 1))
                before = width
        self.features = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.embedding = nn.Linear(before, dimensions)

    def forward(self, images: Tensor) -> Tensor:
        size = images.shape[3] * self.config["input_size"] // SIZE
        embeddings: Tensor = self.embedding(self.features(pixels.enlarged(images, size)))
        return embeddings


Network = ResNet | ResNet50


def build(network: str, **config: Any) -> Network:
    """The network of a configuration, its weights from torch's default generator."""
    return ResNet50(**config) if network == "resnet50" else ResNet(**config)


def untrained(settings: Encoder, seed: int) -> Network:
    """A fresh encoder, on the CPU, whose weights depend on the seed alone."""
    return weights.fresh(build, settings.model_dump(exclude={"pretrained"}), generator("cpu", seed, "encoder"))


def started(settings: Encoder, seed: int) -> Network:
    """The encoder at the start of training: untrained, or with ImageNet's weights where the settings say so."""
    encoder = untrained(settings, seed)
    if isinstance(encoder, ResNet50) and getattr(settings, "pretrained", False):
        encoder.take_imagenet()
    return encoder


def whole(images: np.ndarray, device: torch.device) -> Tensor:
    """Stored images (N, 32, 32, 3) uint8, all of them on the device."""
    return torch.from_numpy(np.array(images)).to(device)


def embedded(encoder: nn.Module, images: Tensor) -> np.ndarray:
    """(N, 32, 32, 3) uint8 to float32 (N, D): one view, as it is. The encoder is in evaluation mode."""
    return outputs(encoder, images).cpu().numpy()


class Block(nn.Module):
    """Two convolutions and a shortcut, which is a 1x1 convolution where the shape changes.

    The shortcut is subsampled before its convolution, not by the stride of it: the same numbers, but torch 2.15's
    backward pass of a strided 1x1 convolution writes beyond its memory on the CPU (fewer than eight feature maps,
    channels_last).
    """

    def __init__(self, before: int, width: int, stride: int) -> None:
        super().__init__()
        self.stride = stride
        self.first = nn.Sequential(_convolution(before, width, stride), nn.BatchNorm2d(width), nn.ReLU())
        self.second = nn.Sequential(_convolution(width, width, 1), nn.BatchNorm2d(width))
        same = before == width and stride == 1
        shortcut = [nn.Conv2d(before, width, 1, bias=False), nn.BatchNorm2d(width)]
        self.shortcut = nn.Identity() if same else nn.Sequential(*shortcut)

    def forward(self, x: Tensor) -> Tensor:
        skipped = x[:, :, :: self.stride, :: self.stride]
        return F.relu(self.second(self.first(x)) + self.shortcut(skipped))


def _convolution(before: int, after: int, stride: int) -> nn.Conv2d:
    return nn.Conv2d(before, after, 3, stride, padding=1, bias=False)


class Projected(nn.Module):
    """An encoder and its projector: fully connected layers of ``widths``, each but the last with batch norm and ReLU.
    Without widths the embedding is its own projection. With ``places`` a queue remembers as many projections."""

    def __init__(self, encoder: Network, widths: Sequence[int], places: int) -> None:
        super().__init__()
        self.encoder = encoder
        layers: list[nn.Module] = []
        sizes = [encoder.config["dimensions"], *widths]
        self.queue = Queue(places, sizes[-1]) if places else None
        for before, after in pairwise(sizes):
            layers += [nn.Linear(before, after, bias=False), nn.BatchNorm1d(after), nn.ReLU()]
        self.projector = nn.Sequential(*layers[:-2])

    def forward(self, images: Tensor) -> Tensor:
        projections: Tensor = self.projector(self.encoder(images))  # (N, P)
        return projections
