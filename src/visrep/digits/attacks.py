"""Attacks in the L-infinity ball, as pure functions of tensors.

x images (N, C, H, W) in [LOW, HIGH], y labels (N,), epsilon in the same units as x. A model is any function from
images to logits (N, K); nothing here changes its mode or its gradients.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

from visrep.data.pixels import HIGH, LOW

Model = Callable[[Tensor], Tensor]


def gradient_sign(model: Model, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """(sign of the gradient of the cross entropy with respect to ``x``, in {-1, 0, 1} and shaped as that; the logits
    (N, K) of ``x``), by one pass forward and back, which serves every epsilon."""
    gradient, logits = _gradient(model, x, y)
    return gradient.sign_(), logits


def _gradient(model: Model, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor]:
    """(that of the cross entropy with respect to ``x``, logits)."""
    x = x.detach().requires_grad_()
    logits = model(x)
    loss = F.cross_entropy(logits.float(), y, reduction="sum")
    (gradient,) = torch.autograd.grad(loss, x)
    return gradient, logits.detach()


def step(x: Tensor, sign: Tensor, epsilon: float) -> Tensor:
    """clip(x + epsilon sign), the FGSM step of Goodfellow et al. 2015, equation 3, kept among images."""
    return torch.add(x, sign, alpha=epsilon).clamp_(LOW, HIGH)


def fgsm(model: Model, x: Tensor, y: Tensor, epsilon: float) -> Tensor:
    """The fast gradient sign method."""
    return step(x, gradient_sign(model, x, y)[0], epsilon)


def noise(x: Tensor, epsilon: float, generator: torch.Generator) -> Tensor:
    """Uniform noise in [-epsilon, epsilon], kept among images: the control that any attack must beat."""
    return step(x, torch.rand(x.shape, generator=generator, device=x.device).mul_(2).sub_(1), epsilon)


def project(x: Tensor, origin: Tensor, epsilon: float) -> Tensor:
    """The nearest point of the epsilon ball around ``origin``, kept among images."""
    return torch.clamp(x, origin - epsilon, origin + epsilon).clamp_(LOW, HIGH)


def pgd(
    model: Model,
    x: Tensor,
    y: Tensor,
    epsilon: float,
    steps: int,
    step_size: float,
    start: Tensor | None = None,
) -> Tensor:
    """Projected gradient descent (Madry et al. 2018, section 2.1), the last iterate.

    Begins at ``start``, such as `noise` around ``x``, or at ``x`` itself. One step of size epsilon from ``x`` is FGSM.
    """
    attacked = x if start is None else start
    for _ in range(steps):
        sign, _ = gradient_sign(model, attacked, y)
        attacked = project(torch.add(attacked, sign, alpha=step_size), x, epsilon)
    return attacked


def pgd_until_wrong(
    model: Model, x: Tensor, y: Tensor, start: Tensor, epsilon: float, steps: int, step_size: float
) -> Tensor:
    """`pgd` from ``start`` that leaves an image alone once the model gets it wrong: an attacker may stop anywhere.

    At least as strong as `pgd`, and cheap on a model that falls at once: the pass that yields the next gradient also
    yields the answer. An image whose gradient is 0 would stay where it is, and is left alone, too.
    """
    attacked = start.clone()
    standing = torch.arange(len(x), device=x.device)
    for _ in range(steps):
        sign, logits = gradient_sign(model, attacked[standing], y[standing])
        goes_on = (logits.argmax(1) == y[standing]) & sign.flatten(1).any(1)
        standing, sign = standing[goes_on], sign[goes_on]
        if len(standing) == 0:
            break
        moved = torch.add(attacked[standing], sign, alpha=step_size)
        attacked[standing] = project(moved, x[standing], epsilon)
    return attacked


def mi_fgsm(model: Model, x: Tensor, y: Tensor, epsilon: float, steps: int) -> Tensor:
    """Momentum iterative FGSM (Dong et al. 2018, algorithm 1) with decay 1, their choice: equal steps along the sign of
    the sum of all gradients so far, each divided by its mean magnitude."""
    attacked, momentum = x, torch.zeros_like(x)
    for _ in range(steps):
        gradient, _ = _gradient(model, attacked, y)
        size = gradient.abs().mean((1, 2, 3), keepdim=True)  # of zeros nothing is added
        momentum = momentum + torch.where(size > 0, gradient / size, 0.0)
        attacked = project(torch.add(attacked, momentum.sign(), alpha=epsilon / steps), x, epsilon)
    return attacked


def n_fgsm(model: Model, x: Tensor, y: Tensor, epsilon: float, generator: torch.Generator) -> Tensor:
    """Noise FGSM for training (de Jorge et al. 2022, algorithm 1): noise in [-2 epsilon, 2 epsilon], then a step of
    epsilon, kept among images but not projected back to the ball."""
    noisy = noise(x, 2 * epsilon, generator)
    return step(noisy, gradient_sign(model, noisy, y)[0], epsilon)


def bounded(x: Tensor, origin: Tensor, epsilon: float, slack: float = 1e-6) -> None:
    """Raises `ArithmeticError` where ``x`` leaves the images or the ball of ``epsilon`` around ``origin``."""
    distance = float((x - origin).abs().max())
    low, high = float(x.min()), float(x.max())
    if distance > epsilon + slack or low < LOW or high > HIGH:
        raise ArithmeticError(f"attacked images lie {distance:g} away (at most {epsilon:g}) in [{low:g}, {high:g}]")
