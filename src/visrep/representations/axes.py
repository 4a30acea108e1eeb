"""Linear maps from fixed features of an image to an embedding, fitted without labels.

N images, V views, W features, D dimensions. Features come in blocks, (n, W) or (V, n, W), so
that memory is bounded by W and not by N. A map has ``mean`` (W,) and ``axes`` (D, W).
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
from scipy.linalg import eigh

from visrep.errors import Failure

Arrays = dict[str, np.ndarray]
BLOCK = 500  # images whose features are held at once
RIDGE = 1e-6  # share of the mean variance, added to all: constant features must not be divided by 0


class Moments(NamedTuple):
    """Of ``images``: the ``mean`` (W,) and covariance ``total`` (W, W) of all their views, float64, and the part of the
    covariance that is ``within`` images, between their views."""

    images: int
    mean: np.ndarray
    total: np.ndarray
    within: np.ndarray


def blocks(images: np.ndarray) -> Iterator[np.ndarray]:
    """At least one, which may be empty."""
    return (images[start : start + BLOCK] for start in range(0, max(len(images), 1), BLOCK))


def moments(described: Iterable[np.ndarray]) -> Moments:
    """Of blocks (V, n, W) of features, V the same in all."""
    count, sums, squares, between = 0, 0.0, 0.0, 0.0
    views = 1
    for block in described:
        views, n, width = block.shape
        block = block.astype(np.float64)
        middle, flat = block.mean(0), block.reshape(-1, width)
        count, sums = count + n, sums + flat.sum(0)
        product = flat.T @ flat
        squares, between = squares + product, between + (middle.T @ middle if views > 1 else product)
    mean = np.asarray(sums) / (count * views)
    total = np.asarray(squares) / (count * views)
    within = total - np.asarray(between) / count
    return Moments(count, mean, total - np.outer(mean, mean), within)


def principal(moments: Moments, dimensions: int, *, standardised: bool = False, whitened: bool = False) -> Arrays:
    """The D directions of largest variance, the largest first; the largest entry of each is positive.

    ``standardised``: every feature is divided by its deviation before; ``whitened``: coordinates have variance 1.
    Raises `Failure` for fewer images than dimensions, or features.
    """
    width = len(moments.mean)
    if dimensions > min(moments.images - 1, width):
        enough = f"more than {moments.images} images, and {width} features"
        raise Failure(f"{dimensions} principal axes need {enough}; lower the dimensions")
    deviations = np.sqrt(moments.total.diagonal().clip(0))
    scale = np.divide(1.0, deviations, out=np.zeros(width), where=deviations > 0) if standardised else np.ones(width)
    scatter = moments.total * np.outer(scale, scale)
    values, vectors = eigh(scatter, subset_by_index=(width - dimensions, width - 1))
    axes = (vectors * scale[:, None])[:, ::-1].T
    if whitened:
        axes = axes / np.sqrt(values[::-1] + RIDGE * scatter.trace() / width)[:, None]
    return _arrays(moments.mean, axes)


def agreeing(moments: Moments, dimensions: int, ridge: float) -> Arrays:
    """VICReg's objective among linear maps, in closed form: views of an image agree as well as possible, while every
    dimension has variance 1 and none is correlated with another.

    These are the generalised eigenvectors of the covariance within images against that of all, the smallest values
    first; ``ridge``, times the mean variance, is added to both, as if every feature had independent noise in every
    view: otherwise constant features would agree best. Raises `Failure` for fewer features than dimensions.
    """
    width = len(moments.mean)
    if dimensions > width:
        raise Failure(f"{dimensions} dimensions from {width} features; lower the dimensions")
    noise = (ridge + RIDGE) * (moments.total.trace() / width) * np.eye(width)
    _, vectors = eigh(moments.within + noise, moments.total + noise, subset_by_index=(0, dimensions - 1))
    return _arrays(moments.mean, vectors.T)


def _arrays(mean: np.ndarray, axes: np.ndarray) -> Arrays:
    signs = np.sign(axes[np.arange(len(axes)), np.abs(axes).argmax(1)])
    return {"mean": mean.astype(np.float32), "axes": (axes * signs[:, None]).astype(np.float32)}


def project(described: np.ndarray, arrays: Arrays) -> np.ndarray:
    """Coordinates (N, D) float32 of features (N, W)."""
    coordinates: np.ndarray = (described - arrays["mean"]) @ arrays["axes"].T
    return coordinates
