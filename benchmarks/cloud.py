"""Points like embeddings: ten clouds around centres of their own, long in a few directions and short in most."""

import numpy as np

DIMENSIONS, KINDS = 128, 10


def points(count: int) -> tuple[np.ndarray]:
    """(N, 128) float32."""
    return (labelled(count)[0],)


def labelled(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Points, and the cloud that each comes from (N,)."""
    rng = np.random.default_rng(0)
    centres = rng.standard_normal((KINDS, DIMENSIONS), np.float32)
    kinds = rng.integers(KINDS, size=count)
    x = rng.standard_normal((count, DIMENSIONS), np.float32)
    for kind, centre in enumerate(centres):
        x[kinds == kind] += centre
    x /= np.sqrt(np.arange(1, DIMENSIONS + 1, dtype=np.float32))
    return x, kinds
