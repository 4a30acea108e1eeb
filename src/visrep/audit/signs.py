"""Signs of masked gradients, under which attacks fail though the classifier is not robust (Athalye et al. 2018,
section 3; Carlini et al. 2019).

N images (N, C, H, W) in [-1, 1], labels (N,); epsilon in the units of the images; shares in percent of the images.
"""

import torch
from torch import Tensor
from torch.nn import functional as F

from visrep.audit import apgd
from visrep.audit.margins import margin, with_gradient
from visrep.audit.results import Line, Signs
from visrep.digits.attacks import Model, noise, step

NEAR = 0.25  # of epsilon: a step along the gradient
ON_THE_WAY = 8  # points of the FGSM step at which answers are looked at
KEPT = 0.1  # of the change that the gradient predicts for such a step: with less, the gradient says nothing
DIRECTIONS = ("along the gradient (FGSM)", "to the attacked image (APGD)", "random")
POINTS, REACH = 12, 1.5  # of a line: distances, and how far they go, in epsilon


def signs(model: Model, x: Tensor, y: Tensor, epsilon: float) -> Signs:
    """Of images that the model reads rightly, N >= 1."""
    gradient, loss, logits = _gradient(model, x, y)
    towards = gradient.sign()
    with torch.no_grad():
        again, near = model(x), _cross_entropy(model, step(x, towards, NEAR * epsilon), y)
        on_the_way = [step(x, towards, epsilon * k / ON_THE_WAY) for k in range(1, ON_THE_WAY + 1)]
        wrong = torch.stack([model(moved).argmax(1) != y for moved in on_the_way])
    return Signs(
        random_outputs=bool((again != logits).any()),
        probabilities=_probabilities(logits),
        optimises=_optimises(model, x[:1]),
        zero_gradient=_share((gradient == 0).flatten(1).all(1)),
        wild_gradient=_share(_wild(model, x, y, NEAR * epsilon)),
        flat_loss=_share(~(near > loss)),
        right_again=_share(wrong[:-1].any(0) & ~wrong[-1]),
    )


def _wild(model: Model, x: Tensor, y: Tensor, distance: float) -> Tensor:
    """(N,) whether a step along the gradient of the margin lowers the margin by less than a tenth of what the gradient
    predicts, or the gradient is not finite. Of the margin, whose gradient does not vanish where answers are
    confident."""
    before, gradient = with_gradient(model, x, y)
    predicted = distance * gradient.abs().sum((1, 2, 3))
    with torch.no_grad():
        lost = before - margin(model(step(x, gradient.sign(), -distance)).float(), y)
    return ~(lost >= KEPT * predicted)


def lines(model: Model, x: Tensor, y: Tensor, epsilon: float, generator: torch.Generator) -> tuple[Line, ...]:
    """Cross entropy on the way from each image along its gradient, to what APGD makes of it, and in a random direction
    of full length: median and quartiles over the images."""
    gradient, _, _ = _gradient(model, x, y)
    start = noise(x, epsilon, generator)
    attacked = apgd.apgd(model, x, y, epsilon, 20, start)
    towards = (gradient.sign(), (attacked - x) / epsilon, noise(torch.zeros_like(x), 1.0, generator).sign())
    rows = []
    for name, direction in zip(DIRECTIONS, towards, strict=True):
        for k in range(POINTS + 1):
            distance = REACH * epsilon * k / POINTS
            with torch.no_grad():
                loss = _cross_entropy(model, step(x, direction, distance), y)
            low, middle, high = loss.quantile(torch.tensor([0.25, 0.5, 0.75], device=loss.device)).tolist()
            rows.append(Line(name, distance, middle, low, high))
    return tuple(rows)


def _gradient(model: Model, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """(of the cross entropy with respect to x, cross entropy (N,), logits)."""
    x = x.detach().requires_grad_()
    logits = model(x)
    loss = F.cross_entropy(logits.float(), y, reduction="none")
    (gradient,) = torch.autograd.grad(loss.sum(), x)
    return gradient, loss.detach(), logits.detach()


def _cross_entropy(model: Model, x: Tensor, y: Tensor) -> Tensor:
    return F.cross_entropy(model(x).float(), y, reduction="none")


def _probabilities(logits: Tensor) -> bool:
    """Whether rows look like probabilities: the loss would take a softmax of a softmax."""
    return bool((logits >= 0).all() and ((logits.sum(1) - 1).abs() < 1e-3).all())


def _optimises(model: Model, x: Tensor) -> bool:
    """Whether the model needs gradients to answer: attacks would have to go through its optimisation."""
    try:
        with torch.inference_mode():
            model(x)
    except RuntimeError:
        return True
    return False


def _share(which: Tensor) -> float:
    return 100 * float(which.double().mean())
