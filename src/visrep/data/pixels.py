"""Images as the networks see them.

N images, C channels, H x W pixels. Stored: uint8 (N, H, W, C). Seen: float (N, C, H, W) in [-1, 1].
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor

LOW, HIGH = -1.0, 1.0
LEVELS = 127.5  # grey levels (of 255) per unit of the input: epsilon 0.1 is 12.75 / 255


def scaled(images: "Tensor") -> "Tensor":
    """(N, H, W, C) uint8 to (N, C, H, W) float32 in [-1, 1], in channels_last memory without a copy of its own."""
    return images.float().div_(LEVELS).sub_(1.0).permute(0, 3, 1, 2)


def enlarged(images: "Tensor", size: int) -> "Tensor":
    """(N, C, S, S) to (N, C, size, size), bilinear; images that have the size are returned as they are."""
    from torch.nn.functional import interpolate  # here, because most of those who scale pixels need no torch

    same = images.shape[3] == size
    return images if same else interpolate(images, size=(size, size), mode="bilinear", align_corners=False)
