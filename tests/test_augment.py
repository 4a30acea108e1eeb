"""Augmentations against torchvision, image by image with the same parameters, and in distribution."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from visrep.digits import augment
from visrep.machine.randomness import generator
from visrep.settings.digits import Augment

NONE: dict[str, Any] = {"shift": 0.0, "rotation": 0.0, "scale": 0.0, "contrast": 0.0, "blur": 0.0, "noise": 0.0}


@pytest.fixture
def images() -> Tensor:
    """Smooth images, so that two ways of interpolating agree."""
    rough = torch.rand(6, 3, 9, 9, generator=generator("cpu", "images")) * 2 - 1
    return torch.nn.functional.interpolate(rough, (32, 32), mode="bicubic", align_corners=False).clamp(-1, 1)


def inner(images: Tensor) -> Tensor:
    """Away from the border, which torchvision fills and we repeat."""
    return images[..., 8:-8, 8:-8]


@pytest.mark.parametrize(
    ("degrees", "shift", "scale"), [(0, (3, -2), 1.0), (25, (0, 0), 1.0), (0, (0, 0), 1.2), (-10, (2, 1), 0.9)]
)
def test_affine_is_torchvisions(images: Tensor, degrees: float, shift: tuple[int, int], scale: float) -> None:
    from torchvision.transforms import InterpolationMode
    from torchvision.transforms.functional import affine

    count = len(images)
    ours = augment.affine(
        images,
        torch.tensor([shift] * count).float(),
        torch.full((count,), math.radians(degrees)),
        torch.full((count,), scale),
    )
    theirs = affine(  # their angle is clockwise
        images, -degrees, list(shift), scale, [0.0, 0.0], interpolation=InterpolationMode.BILINEAR
    )
    torch.testing.assert_close(inner(ours), inner(theirs), rtol=0, atol=1e-4)


def test_blur_is_torchvisions(images: Tensor) -> None:
    from torchvision.transforms.functional import gaussian_blur

    sigma = torch.tensor([0.4, 0.7, 1.0, 1.3, 1.6, 2.0])
    ours = augment.blur(images, sigma)
    for image, result, width in zip(images, ours, sigma.tolist(), strict=True):
        theirs = gaussian_blur(image[None], [13, 13], [width, width])[0]
        torch.testing.assert_close(result, theirs, rtol=0, atol=1e-4)


def test_blur_of_nothing_is_nothing(images: Tensor) -> None:
    torch.testing.assert_close(augment.blur(images, torch.zeros(len(images))), images, rtol=0, atol=1e-6)


def test_contrast_is_by_hand(images: Tensor) -> None:
    factor = torch.tensor([0.5, 1.0, 1.5, 0.8, 1.2, 2.0])
    ours = augment.contrast(images, factor)
    for image, result, f in zip(images.double(), ours.double(), factor.tolist(), strict=True):
        mean = image.sum() / image.numel()
        torch.testing.assert_close(result, (mean + f * (image - mean)).clamp(-1, 1), rtol=0, atol=1e-5)


def test_nothing_asked_is_nothing_done(images: Tensor) -> None:
    assert augment.digits(images, Augment(**NONE), generator("cpu", 0)) is images


@pytest.mark.parametrize("name", list(NONE))
def test_each_kind_changes_every_image_its_own_way_and_keeps_the_range(images: Tensor, name: str) -> None:
    one = images[:1].expand(6, -1, -1, -1)
    amount = {"shift": 3.0, "rotation": 20.0, "scale": 0.3, "contrast": 0.5, "blur": 1.5, "noise": 0.3}[name]
    changed = augment.digits(one, Augment(**NONE | {name: amount}), generator("cpu", name))
    assert changed.shape == one.shape
    assert float(changed.abs().max()) <= 1 + 1e-5
    distinct = {image.numpy().tobytes() for image in changed}
    assert len(distinct) >= 4  # a blur of less than a fifth of a pixel is none, and three of these six are
    again = augment.digits(one, Augment(**NONE | {name: amount}), generator("cpu", name))
    assert torch.equal(changed, again)


def test_shifts_are_uniform_within_their_bound() -> None:
    """A bright column, found again after the shift."""
    images = torch.full((4000, 1, 32, 32), -1.0)
    images[..., 16] = 1.0
    moved = augment.digits(images, Augment(**NONE | {"shift": 4.0}), generator("cpu", "uniform"))
    weights = moved[:, 0, 16] + 1
    place = (weights * torch.arange(32)).sum(1) / weights.sum(1) - 16
    assert float(place.abs().max()) <= 4.01
    share = torch.histc(place, bins=8, min=-4, max=4) / len(place)
    assert float((share - 1 / 8).abs().max()) < 0.025
