"""Pictures drawn again from their factors, some of these changed on purpose: pairs that are alike in what was kept.

What the factors leave open (place within the cell, tilt, shade, the ground's own color) is drawn anew each time. Were
it kept, the exact tint of the ground would tell every pair from all others, and little else would be learnt. So nothing
of it has to be stored with the images either.

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


def family(factors: np.ndarray, varied: Sequence[str], draw: np.random.Generator) -> np.ndarray:
    """Pictures (N, 32, 32, 3) with the ``factors`` (N, 4) but for those ``varied``, of which any value is equally
    likely."""
    changed = np.array(factors)
    for name in varied:
        changed[:, NAMES.index(name)] = draw.integers(len(shapes.FACTORS[name]), size=len(factors))
    return picture(changed, nuisances(len(factors), draw))


def other(factors: np.ndarray, name: str, draw: np.random.Generator) -> np.ndarray:
    """``factors`` (N, 4) with another value of one, each of the others equally likely."""
    changed, values = np.array(factors), len(shapes.FACTORS[name])
    column = NAMES.index(name)
    changed[:, column] = (changed[:, column] + draw.integers(1, values, size=len(factors))) % values
    return changed


def nuisances(count: int, draw: np.random.Generator) -> Floats:
    """(N, 7), each in -1..1."""
    return draw.uniform(-1, 1, (count, len(shapes.NUISANCES)))


def picture(factors: np.ndarray, nuisances: Floats, ground: str = "plain", seed: int = 0) -> np.ndarray:
    """(N, 32, 32, 3) uint8; a textured ``ground`` shows parts of photographs that no training image shows."""
    return shapes.render(factors, nuisances, shapes.ground(ground, nuisances, seed, canvas.TEST))
