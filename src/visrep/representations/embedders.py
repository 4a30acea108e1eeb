"""From a model's file to embeddings, whatever kind of model it is: a network, principal axes, or a graph's
coordinates.

N images, D dimensions.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from visrep import files
from visrep.machine.device import Machine
from visrep.measures import neighbors
from visrep.representations import baselines, encoders, spectral
from visrep.training import weights

Embed = Callable[[np.ndarray], np.ndarray]  # (N, 32, 32, 3) uint8 to (N, D) float32


def reader(path: Path, train: np.ndarray, machine: Machine) -> Embed:
    """How the model at ``path`` embeds images; ``train`` (N, 32, 32, 3) are those it was made from."""
    arrays, config = files.read_weights(path)
    match config.get("kind"):
        case baselines.KIND:
            return partial(baselines.project, arrays=arrays)
        case spectral.KIND:
            return partial(_extended, arrays=arrays, k=config["k"], train=train)
    network = machine.place(weights.load(path, encoders.build))
    return lambda images: encoders.embedded(network, encoders.whole(images, machine.device))


def _extended(images: np.ndarray, arrays: dict[str, np.ndarray], k: int, train: np.ndarray) -> np.ndarray:
    """Training images have coordinates; all others take them from the training images that look most alike."""
    if np.array_equal(images, train):
        return arrays["coordinates"]
    found = neighbors.nearest(baselines.flat(images), baselines.flat(train), k)
    return spectral.extend(arrays["coordinates"], arrays["eigenvalues"], found.index).astype(np.float32)
