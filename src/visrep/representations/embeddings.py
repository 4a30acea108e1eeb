"""Embeddings and their files.

N images, D dimensions, float32.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from visrep.errors import Failure
from visrep.files import read_array, write_array


class Embeddings(NamedTuple):
    """Each (N, D) float32, with its own N: training images, test images, and by name the test images of ``others``;
    ``validation`` holds further images of each of these sets."""

    train: np.ndarray
    test: np.ndarray
    others: Mapping[str, np.ndarray]
    validation: Mapping[str, np.ndarray]


def save(embeddings: Embeddings, folder: Path) -> None:
    """Writes ``<name>.npy`` each, and ``<name>_validation.npy``. Raises `ValueError` where shapes or types do not fit
    and `Failure` where a value is not finite, so that evaluations need not check."""
    arrays = {"train": embeddings.train, "test": embeddings.test, **embeddings.others}
    for name, array in (arrays | _named(embeddings.validation)).items():
        if array.ndim != 2 or array.shape[1] != embeddings.train.shape[1] or array.dtype != np.float32:
            raise ValueError(f"{name} is {array.dtype} {array.shape}, expected float32 (N, D), D as in train")
        if not np.isfinite(array).all():
            raise Failure(f"{folder}: the embeddings of {name} hold values that are not finite")
        write_array(folder / f"{name}.npy", array)


def load(folder: Path, others: Iterable[str] = ()) -> Embeddings:
    """Raises `Failure` where a file is missing or unreadable."""
    train, test = (read_array(folder / f"{name}.npy") for name in ("train", "test"))
    names = list(others)
    test_parts = {name: read_array(folder / f"{name}.npy") for name in names}
    validation_parts = {name: read_array(folder / f"{name}_validation.npy") for name in names}
    return Embeddings(train, test, test_parts, validation_parts)


def _named(validation: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {f"{name}_validation": array for name, array in validation.items()}
