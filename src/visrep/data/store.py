"""The one format behind every source: uint8 arrays that open without copying.

N images, H = W = 32 pixels, C = 3 channels, F factors.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

import numpy as np

from visrep.files import read_array, read_json, write_array, write_json

SIZE = 32  # pixels a side


class Split(NamedTuple):
    """``images`` (N, 32, 32, 3) uint8; ``labels`` (N,) int64; ``factors`` (N, F) int64, F = 0 where there are none."""

    images: np.ndarray
    labels: np.ndarray
    factors: np.ndarray


class ImageSet(NamedTuple):
    """Two splits, the names of the classes, a phrase that says where the pixels come from, and the values of each
    generating factor by name, in the order of the columns of ``Split.factors``."""

    train: Split
    test: Split
    classes: tuple[str, ...]
    source: str
    factors: Mapping[str, tuple[str, ...]]


def split(images: np.ndarray, labels: np.ndarray, factors: np.ndarray | None = None) -> Split:
    """A checked `Split`. Raises `ValueError` where shapes or types do not fit."""
    factors = np.zeros((len(images), 0), np.int64) if factors is None else factors
    if images.shape != (len(labels), SIZE, SIZE, 3) or images.dtype != np.uint8:
        raise ValueError(f"images are {images.dtype} {images.shape}, expected uint8 ({len(labels)}, {SIZE}, {SIZE}, 3)")
    if factors.ndim != 2 or len(factors) != len(images):
        raise ValueError(f"factors are {factors.shape}, expected ({len(images)}, F)")
    return Split(images, labels.astype(np.int64), factors.astype(np.int64))


def sample(images: int, count: int, seed: int) -> np.ndarray:
    """Ascending indices of ``count`` of so many ``images``, or of all: stored images may lie class by class, so the
    first few are no fair sample."""
    chosen = np.random.default_rng(seed).permutation(images)[:count]
    return np.sort(chosen)


def save(image_set: ImageSet, folder: Path) -> None:
    for name in ("train", "test"):
        for field, array in getattr(image_set, name)._asdict().items():
            write_array(folder / f"{name}_{field}.npy", array)
    about = {"classes": image_set.classes, "source": image_set.source}
    write_json(folder / "about.json", about | {"factors": [[k, list(v)] for k, v in image_set.factors.items()]})


def load(folder: Path) -> ImageSet:
    """Raises `Failure` where a file is missing or unreadable."""
    about = read_json(folder / "about.json")
    train, test = (
        Split(*(read_array(folder / f"{name}_{field}.npy") for field in Split._fields)) for name in ("train", "test")
    )
    factors = {name: tuple(values) for name, values in about["factors"]}
    return ImageSet(train, test, tuple(about["classes"]), about["source"], factors)
