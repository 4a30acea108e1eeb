"""Embeddings by a model's file, whatever kind of model it is: a network, a generator (codes by optimisation), a linear
map of fixed features, or coordinates of a graph.

N images, W features, D dimensions.
"""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from visrep import files
from visrep.machine.device import Machine
from visrep.measures import neighbors
from visrep.representations import descriptions, encoders, generators, spectral
from visrep.representations.axes import Arrays
from visrep.representations.baselines import pixels
from visrep.training import weights

Embed = Callable[[np.ndarray], np.ndarray]  # (N, 32, 32, 3) uint8 to (N, D) float32


def embedder(path: Path, train: np.ndarray, machine: Machine) -> Embed:
    """The function by which the model at ``path`` embeds images; it was made from ``train`` (N, 32, 32, 3)."""
    arrays, config = files.read_weights(path)
    match config.get("kind"):
        case None:
            network = machine.place(weights.load(path, encoders.build))
            return lambda images: encoders.embedded(network, encoders.whole(images, machine.device))
        case generators.KIND:
            drawing = machine.place(weights.load(path, generators.build))
            return lambda images: generators.embedded(drawing, encoders.whole(images, machine.device))
        case spectral.KIND:
            return partial(_extended, arrays=arrays, config=config, train=train)
    return partial(descriptions.embedded, arrays=arrays, config=config)


def _extended(images: np.ndarray, arrays: Arrays, config: dict[str, Any], train: np.ndarray) -> np.ndarray:
    """Training images have coordinates; other images get the mean of those of their nearest training images, by pixels
    or by the embedding that the graph was built from, which the file then holds."""
    if np.array_equal(images, train):
        return arrays["coordinates"]
    if "on" in config:
        points, queries = arrays["points"], descriptions.embedded(images, arrays, config["on"])
    else:
        points, queries = pixels.features(train), pixels.features(images)
    near = neighbors.nearest(queries, points, config["k"])
    return spectral.extend(arrays["coordinates"], arrays["eigenvalues"], near.index).astype(np.float32)
