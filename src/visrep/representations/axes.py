"""Linear maps from a fixed description of an image to an embedding, and how they are fitted without labels.

N images, V views, W features of the description, D dimensions. Descriptions come in blocks, (n, W) or (V, n, W), so
that memory is bounded by W and not by N. A map has ``mean`` (W,) and ``axes`` (D, W).
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import numpy as np
from scipy.linalg import eigh

from visrep.errors import Failure

Arrays = dict[str, np.ndarray]
BLOCK = 500  # images described at once
RIDGE = 1e-6  # of the mean variance, added to all: features that never vary must not blow up


class Moments(NamedTuple):
    """Of so many ``images``: the ``mean`` (W,) and covariance ``total`` (W, W) of all their views, float64, and what of
    it is ``within`` an image: between its views."""

    images: int
    mean: np.ndarray
    total: np.ndarray
    within: np.ndarray


def blocks(images: np.ndarray) -> Iterator[np.ndarray]:
    """At least one, which may be empty."""
    return (images[start : start + BLOCK] for start in range(0, max(len(images), 1), BLOCK))


def moments(described: Iterable[np.ndarray]) -> Moments:
    """Of blocks (V, n, W) of descriptions, V the same in all."""
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


def principal(found: Moments, dimensions: int, *, standardised: bool = False, whitened: bool = False) -> Arrays:
    """The D directions of largest variance, the largest first; the largest entry of each is positive.

    ``standardised``: every feature is divided by its deviation before; ``whitened``: coordinates have variance 1.
    Raises `Failure` for fewer images than dimensions, or features.
    """
    width = len(found.mean)
    if dimensions > min(found.images - 1, width):
        enough = f"more than {found.images} images, and {width} features"
        raise Failure(f"{dimensions} principal axes need {enough}; lower the dimensions")
    deviations = np.sqrt(found.total.diagonal().clip(0))
    scale = np.divide(1.0, deviations, out=np.zeros(width), where=deviations > 0) if standardised else np.ones(width)
    scatter = found.total * np.outer(scale, scale)
    values, vectors = eigh(scatter, subset_by_index=(width - dimensions, width - 1))
    axes = (vectors * scale[:, None])[:, ::-1].T
    if whitened:
        axes = axes / np.sqrt(values[::-1] + RIDGE * scatter.trace() / width)[:, None]
    return _arrays(found.mean, axes)


def agreeing(found: Moments, dimensions: int, ridge: float) -> Arrays:
    """VICReg's aim in closed form among linear maps: views of an image agree as far as they can, while every dimension
    has variance 1 and none is correlated with another.

    These are the generalised eigenvectors of the covariance within images against that of all, the smallest values
    first; ``ridge``, times the mean variance, is added to both, as if every feature had some noise that differs from
    view to view: otherwise what never varies would agree best. Raises `Failure` for fewer features than dimensions.
    """
    width = len(found.mean)
    if dimensions > width:
        raise Failure(f"{dimensions} dimensions are asked for, but there are {width} features; lower the dimensions")
    noise = (ridge + RIDGE) * (found.total.trace() / width) * np.eye(width)
    _, vectors = eigh(found.within + noise, found.total + noise, subset_by_index=(0, dimensions - 1))
    return _arrays(found.mean, vectors.T)


def _arrays(mean: np.ndarray, axes: np.ndarray) -> Arrays:
    signs = np.sign(axes[np.arange(len(axes)), np.abs(axes).argmax(1)])
    return {"mean": mean.astype(np.float32), "axes": (axes * signs[:, None]).astype(np.float32)}


def project(described: np.ndarray, arrays: Arrays) -> np.ndarray:
    """Coordinates (N, D) float32 of descriptions (N, W)."""
    coordinates: np.ndarray = (described - arrays["mean"]) @ arrays["axes"].T
    return coordinates
