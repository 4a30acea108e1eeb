"""Embeddings and their files.

N images, D dimensions, float32.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from visrep.stage.artifacts import read_array, write_array
from visrep.stage.errors import Failure


class Embeddings(NamedTuple):
    """Each (N, D) float32, with its own N: the images learned from, held-out ones, and two other sets."""

    train: np.ndarray
    test: np.ndarray
    mnist: np.ndarray
    svhn: np.ndarray


def save(embeddings: Embeddings, folder: Path) -> None:
    """Writes ``<name>.npy`` each. Raises `ValueError` where shapes or types do not fit and `Failure` where a value is
    not finite, so that no reader has to ask."""
    for name, array in embeddings._asdict().items():
        if array.ndim != 2 or array.shape[1] != embeddings.train.shape[1] or array.dtype != np.float32:
            raise ValueError(f"{name} is {array.dtype} {array.shape}, expected float32 (N, D), D as in train")
        if not np.isfinite(array).all():
            raise Failure(f"{folder}: the embeddings of {name} hold values that are not finite")
        write_array(folder / f"{name}.npy", array)


def load(folder: Path) -> Embeddings:
    """Raises `Failure` where a file is missing or unreadable."""
    return Embeddings(*(read_array(folder / f"{name}.npy") for name in Embeddings._fields))
