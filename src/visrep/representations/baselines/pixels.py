"""Principal components of the pixels."""

from typing import Any

import numpy as np

from visrep.representations import axes
from visrep.settings.base import Section
from visrep.settings.representations import Encoder


class Settings(Section):
    """No parameters."""


def fit(images: np.ndarray, settings: Settings, encoder: Encoder) -> tuple[axes.Arrays, dict[str, Any]]:
    """As many axes as the ``encoder`` has dimensions. Raises `Failure` for fewer images than that."""
    moments = axes.moments(features(block)[None] for block in axes.blocks(images))
    return axes.principal(moments, encoder.dimensions), {"kind": "pixels"}


def features(images: np.ndarray, *_: Any) -> np.ndarray:
    """(N, 32, 32, 3) uint8 to (N, 3072) float32 in [0, 1]."""
    pixels: np.ndarray = images.reshape(len(images), -1) / np.float32(255)
    return pixels
