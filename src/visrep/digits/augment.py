"""Augmentations of whole batches, each with parameters drawn per image from a generator that is passed in.

N images (N, C, H, W) in [-1, 1]; every function returns new images of the same shape.
"""

import math

import torch
from torch import Tensor
from torch.nn import functional as F

from visrep.data.pixels import HIGH, LOW
from visrep.settings.digits import Augment


def digits(images: Tensor, settings: Augment, generator: torch.Generator) -> Tensor:
    """What leaves a digit the same digit (so no flips): geometry, then light, blur and noise."""
    count, device = len(images), images.device

    def uniform(largest: float) -> Tensor:
        return (torch.rand(count, generator=generator, device=device) * 2 - 1) * largest

    if settings.shift or settings.rotation or settings.scale:
        images = affine(
            images,
            shift=torch.stack([uniform(settings.shift), uniform(settings.shift)], 1),
            angle=uniform(math.radians(settings.rotation)),
            scale=1 + uniform(settings.scale),
        )
    if settings.contrast:
        images = contrast(images, 1 + uniform(settings.contrast))
    if settings.blur:
        images = blur(images, uniform(settings.blur).abs())
    if settings.noise:
        noise = torch.randn(images.shape, generator=generator, device=device)
        images = (images + noise * uniform(settings.noise).abs()[:, None, None, None]).clamp(LOW, HIGH)
    return images


def affine(images: Tensor, shift: Tensor, angle: Tensor, scale: Tensor) -> Tensor:
    """Turn by ``angle`` (N,) radians counter-clockwise and enlarge by ``scale`` (N,) about the centre, then move by
    ``shift`` (N, 2) pixels to the right and down; bilinear, the border repeated."""
    height, width = images.shape[2:]
    cos, sin = torch.cos(angle) / scale, torch.sin(angle) / scale
    aspect = height / width
    right, down = 2 * shift[:, 0] / width, 2 * shift[:, 1] / height
    rows = [cos, -sin * aspect, -(cos * right - sin * aspect * down)]
    rows += [sin / aspect, cos, -(sin / aspect * right + cos * down)]
    matrix = torch.stack(rows, 1).view(-1, 2, 3)
    grid = F.affine_grid(matrix, list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, mode="bilinear", padding_mode="border", align_corners=False)


def contrast(images: Tensor, factor: Tensor) -> Tensor:
    """Spread each image about its own mean by ``factor`` (N,)."""
    mean = images.mean((1, 2, 3), keepdim=True)
    return (mean + (images - mean) * factor[:, None, None, None]).clamp(LOW, HIGH)


def blur(images: Tensor, sigma: Tensor) -> Tensor:
    """Gaussian blur with standard deviation ``sigma`` (N,) in pixels, the border reflected; 0 leaves an image as it is.

    One separable convolution over a batch laid out as channels, so that each image has its own kernel.
    """
    count, channels, height, width = images.shape
    radius = max(1, math.ceil(3 * float(sigma.max())))
    offsets = torch.arange(-radius, radius + 1, device=images.device, dtype=images.dtype)
    kernel = torch.exp(-0.5 * (offsets / sigma[:, None].clamp(min=1e-3)) ** 2)
    kernel = (kernel / kernel.sum(1, keepdim=True)).repeat_interleave(channels, 0)  # (N C, 2 radius + 1)
    flat = images.reshape(1, count * channels, height, width)
    flat = F.pad(flat, (radius,) * 4, mode="reflect")
    flat = F.conv2d(flat, kernel[:, None, :, None], groups=count * channels)
    return F.conv2d(flat, kernel[:, None, None, :], groups=count * channels).view_as(images)
