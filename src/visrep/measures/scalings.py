"""Scaling of embeddings before evaluation.

N images, D dimensions, float32.
"""

import numpy as np

from visrep.measures.spread import ROUNDING, deviations


def standardised(train: np.ndarray, *others: np.ndarray) -> tuple[np.ndarray, ...]:
    """``train`` (N, D) and the ``others`` (M, D), float32, each less the mean and divided by the spread of ``train`` in
    each dimension. A dimension becomes 0 everywhere, also in the others, where its spread in ``train`` is at most
    `ROUNDING` times its root mean square."""
    mean, deviation = train.mean(0, dtype=np.float64), deviations(train)
    constant = deviation <= ROUNDING * np.hypot(mean, deviation)
    scale = np.divide(1.0, deviation, out=np.zeros_like(deviation), where=~constant)
    return tuple(((x - mean) * scale).astype(np.float32) for x in (train, *others))


def unit(x: np.ndarray) -> np.ndarray:
    """(N, D) float32 rows of ``x`` divided by their Euclidean lengths; a row of zeros stays."""
    length = np.linalg.norm(x.astype(np.float64), axis=1, keepdims=True)
    scaled: np.ndarray = np.divide(x, length, out=np.zeros(x.shape), where=length > 0).astype(np.float32)
    return scaled
