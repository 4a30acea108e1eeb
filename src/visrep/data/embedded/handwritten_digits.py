"""Handwritten digits: scikit-learn's 1,797 real ones, enlarged.

Each 8x8 original is enlarged threefold, which leaves a margin of four pixels at each side, about MNIST's. When more
images are asked than a split has originals, the next ones are small affine variations of the same originals.
N images, H = W = 32 pixels.
"""

from functools import cache, partial

import numpy as np
from PIL import Image

from visrep.data.embedded import canvas
from visrep.data.embedded.canvas import Chance, Floats
from visrep.data.store import SIZE, ImageSet

CLASSES = tuple("0123456789")
TEST_ORIGINALS = 797  # of 1,797; no original is in both splits
MARGIN, SCALE = 4, 3
PARTING = 1797  # seeds which originals are for testing, whatever the seed of the set


def generate(seed: int, train: int, test: int) -> ImageSet:
    """``train`` and ``test`` images; more of them leave the first ones as they are."""
    parts = canvas.paint(partial(_block, seed), train, test)
    return ImageSet(*parts, CLASSES, "scikit-learn's handwritten digits, enlarged (embedded)", {})


def originals(seed: int, stream: int) -> np.ndarray:
    """Which of scikit-learn's digits a split shows, in the order in which it shows them."""
    parting = np.random.default_rng(PARTING).permutation(len(_digits()[1]))
    own = parting[:TEST_ORIGINALS] if stream == canvas.TEST else parting[TEST_ORIGINALS:]
    return np.random.default_rng((seed, stream)).permutation(own)


def _block(seed: int, stream: int, images: range) -> tuple[np.ndarray, np.ndarray]:
    digits, labels = _digits()
    order = originals(seed, stream)
    chosen = order[np.asarray(images, np.int64) % len(order)]
    unvaried = np.asarray(images) < len(order)
    matrices = _variations(Chance(seed, stream, images, 7), unvaried)
    pixels = np.empty((len(images), SIZE, SIZE, 3), np.uint8)
    for picture, digit, matrix, plain in zip(pixels, digits[chosen], matrices.tolist(), unvaried, strict=True):
        image = Image.fromarray(digit)
        moved = image.transform((SIZE, SIZE), Image.Transform.AFFINE, matrix, Image.Resampling.BICUBIC)
        picture[:] = digit[..., None] if plain else np.asarray(moved)[..., None]
    return pixels, labels[chosen]


def _variations(chance: Chance, unvaried: np.ndarray) -> Floats:
    """Affine maps from an image's pixels to those of its original, (N, 6); the identity where ``unvaried``."""
    angle, slant = chance.between(-0.2, 0.2), chance.between(-0.2, 0.2)
    width, height = chance.between(0.88, 1.12), chance.between(0.88, 1.12)
    across, down = chance.between(-2, 2), chance.between(-2, 2)
    cos, sin, middle = np.cos(angle), np.sin(angle), SIZE / 2
    a, b = (cos + slant * sin) * width, (slant * cos - sin) * width
    d, e = sin * height, cos * height
    x, y = middle + across, middle + down
    matrices = np.stack([a, b, middle - a * x - b * y, d, e, middle - d * x - e * y], axis=1)
    return np.where(unvaried[:, None], (1.0, 0.0, 0.0, 0.0, 1.0, 0.0), matrices)


@cache
def _digits() -> tuple[np.ndarray, np.ndarray]:
    """All of scikit-learn's digits, enlarged, uint8 (1797, 32, 32), and their labels."""
    from sklearn.datasets import load_digits

    small, labels = load_digits(return_X_y=True)
    levels = canvas.to_bytes(small.reshape(-1, 8, 8) * (255 / 16))
    edge = MARGIN // SCALE + 1  # a black rim, so that strokes at the border fade out
    rimmed = np.pad(levels, ((0, 0), (edge, edge), (edge, edge)))
    near, far = edge - MARGIN / SCALE, edge + (SIZE - MARGIN) / SCALE
    box = (near, near, far, far)
    large = [Image.fromarray(digit).resize((SIZE, SIZE), Image.Resampling.BICUBIC, box=box) for digit in rimmed]
    return np.array([np.asarray(image) for image in large]), labels
