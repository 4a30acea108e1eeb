"""Embeddings: their files, their shape as a cloud of points, and their scalings.

N images, D dimensions, float32. What float32 cannot tell from a constant counts as one: a spread of at most `ROUNDING`
times the size of the values is what storing equal numbers may leave.
"""

from pathlib import Path
from typing import NamedTuple

import numpy as np

from visrep.artifacts import read_array, write_array
from visrep.errors import Failure

ROUNDING = 2.0**-23  # the relative spacing of float32


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


def effective_rank(x: np.ndarray) -> float:
    """exp of the entropy of the singular values of the centred ``x`` (N, D), each divided by their sum (Roy and
    Vetterli 2007): between 1 and D. Singular values of at most `ROUNDING` times the Frobenius norm of ``x`` count as
    zero, since storing equal rows may make as much; 1 where all do."""
    x = x.astype(np.float64)
    values = np.linalg.svd(x - x.mean(0), compute_uv=False)
    values = values[values > ROUNDING * np.linalg.norm(x)]
    share = values / values.sum()
    return float(np.exp(-(share * np.log(share)).sum()))


def spread(x: np.ndarray) -> np.ndarray:
    """(D,) the standard deviation of each dimension of ``x`` (N, D) over the images, float64, dividing by N."""
    deviation: np.ndarray = x.std(0, dtype=np.float64)
    return deviation


def standardised(train: np.ndarray, *others: np.ndarray) -> tuple[np.ndarray, ...]:
    """``train`` (N, D) and the ``others`` (M, D), float32, each less the mean and divided by the spread of ``train`` in
    each dimension. A dimension becomes 0 everywhere, also in the others, where its spread in ``train`` is at most
    `ROUNDING` times its root mean square."""
    mean, deviation = train.mean(0, dtype=np.float64), spread(train)
    constant = deviation <= ROUNDING * np.hypot(mean, deviation)
    scale = np.divide(1.0, deviation, out=np.zeros_like(deviation), where=~constant)
    return tuple(((x - mean) * scale).astype(np.float32) for x in (train, *others))


def unit(x: np.ndarray) -> np.ndarray:
    """(N, D) float32 rows of ``x`` divided by their Euclidean lengths; a row of zeros stays."""
    length = np.linalg.norm(x.astype(np.float64), axis=1, keepdims=True)
    scaled: np.ndarray = np.divide(x, length, out=np.zeros(x.shape), where=length > 0).astype(np.float32)
    return scaled
