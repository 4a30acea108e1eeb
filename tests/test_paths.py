"""Lines between codes: a decoder draws them, or the nearest images stand for them."""

from typing import Any, cast

import numpy as np
import torch
from torch import Tensor, nn

from visrep.shapes import autoencoder, paths, tiles


class Mean(nn.Module):
    """The code of an image is its mean color."""

    def forward(self, images: Tensor) -> Tensor:
        return images.mean((2, 3))


class Flat(autoencoder.Decoder):
    """And its decoder paints that color."""

    def __init__(self) -> None:
        super().__init__(3, 1)

    def forward(self, code: Tensor) -> Tensor:
        return code[:, :, None, None].expand(-1, -1, 32, 32)


def plain(levels: list[tuple[int, int, int]]) -> Tensor:
    return torch.tensor(levels, dtype=torch.uint8)[:, None, None].expand(-1, 32, 32, -1).contiguous()


ENDS = plain([(0, 0, 0), (240, 80, 160), (255, 0, 0), (0, 0, 255)])


def test_a_decoder_draws_what_lies_between() -> None:
    pictures = paths.between(cast(Any, autoencoder.Headed(cast(Any, Mean()), Flat())), ENDS, ENDS)
    assert pictures.shape == (2, 9, 32, 32, 3)
    assert pictures[0, :, 0, 0].tolist() == [[30 * k, 10 * k, 20 * k] for k in range(9)]


def test_without_a_decoder_the_nearest_image_by_angle_stands_there() -> None:
    known = plain([(255, 0, 0), (0, 0, 255), (255, 0, 255), (10, 200, 10)])
    pictures = paths.between(cast(Any, autoencoder.Headed(cast(Any, Mean()), nn.Identity())), ENDS[2:], known)
    codes = known[:, 0, 0].double() / 127.5 - 1
    line = [torch.lerp(*(ENDS[k, 0, 0].double() / 127.5 - 1 for k in (2, 3)), k / 8) for k in range(9)]
    nearest = [max(range(4), key=lambda n: float(torch.cosine_similarity(codes[n], at, dim=0))) for at in line]
    assert [picture[0, 0].tolist() for picture in pictures[0]] == [known[n, 0, 0].tolist() for n in nearest]


def test_tiles_are_cut_as_they_were_laid() -> None:
    pictures = np.random.default_rng(0).integers(0, 256, (2, 3, 4, 4, 3), dtype=np.uint8)
    image = tiles.tiled(pictures)
    assert image.shape == (8, 12, 3)
    assert np.array_equal(image[4:8, 8:12], pictures[1, 2])
    assert np.array_equal(tiles.cut(image, 4), pictures)
