"""A small encoder of images, and a decoder for autoencoders.

N images, D dimensions of the code.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from visrep.data.store import SIZE
from visrep.training.inference import outputs


class Encoder(nn.Module):
    """Convolutions 3x3 of stride 2 with batch norm and ReLU, then a linear layer on ``places`` x ``places``
    means over parts of the image: one mean over all of it would lose most of the location. ``places`` divides the side
    of the last feature maps, 32 / 2^L after L convolutions.

    (N, 3, 32, 32) in [-1, 1] to (N, D).
    """

    def __init__(self, channels: Sequence[int], places: int, dimensions: int) -> None:
        super().__init__()
        self.config: dict[str, Any] = {"channels": list(channels), "places": places, "dimensions": dimensions}
        layers: list[nn.Module] = []
        for before, after in zip((3, *channels), channels, strict=False):
            layers += [nn.Conv2d(before, after, 3, 2, padding=1, bias=False), nn.BatchNorm2d(after), nn.ReLU()]
        means = nn.AvgPool2d((SIZE >> len(channels)) // places)  # the adaptive kind has no exact gradient on CUDA
        self.features = nn.Sequential(*layers, means, nn.Flatten())
        self.code = nn.Linear(channels[-1] * places * places, dimensions)

    def forward(self, images: Tensor) -> Tensor:
        code: Tensor = self.code(self.features(images))
        return code


class Decoder(nn.Module):
    """One hidden layer, fully connected: (N, D) to (N, 3, 32, 32)."""

    def __init__(self, dimensions: int, hidden: int) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(dimensions, hidden),
            nn.ReLU(),
            nn.Linear(hidden, 3 * SIZE * SIZE),
            nn.Unflatten(1, (3, SIZE, SIZE)),
        )

    def forward(self, code: Tensor) -> Tensor:
        images: Tensor = self.layers(code)
        return images


NARROW = -5.0  # ln of the variances of codes at first: larger ones would bury the codes in noise


class Variational(nn.Module):
    """A variational autoencoder (Kingma and Welling 2014): the code of an image is a Gaussian, whose mean is the
    ``encoder``'s and whose variances are a linear map of the same features."""

    def __init__(self, encoder: Encoder, head: Decoder) -> None:
        super().__init__()
        self.encoder, self.head = encoder, head
        self.log_variance = nn.Linear(encoder.code.in_features, encoder.code.out_features)
        nn.init.constant_(self.log_variance.bias, NARROW)

    def coded(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """(means, logarithms of the variances), each (N, D)."""
        features = self.encoder.features(images)
        return self.encoder.code(features), self.log_variance(features)


def divergence(mean: Tensor, log_variance: Tensor) -> Tensor:
    """(N,) Kullback-Leibler divergence, in nats, of Gaussians (N, D) from a standard one (appendix B)."""
    return (mean.square() + log_variance.exp() - log_variance - 1).sum(1) / 2


class Headed(nn.Module):
    """An encoder with its head in training: a `Decoder`, or nothing (`torch.nn.Identity`)."""

    def __init__(self, encoder: Encoder, head: nn.Module) -> None:
        super().__init__()
        self.encoder, self.head = encoder, head

    def forward(self, images: Tensor) -> Tensor:
        reconstructed: Tensor = self.head(self.encoder(images))
        return reconstructed


def encoded(encoder: nn.Module, images: np.ndarray) -> np.ndarray:
    """(N, 32, 32, 3) uint8 to float32 (N, D). The encoder is in evaluation mode."""
    device = next(encoder.parameters()).device
    return outputs(encoder, torch.from_numpy(np.array(images)).to(device)).cpu().numpy()
