"""The network of `pretraining`, untrained."""

from typing import Any

import numpy as np
from pydantic import NonNegativeInt

from visrep.representations.axes import Arrays
from visrep.settings.base import Section
from visrep.settings.representations import Encoder


class Settings(Section):
    seed: NonNegativeInt


def fit(images: np.ndarray, settings: Settings, encoder: Encoder) -> tuple[Arrays, dict[str, Any]]:
    """The images are not used."""
    from visrep.representations import encoders  # here, as it imports torch: checking parameters needs none

    network = encoders.untrained(encoder, settings.seed)
    return {name: tensor.numpy() for name, tensor in network.state_dict().items()}, network.config
