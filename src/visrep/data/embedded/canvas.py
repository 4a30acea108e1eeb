"""What several drawn sets share: chance per image, ground from photographs, softness of a lens.

N images in a block, H = W = 32 pixels, C = 3 channels. All arithmetic stays within an image and is plain NumPy: nothing
depends on threads, on a linear algebra library, or on how many images are drawn.
"""

from collections.abc import Callable
from functools import cache, partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from visrep.data.store import SIZE, Split, split

Floats = NDArray[np.floating]

TRAIN, TEST = 0, 1  # the streams of chance; no image of one split shares a number with the other
BLOCK = 128  # images drawn at once: their arrays stay in a processor's cache
STRIPE = 160  # pixels: each photograph is cut into upright stripes of this width
TEST_STRIPE = 2  # the stripe of each photograph that only test images show
REDUCTIONS = (1, 2, 3, 4)  # the photographs are shown at these scales
LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601

# y, x in -1..1: where a pixel lies in its image
GRID: Floats = (np.indices((SIZE, SIZE)).astype(np.float32) - (SIZE - 1) / 2) * np.float32(2 / SIZE)  # (2, 32, 32)


class Region(NamedTuple):
    """A part of a photograph, by columns."""

    photograph: int
    left: int
    right: int


class Chance:
    """The random numbers of some images: ``width`` for each, which depend on seed, stream and the image's index alone.

    Raises `ValueError` where an image takes more than its ``width``.
    """

    def __init__(self, seed: int, stream: int, images: range, width: int) -> None:
        bits = np.random.PCG64(np.random.SeedSequence((seed, stream)))
        bits.advance(images.start * width)  # one step a number
        self.count, self.taken = len(images), 0
        self.numbers = np.random.Generator(bits).random((self.count, width))

    def take(self, width: int) -> Floats:
        """The next numbers in [0, 1) of each image, (N, width)."""
        start, self.taken = self.taken, self.taken + width
        if self.taken > self.numbers.shape[1]:
            raise ValueError(f"{self.taken} numbers taken, {self.numbers.shape[1]} drawn")
        return self.numbers[:, start : self.taken]

    def between(self, low: float, high: float) -> Floats:
        """(N,)"""
        return low + (high - low) * self.take(1)[:, 0]

    def below(self, limit: int) -> NDArray[np.int64]:
        """Whole numbers 0..limit-1, (N,)."""
        return (self.take(1)[:, 0] * limit).astype(np.int64)

    def happens(self, probability: float) -> NDArray[np.bool]:
        """(N,) bool"""
        return self.take(1)[:, 0] < probability


def paint(block: Callable[[int, range], tuple[np.ndarray, np.ndarray]], train: int, test: int) -> tuple[Split, Split]:
    """Both splits, drawn block by block; ``block`` gives (images, labels) of some images of a stream."""
    return _split(partial(block, TRAIN), train), _split(partial(block, TEST), test)


def _split(block: Callable[[range], tuple[np.ndarray, np.ndarray]], count: int) -> Split:
    parts = [block(range(start, min(start + BLOCK, count))) for start in range(0, count, BLOCK)] or [block(range(0))]
    images, labels = (np.concatenate(part) for part in zip(*parts, strict=True))
    return split(images, labels)


@cache
def photographs() -> tuple[np.ndarray, ...]:
    """scikit-learn's two, each (427, 640, 3) uint8."""
    from sklearn.datasets import load_sample_images

    return tuple(load_sample_images().images)


def photo_crops(chance: Chance, regions: tuple[Region, ...]) -> Floats:
    """Squares of the photographs, turned and mirrored, float32 (N, 32, 32, C) in 0..255. Takes six numbers."""
    parts = _cut(regions)
    which, mirrored = chance.below(len(parts)), chance.take(3) < 0.5
    places = chance.take(2)
    crops = np.empty((chance.count, SIZE, SIZE, 3), np.float32)
    for crop, index, (down, across, turned), place in zip(crops, which, mirrored, places, strict=True):
        part = parts[index]
        top, left = (int(u * (side - SIZE + 1)) for u, side in zip(place, part.shape, strict=False))
        square = part[top : top + SIZE, left : left + SIZE][:: -1 if down else 1, :: -1 if across else 1]
        crop[:] = square.transpose(1, 0, 2) if turned else square
    return crops


