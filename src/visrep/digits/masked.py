"""Classifiers with deliberately masked gradients, which gradient attacks alone would find robust.

N images (N, C, H, W) in [-1, 1], K classes.
"""

from collections.abc import Callable, Mapping
from math import pi
from typing import Any

from torch import Tensor, nn

from visrep.data.pixels import HIGH, LOW
from visrep.digits.attacks import Model
from visrep.digits.cnn import ConvNet, folded

WAVES = 64  # of the ripple, between LOW and HIGH


def rounded(images: Tensor, levels: float) -> Tensor:
    """The nearest of so many ``levels``, evenly spaced from LOW to HIGH: a staircase, whose gradient is 0."""
    step = (HIGH - LOW) / (levels - 1)
    return ((images - LOW) / step).round() * step + LOW


def rippled(images: Tensor, height: float) -> Tensor:
    """With a sine of that ``height`` added, of 64 waves between LOW and HIGH: its gradient is large, and of another
    sign every two grey levels."""
    return images + height * (images * (WAVES * 2 * pi / (HIGH - LOW))).sin()


MASKS: Mapping[str, Callable[[Tensor, float], Tensor]] = {"levels": rounded, "ripple": rippled}


class Masked(nn.Module):
    """``network`` behind the mask of that name in `MASKS`, of a given ``strength``. (N, C, H, W) to logits (N, K)."""

    @classmethod
    def behind(cls, mask: str, strength: float, **network: Any) -> "Masked":
        """With the arguments of its `ConvNet` beside its own."""
        return cls(mask, strength, network)

    def __init__(self, mask: str, strength: float, network: Mapping[str, Any]) -> None:
        super().__init__()
        self.config: dict[str, Any] = {"mask": mask, "strength": strength, "network": dict(network)}
        self.network = ConvNet(**network)

    def masked(self, images: Tensor) -> Tensor:
        return MASKS[self.config["mask"]](images, self.config["strength"])

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.network(self.masked(images))
        return logits


Classifier = ConvNet | Masked


def build(**config: Any) -> Classifier:
    """The classifier of a weights file."""
    return Masked(**config) if "mask" in config else ConvNet(**config)


def for_evaluation(model: Classifier) -> Classifier:
    """`cnn.folded`, behind the same mask."""
    if isinstance(model, ConvNet):
        return folded(model)
    copy = Masked(**model.config)
    copy.network = folded(model.network)
    return copy.eval()


def surrogate(model: Classifier) -> Model | None:
    """A model with the outputs of ``model`` and the gradients that it would have without its mask (backward pass
    differentiable approximation, Athalye et al. 2018, section 4.1.1). None where nothing is masked."""
    if isinstance(model, ConvNet):
        return None
    return lambda images: model.network(images + (model.masked(images) - images).detach())
