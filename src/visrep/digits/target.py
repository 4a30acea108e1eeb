"""A batch of images under attack, and what the attacks on it share.

N images (N, C, H, W) in [-1, 1], K classes; epsilon in the units of the images.
"""

from functools import cached_property

import torch
from torch import Tensor

from visrep.digits import attacks
from visrep.digits.attacks import Model


class Target:
    """Images ``x`` with labels ``y`` (N,), the attacked ``model``, and its predictions ``clean`` (N,).

    One pass forward and back at ``x`` serves FGSM at every radius: ``sign``, shaped as ``x``, is that of the gradient.
    Gradients are those of ``guide``, such as `in_bf16`, where there is one; predictions never are. Attacks may also be
    computed on another model, ``source``, and transferred. Random starts come from ``generator``.
    """

    def __init__(
        self,
        model: Model,
        x: Tensor,
        y: Tensor,
        guide: Model | None = None,
        source: Model | None = None,
        generator: torch.Generator | None = None,
    ) -> None:
        self.model, self.x, self.y, self.guide = model, x, y, guide
        self._source, self._generator = source, generator
        self.sign, logits = attacks.gradient_sign(guide or model, x, y)
        self.clean = logits.argmax(1) if guide is None else self.predict(x, 0.0)

    @torch.no_grad()
    def predict(self, attacked: Tensor, epsilon: float) -> Tensor:
        """Predictions (N,) of the images, ``attacked`` within ``epsilon``. Raises `ArithmeticError` beyond it."""
        attacks.bounded(attacked, self.x, epsilon)
        return self.model(attacked).argmax(1)

    def fgsm(self, epsilon: float) -> Tensor:
        return self.predict(attacks.step(self.x, self.sign, epsilon), epsilon)

    @property
    def source(self) -> Model:
        if self._source is None:
            raise LookupError("there is no other model to transfer attacks from")
        return self._source

    @cached_property
    def source_sign(self) -> Tensor:
        """Of the gradient of ``source``."""
        return attacks.gradient_sign(self.source, self.x, self.y)[0]

    def noise(self, epsilon: float) -> Tensor:
        """The images with uniform noise of ``epsilon``."""
        if self._generator is None:
            raise LookupError("there is no generator to draw noise from")
        return attacks.noise(self.x, epsilon, self._generator)

    def pgd(self, epsilon: float, steps: int, step_size: float, restarts: int) -> Tensor:
        """Predictions (N,) where an image counts as right only if it is right clean and after every restart.

        With a ``guide`` PGD takes all steps on every image, since the model may be right where the guide is wrong.
        """
        predicted = self.clean.clone()
        for _ in range(restarts):
            standing = torch.nonzero(predicted == self.y).flatten()
            if len(standing) == 0:
                break
            x, y, start = self.x[standing], self.y[standing], self.noise(epsilon)[standing]
            if self.guide is None:
                moved = attacks.pgd_until_wrong(self.model, x, y, start, epsilon, steps, step_size)
            else:
                moved = attacks.pgd(self.guide, x, y, epsilon, steps, step_size, start)
            attacks.bounded(moved, x, epsilon)
            with torch.no_grad():
                predicted[standing] = self.model(moved).argmax(1)
        return predicted


def in_bf16(model: Model, device: torch.device) -> Model:
    """``model`` with its products in bfloat16: faster gradients on some processors, slower on others."""

    def guide(x: Tensor) -> Tensor:
        with torch.autocast(device.type, torch.bfloat16):
            return model(x)

    return guide
