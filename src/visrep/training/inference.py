"""The outputs of a network for stored images, in batches.

N images, D outputs of each.
"""

import torch
from torch import Tensor, nn

from visrep.data import pixels


@torch.no_grad()
def outputs(model: nn.Module, images: Tensor, batch: int = 500) -> Tensor:
    """(N, 32, 32, 3) uint8 on the network's device to float32 (N, D), each image as it is. The network is in evaluation
    mode."""
    return torch.cat([model(pixels.scaled(part)).float() for part in images.split(batch)])
