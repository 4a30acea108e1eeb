"""Whitened principal components of pixels, each image normalised to mean 0 and deviation 1."""

from typing import Any

import numpy as np
from pydantic import NonNegativeFloat

from visrep.representations import axes
from visrep.settings.base import Section
from visrep.settings.representations import Encoder


class Settings(Section):
    offset: NonNegativeFloat


def fit(images: np.ndarray, settings: Settings, encoder: Encoder) -> tuple[axes.Arrays, dict[str, Any]]:
    """As many axes as the ``encoder`` has dimensions. Raises `Failure` for fewer images than that."""
    config = {"kind": "whitened_pixels", "offset": settings.offset}
    moments = axes.moments(features(block, {}, config)[None] for block in axes.blocks(images))
    return axes.principal(moments, encoder.dimensions, whitened=True), config


def features(images: np.ndarray, _: axes.Arrays, config: dict[str, Any]) -> np.ndarray:
    """(N, 32, 32, 3) uint8 to (N, 3072) float32: each image less its mean and divided by its deviation."""
    pixels = images.reshape(len(images), -1).astype(np.float32)
    pixels -= pixels.mean(1, keepdims=True)
    normalised: np.ndarray = pixels / (pixels.std(1, keepdims=True) + max(config["offset"], 1e-3))
    return normalised
