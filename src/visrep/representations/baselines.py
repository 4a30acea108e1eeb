"""The principal axes of the pixels: the floor that any learned embedding has to beat.

N images, D dimensions, P = 32 x 32 x 3 pixels.
"""

import numpy as np
from scipy.linalg import eigh

from visrep.errors import Failure

KIND = "principal axes"


def principal_axes(images: np.ndarray, dimensions: int) -> dict[str, np.ndarray]:
    """The mean (P,) and the D directions (D, P) of largest variance of images (N, 32, 32, 3) uint8, the sign of each
    such that its largest entry is positive. Raises `Failure` for fewer images than dimensions."""
    if len(images) <= dimensions:
        raise Failure(f"{dimensions} principal axes need more than {len(images)} images; lower the dimensions")
    pixels = flat(images).astype(np.float64)
    mean = pixels.mean(0)
    centred = pixels - mean
    last = pixels.shape[1] - 1
    _, axes = eigh(centred.T @ centred, subset_by_index=(last + 1 - dimensions, last))
    axes = axes.T[::-1]  # largest variance first
    axes = axes * np.sign(axes[np.arange(dimensions), np.abs(axes).argmax(1)])[:, None]
    return {"mean": mean.astype(np.float32), "axes": axes.astype(np.float32)}


def project(images: np.ndarray, arrays: dict[str, np.ndarray]) -> np.ndarray:
    """Coordinates (N, D) float32 of images (N, 32, 32, 3) along the axes."""
    coordinates: np.ndarray = (flat(images) - arrays["mean"]) @ arrays["axes"].T
    return coordinates


def flat(images: np.ndarray) -> np.ndarray:
    """(N, 32, 32, 3) uint8 to (N, P) float32 in [0, 1]."""
    pixels: np.ndarray = images.reshape(len(images), -1) / np.float32(255)
    return pixels
