"""A stored sweep: its columns, and the FGSM images, made again without a network.

N images, H x W pixels, C channels, K classes, R radii.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from visrep.data.pixels import HIGH, LEVELS, LOW

CLEAN = "clean"  # the column of images that are not attacked
FGSM = "fgsm"  # the attack whose images can be made again


def column(attack: str, epsilon: float) -> str:
    """The name of a stored column."""
    return f"{attack} {epsilon:g}"


def key(attack: str, epsilon: float) -> str:
    """What metrics and pictures call it."""
    return f"{attack}_eps_{epsilon:g}".replace(".", "_")


class Swept(NamedTuple):
    """``predictions`` (N,) int16 by column; ``signs`` (N, 2, H W C / 8) uint8, as `packed` makes them, of the gradient
    at the clean image: FGSM images at any radius can be made again."""

    predictions: dict[str, np.ndarray]
    signs: np.ndarray

    @property
    def clean(self) -> np.ndarray:
        return self.predictions[CLEAN]

    def holds(self, attack: str, epsilon: float) -> bool:
        return column(attack, epsilon) in self.predictions

    def under(self, attack: str, epsilon: float) -> np.ndarray:
        """Predictions (N,) of the attacked images."""
        return self.predictions[column(attack, epsilon)]

    def table(self) -> np.ndarray:
        """One structured array (N,): a field per column, then ``signs``."""
        fields = [(name, np.int16) for name in self.predictions] + [("signs", np.uint8, self.signs.shape[1:])]
        table = np.zeros(len(self.signs), fields)
        for name, predicted in self.predictions.items():
            table[name] = predicted
        table["signs"] = self.signs
        return table


def read(table: np.ndarray) -> Swept:
    """The inverse of `Swept.table`."""
    return Swept({name: table[name] for name in table.dtype.names or () if name != "signs"}, table["signs"])


def packed(sign: np.ndarray) -> np.ndarray:
    """(N, H, W, C) in {-1, 0, 1} to (N, 2, H W C / 8) uint8: the bits of where it is positive, and where negative."""
    flat = sign.reshape(len(sign), -1)
    return np.packbits(np.stack([flat > 0, flat < 0], 1), axis=-1)


def unpacked(bits: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """The inverse of `packed`: (N, 2, H W C / 8) uint8 to (N, H, W, C) int8, where ``shape`` is (H, W, C)."""
    positive, negative = np.moveaxis(np.unpackbits(bits, axis=-1).astype(np.int8), 1, 0)
    sign: np.ndarray = positive - negative
    return sign.reshape(-1, *shape)


def scaled(images: np.ndarray) -> np.ndarray:
    """(N, H, W, C) uint8 to float32 in [-1, 1]: `pixels.scaled` without torch, bit for bit, channels last."""
    return images.astype(np.float32) / np.float32(LEVELS) - np.float32(1)


def fgsm(images: np.ndarray, bits: np.ndarray, epsilon: float) -> np.ndarray:
    """clip(x + epsilon sign) of uint8 ``images`` (N, H, W, C), float32: the images of `attacks.fgsm`, bit for bit."""
    sign = unpacked(bits, images.shape[1:]).astype(np.float32)
    attacked: np.ndarray = np.clip(scaled(images) + np.float32(epsilon) * sign, np.float32(LOW), np.float32(HIGH))
    return attacked


def shown(x: np.ndarray) -> np.ndarray:
    """[-1, 1] to the nearest grey level, uint8, for display: rounding may undo an attack."""
    levels: np.ndarray = np.rint((np.clip(x, LOW, HIGH) + 1) * LEVELS)
    return levels.astype(np.uint8)


def per_class(swept: Swept, labels: np.ndarray, classes: int, radii: Sequence[float]) -> np.ndarray:
    """(1 + R, K) percent right of each class, clean and under FGSM at each radius; NaN where a class has no image."""
    counts = np.bincount(labels, minlength=classes)
    columns = [swept.clean, *(swept.under(FGSM, radius) for radius in radii)]
    right = np.stack([np.bincount(labels[column == labels], minlength=classes) for column in columns])
    shares: np.ndarray = np.divide(right * 100.0, counts, out=np.full(right.shape, np.nan), where=counts > 0)
    return shares