def stripes(stream: int) -> tuple[Region, ...]:
    """Of every photograph the upright stripes that a split shows; no two splits show the same."""
    return tuple(
        Region(index, stripe * STRIPE, (stripe + 1) * STRIPE)
        for index, photograph in enumerate(photographs())
        for stripe in range(photograph.shape[1] // STRIPE)
        if (stripe == TEST_STRIPE) == (stream == TEST)
    )


def photograph(stream: int) -> tuple[Region, ...]:
    """The whole photograph that a split shows, and no other split does."""
    return (Region(stream, 0, photographs()[stream].shape[1]),)


def grain(chance: Chance, regions: tuple[Region, ...]) -> Floats:
    """`photo_crops` with mean 0 and, but for plain ones, a standard deviation near 1."""
    crops = photo_crops(chance, regions)
    crops -= crops.mean(axis=(1, 2), keepdims=True)
    return crops / over(1.5 + np.sqrt(np.square(crops).mean(axis=(1, 2, 3))), 3)


@cache
def _cut(regions: tuple[Region, ...]) -> tuple[np.ndarray, ...]:
    """The regions at every scale; each is cut out before it is reduced, so no pixel outside leaks in."""
    cut = [Image.fromarray(photographs()[index][:, left:right]) for index, left, right in regions]
    return tuple(np.asarray(part.reduce(factor)) for part in cut for factor in REDUCTIONS)


def over(values: np.ndarray, axes: int = 2) -> Floats:
    """One number an image (N,), to be spread over its pixels: float32 (N, 1, 1), or with one axis more for channels."""
    return np.asarray(values, np.float32).reshape(-1, *[1] * axes)


def flat(colors: np.ndarray) -> Floats:
    """One color an image (N, C), to be spread over its pixels: float32 (N, 1, 1, C)."""
    return np.asarray(colors, np.float32)[:, None, None]


def luma(colors: np.ndarray) -> Floats:
    """(..., C) to (...): how bright a color looks."""
    red, green, blue = np.moveaxis(colors, -1, 0)
    return np.asarray(red * LUMA[0] + green * LUMA[1] + blue * LUMA[2])


def blur(images: Floats, sigma: Floats) -> Floats:
    """Each image (N, H, W, C) under its own Gaussian of ``sigma`` (N,) pixels, cut at three pixels; edges repeat."""
    offsets = np.arange(4)
    weights = np.exp(-(offsets**2) / (2 * np.maximum(sigma, 1e-3)[:, None] ** 2))  # (N, 4)
    weights /= weights[:, :1] + 2 * weights[:, 1:2] + 2 * weights[:, 2:3] + 2 * weights[:, 3:]
    taps = np.asarray(weights, np.float32)[:, :, None, None, None]
    for axis in (1, 2):
        images = _filter(images, taps, axis)
    return images


def _filter(images: Floats, taps: Floats, axis: int) -> Floats:
    """The symmetric filter ``taps`` (N, 4, 1, 1, 1), centre first, along one axis."""
    side = images.shape[axis]
    padded = np.pad(images, [(3, 3) if axis == dimension else (0, 0) for dimension in range(4)], mode="edge")
    shifted = [padded[(slice(None),) * axis + (slice(3 + k, 3 + k + side),)] for k in range(-3, 4)]
    filtered: Floats = taps[:, 0] * images
    for k in (-3, -2, -1, 1, 2, 3):
        filtered += taps[:, abs(k)] * shifted[3 + k]
    return filtered


def noise(chance: Chance, low: float, high: float) -> Floats:
    """Grey noise (N, H, W, 1), uniform, of an amplitude an image in ``low``..``high`` grey levels from end to end."""
    speckle = np.asarray(chance.take(SIZE * SIZE), np.float32).reshape(-1, SIZE, SIZE, 1) - 0.5
    return speckle * over(chance.between(low, high), 3)


def light(images: Floats, strength: Floats, angle: Floats) -> Floats:
    """Brighter on one side: a gradient of ``strength`` (N,) toward ``angle`` (N,)."""
    slope = over(strength * np.cos(angle)) * GRID[1] + over(strength * np.sin(angle)) * GRID[0]  # (N, H, W)
    return np.asarray(images * (1 + slope[..., None]))


def to_bytes(images: Floats) -> np.ndarray:
    """Rounded and clipped to uint8."""
    return np.clip(np.rint(images), 0, 255).astype(np.uint8)
