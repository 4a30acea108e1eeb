"""VICReg in closed form: of all linear maps of patch features, the one under which random views of an image agree best
while all dimensions have variance 1 and no two are correlated. No gradients and no network.

N images, V views, D dimensions.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch

from visrep.data import pixels
from visrep.data.store import sample
from visrep.machine.randomness import generator
from visrep.representations import axes, views
from visrep.representations.axes import Arrays
from visrep.representations.baselines import patches
from visrep.settings.representations import LinearVicreg, Views


def fit(
    images: np.ndarray, settings: LinearVicreg, augment: Views, dimensions: int, arrays: Arrays, config: dict[str, Any]
) -> Arrays:
    """The ``arrays`` of a model of patches, which ``config`` describes, with other axes: fitted on some of ``images``
    (N, 32, 32, 3) uint8. Raises `Failure` where there are more dimensions than features."""
    rng = generator("cpu", settings.seed, "views")

    def described() -> Iterator[np.ndarray]:
        for block in axes.blocks(images[sample(len(images), settings.images, settings.seed)]):
            random = views.random_views(torch.from_numpy(block), augment, settings.views, rng)  # (V, n, 3, 32, 32)
            levels = random.add_(1).mul_(pixels.LEVELS).permute(0, 1, 3, 4, 2).numpy()  # grey levels
            yield np.stack([patches.features(view, arrays, config) for view in levels])

    return arrays | axes.agreeing(axes.moments(described()), dimensions, settings.ridge)
