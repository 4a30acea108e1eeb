"""Claim: a training step on clean and FGSM images (alpha 0.8, epsilon 0.1) with `adversarial.fused_mix`, channels_last,
aims at 2.5 times the speed of `adversarial.mix`, three passes in torch's default layout, float32 against float32.
`benchmarks/results/fgsm_training_step.json` holds the ratio, its spread and the machine.

Beside them the toolkits' way: their attack makes the attacked batch, then two losses and one step. Every contestant
trains its own copy of the same network; a step ends with the optimizer.
"""

from collections.abc import Callable
from functools import partial

import foolbox
import numpy as np
import torch
import torchattacks
from art.attacks.evasion import FastGradientMethod
from art.estimators.classification import PyTorchClassifier
from torch import Tensor, nn
from torch.nn import functional as F

from benchmarks import classifier, measure
from benchmarks.classifier import Images
from visrep.digits import adversarial, cnn
from visrep.machine.randomness import generator
from visrep.training import weights

EPSILON, ALPHA = 0.1, 0.8
SIZES = (64, 128)  # images of a batch
ROUND, ROUNDS = 128, 6  # images
PLAIN, PEERS = "plain", ("foolbox", "art", "torchattacks")
PACKAGES = ("foolbox", "adversarial-robustness-toolbox", "torchattacks")

Step = Callable[[Tensor, Tensor], None]  # a batch: the network moves


def optimized(model: nn.Module, descend: Callable[[nn.Module, Tensor, Tensor], object], bf16: bool = False) -> Step:
    """``descend`` accumulates gradients; then plain SGD."""
    optimizer = torch.optim.SGD(model.parameters(), 0.01, momentum=0.9)

    def step(x: Tensor, y: Tensor) -> None:
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
            descend(model, x, y)
        optimizer.step()

    return step


def ours(bf16: bool) -> Step:
    model = classifier.fresh().to(memory_format=torch.channels_last).train()
    step = optimized(model, partial(adversarial.fused_mix, epsilon=EPSILON, alpha=ALPHA), bf16)
    return lambda x, y: step(x.contiguous(memory_format=torch.channels_last), y)


def plain() -> Step:
    return optimized(classifier.fresh().train(), partial(adversarial.mix, epsilon=EPSILON, alpha=ALPHA))


def with_attack(attack: Callable[[nn.Module, Tensor, Tensor], Tensor]) -> Step:
    def descend(model: nn.Module, x: Tensor, y: Tensor) -> None:
        attacked = attack(model.eval(), x, y)
        model.train().zero_grad()
        (ALPHA * F.cross_entropy(model(x), y) + (1 - ALPHA) * F.cross_entropy(model(attacked), y)).backward()

    return optimized(classifier.fresh(), descend)


def by_foolbox(model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    bounded = foolbox.PyTorchModel(model, bounds=(-1, 1), device="cpu")
    attacked: Tensor = foolbox.attacks.LinfFastGradientAttack(random_start=False).run(bounded, x, y, epsilon=EPSILON)
    return attacked


def by_art(model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    arguments = {"loss": nn.CrossEntropyLoss(), "input_shape": (3, 32, 32), "nb_classes": 10}
    estimator = PyTorchClassifier(model, clip_values=(-1, 1), device_type="cpu", **arguments)
    attack = FastGradientMethod(estimator, eps=EPSILON, batch_size=len(x))
    return torch.from_numpy(attack.generate(x.numpy(), y.numpy()).astype(np.float32))


def by_torchattacks(model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    """It clamps to [0, 1], so that is what it gets."""
    unit = nn.Sequential(_Widen(), model).eval()
    attacked: Tensor = torchattacks.FGSM(unit, EPSILON / 2)((x + 1) / 2, y)
    return attacked * 2 - 1


class _Widen(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x * 2 - 1


def _steps() -> dict[str, Step]:
    peers = {name: with_attack(by) for name, by in zip(PEERS, (by_foolbox, by_art, by_torchattacks), strict=True)}
    return {"ours": ours(bf16=False), "ours_bf16": ours(bf16=True), PLAIN: plain(), **peers}


def _train(step: Step, images: Images, size: int) -> int:
    for x, y in zip(images.x.split(size), images.y.split(size), strict=True):
        step(x, y)
    return len(images.y)


def main() -> None:
    images, _ = classifier.images(ROUND, 1)
    torch.manual_seed(0)  # dropout
    steps = _steps()

    def work(name: str, _: int) -> int:
        return _train(steps[name], images, sizes[name])

    sizes = {name: measure.fastest(SIZES, partial(_train, step, images)) for name, step in steps.items()}
    rates = measure.interleaved({name: partial(work, name) for name in steps}, ROUNDS)
    peer = measure.quickest(rates, PEERS)
    found = {
        "ratio": measure.ratio(rates, "ours", PLAIN),
        "ratio_bf16": measure.ratio(rates, "ours_bf16", PLAIN),
        "ratio_to_toolkits": measure.ratio(rates, "ours", peer),
        "fastest_toolkit": peer,
        "images_per_second": {name: measure.summary(values) for name, values in rates.items()},
        "gradient_difference": _difference(images),
        "settings": {"epsilon": EPSILON, "alpha": ALPHA, "images_of_a_round": ROUND, "batch_sizes_tried": SIZES}
        | {"batch_size": sizes, "classifier": classifier.CONFIG},
    }
    measure.write("fgsm_training_step", found, PACKAGES)


def _difference(images: Images) -> dict[str, float]:
    """How far the gradient of ours lies from that of the plain way, relative to its length, on one batch without
    dropout."""
    batch = Images(*(part[:64] for part in images))
    wanted = _gradient(adversarial.mix, batch, bf16=False)
    found = {
        name: _gradient(adversarial.fused_mix, batch, bf16) for name, bf16 in (("ours", False), ("ours_bf16", True))
    }
    return {name: float(f"{(gradient - wanted).norm() / wanted.norm():.2g}") for name, gradient in found.items()}


def _gradient(way: Callable[..., object], batch: Images, bf16: bool) -> Tensor:
    model = weights.fresh(cnn.ConvNet, classifier.CONFIG | {"dropout": 0.0}, generator("cpu", "classifier")).train()
    with torch.autocast("cpu", torch.bfloat16, enabled=bf16):
        way(model, batch.x, batch.y, EPSILON, ALPHA)
    return torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])
