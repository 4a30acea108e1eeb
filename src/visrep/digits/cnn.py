"""The classifier.

N images, K classes.
"""

import copy
from collections.abc import Sequence
from typing import Any

from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

from visrep.data.store import SIZE


class ConvNet(nn.Module):
    """Blocks of [convolution 3x3, batch norm, ReLU] x depth, max pool 2, dropout; then two fully connected layers.

    (N, 3, 32, 32) in [-1, 1] to logits (N, K).
    """

    def __init__(self, channels: Sequence[int], depth: int, hidden: int, dropout: float, classes: int) -> None:
        super().__init__()
        self.config: dict[str, Any] = {
            "channels": list(channels),
            "depth": depth,
            "hidden": hidden,
            "dropout": dropout,
            "classes": classes,
        }
        widths = (3, *channels)
        blocks = (self._block(*pair, depth, dropout) for pair in zip(widths, channels, strict=False))
        self.features = nn.Sequential(*blocks)
        side = SIZE // 2 ** len(channels)
        self.head = nn.Sequential(
            nn.Flatten(),
            nn.Linear(channels[-1] * side * side, hidden),
            nn.ReLU(),
            nn.Dropout(dropout),
            nn.Linear(hidden, classes),
        )

    @staticmethod
    def _block(before: int, after: int, depth: int, dropout: float) -> nn.Sequential:
        layers: list[nn.Module] = []
        for width in [before, *[after] * (depth - 1)]:
            layers += [nn.Conv2d(width, after, 3, padding=1), nn.BatchNorm2d(after), nn.ReLU()]
        return nn.Sequential(*layers, nn.MaxPool2d(2), nn.Dropout(dropout))

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.head(self.features(images))
        return logits


def sharpened(model: ConvNet, temperature: float) -> ConvNet:
    """A copy whose logits are ``temperature`` times as large."""
    model = copy.deepcopy(model)
    last = model.head[-1]
    assert isinstance(last, nn.Linear)
    last.weight.data.mul_(temperature)
    last.bias.data.mul_(temperature)
    return model


def folded(model: ConvNet) -> ConvNet:
    """A copy for evaluation: each batch norm folded into the convolution before it, pools before the ReLUs they follow,
    no dropout, no weight gradients.

    The same function up to rounding, with about half the memory traffic: after a pool of 2 x 2 the ReLU, which commutes
    with it, has a quarter of the values.
    """
    model = copy.deepcopy(model).eval().requires_grad_(False)
    for name, block in model.features.named_children():
        layers: list[nn.Module] = []
        for layer in block.children():
            if isinstance(layer, nn.BatchNorm2d) and isinstance(layers[-1], nn.Conv2d):
                layers[-1] = fuse_conv_bn_eval(layers[-1], layer)
            elif isinstance(layer, nn.MaxPool2d) and isinstance(layers[-1], nn.ReLU):
                layers.insert(-1, layer)
            elif not isinstance(layer, nn.Dropout):
                layers.append(layer)
        setattr(model.features, name, nn.Sequential(*layers))
    return model
