"""The features that the linear map of a baseline is applied to, computed by that baseline's module.

N images, W features.
"""

from typing import Any

import numpy as np

from visrep import registry
from visrep.representations import axes
from visrep.representations.axes import Arrays


def described(images: np.ndarray, arrays: Arrays, config: dict[str, Any]) -> np.ndarray:
    """(N, 32, 32, 3) uint8 to (N, W) float32, by the arrays and the config of a model's file."""
    module = registry.one("visrep.representations.baselines", config["kind"])
    return np.concatenate([module.features(block, arrays, config) for block in axes.blocks(images)])


def embedded(images: np.ndarray, arrays: Arrays, config: dict[str, Any]) -> np.ndarray:
    """(N, 32, 32, 3) uint8 to (N, D) float32. At most a block of features is held at once."""
    return np.concatenate([axes.project(described(block, arrays, config), arrays) for block in axes.blocks(images)])
