"""Random generators, one for every purpose, each seeded by the keys that name it."""

import hashlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


def seed(*keys: object) -> int:
    """A seed in [0, 2^63) that depends on all ``keys`` and their order."""
    text = "/".join(map(str, keys)).encode()
    return int.from_bytes(hashlib.sha256(text).digest()[:8]) >> 1


def generator(device: "torch.device | str", *keys: object) -> "torch.Generator":
    """A generator on ``device``, seeded by ``keys``."""
    import torch  # here, so that `seed` alone costs nothing

    return torch.Generator(device).manual_seed(seed(*keys))
