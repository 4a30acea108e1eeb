"""Images drawn again from their factors with some of these changed: pairs that share the others.

What the factors leave open (place within the cell, tilt, shade, the color of the ground) is random each time: otherwise
the exact tint of the ground would identify every pair, and little else would be learned. So it need not be stored with
the images either.

N images, 4 factors in the order of `NAMES`.
"""

from collections.abc import Sequence

import numpy as np

from visrep.data.embedded import canvas, shapes
from visrep.data.embedded.canvas import Floats

NAMES = tuple(shapes.FACTORS)


def kept(varied: Sequence[str]) -> list[int]:
    """The columns of the factors that are not ``varied``."""
    return [column for column, name in enumerate(NAMES) if name not in varied]


def family(factors: np.ndarray, varied: Sequence[str], rng: np.random.Generator) -> np.ndarray:
    """Images (N, 32, 32, 3) with the ``factors`` (N, 4) but for those ``varied``, of which any value is equally
    likely."""
    changed = np.array(factors)
    for name in varied:
        changed[:, NAMES.index(name)] = rng.integers(len(shapes.FACTORS[name]), size=len(factors))
    return picture(changed, nuisances(len(factors), rng))


def other(factors: np.ndarray, name: str, rng: np.random.Generator) -> np.ndarray:
    """``factors`` (N, 4) with another value of one, each of the others equally likely."""
    changed, values = np.array(factors), len(shapes.FACTORS[name])
    column = NAMES.index(name)
    changed[:, column] = (changed[:, column] + rng.integers(1, values, size=len(factors))) % values
    return changed


def nuisances(count: int, rng: np.random.Generator) -> Floats:
    """(N, 7), each in -1..1."""
    return rng.uniform(-1, 1, (count, len(shapes.NUISANCES)))


def picture(factors: np.ndarray, nuisances: Floats, ground: str = "plain", seed: int = 0) -> np.ndarray:
    """(N, 32, 32, 3) uint8; a textured ``ground`` shows parts of photographs that no training image shows."""
    return shapes.render(factors, nuisances, shapes.ground(ground, nuisances, seed, canvas.TEST))
