"""Interpolations between the codes of two images, as pictures.

P pairs of images, T places on a line, D dimensions.
"""

import numpy as np
import torch
from torch import Tensor

from visrep.data import pixels
from visrep.shapes import contrastive
from visrep.shapes.autoencoder import Decoder, Headed, Variational

PAIRS, PLACES = 3, 9


def between(model: Headed | Variational, ends: Tensor, known: Tensor) -> np.ndarray:
    """(P, T, 32, 32, 3) uint8 on the lines between the codes of ``ends`` (2 P, 32, 32, 3), the first and last among
    them: decoded, or where there is no decoder the ``known`` images (N, 32, 32, 3) whose codes are nearest by angle.
    The network is in evaluation mode."""
    with torch.no_grad():
        first, last = model.encoder(pixels.scaled(ends)).float().unflatten(0, (-1, 2)).unbind(1)  # (P, D) each
        share = torch.linspace(0, 1, PLACES, device=ends.device)[:, None]
        line = torch.lerp(first[:, None], last[:, None], share)  # (P, T, D)
        if isinstance(model.head, Decoder):
            reconstructed = model.head(line.flatten(0, 1)).clamp(pixels.LOW, pixels.HIGH)
            images = ((reconstructed + 1) * pixels.LEVELS).round().byte().permute(0, 2, 3, 1)
        else:
            codes = torch.cat([model.encoder(pixels.scaled(part)).float() for part in known.split(500)])
            nearest = (contrastive.unit(line.flatten(0, 1)) @ contrastive.unit(codes).T).argmax(1)
            images = known[nearest]
    pictures: np.ndarray = images.unflatten(0, (-1, PLACES)).cpu().numpy()
    return pictures
