"""FGSM at five radii with the accuracy at each: the aim is six times the images per second of the fastest toolkit, at
the same accuracies (README.md says what is reached and what bounds it). `benchmarks/results/fgsm_sweep.json` holds the
ratio, its spread and the machine.

Ours is `target.Target` on `cnn.folded`: one gradient for all radii. The toolkits get the trained network in evaluation
mode, as their users would give it to them. `torchattacks_on_folded` gets our folded network in channels_last: what is
left of the ratio there is the one gradient. Each runs with the batch size that suits it best. K radii, N images.
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

from benchmarks import classifier, measure
from benchmarks.classifier import Images
from visrep.digits import cnn
from visrep.digits.target import Target, in_bf16

EPSILONS = (0.01, 0.05, 0.1, 0.2, 0.3)  # on inputs in [-1, 1]
SIZES = (32, 64, 128, 256)  # images in a batch
ROUND, ROUNDS = 256, 5  # images of a round, which are others in each round
MORE = 10_000  # images on which the gradient in bf16 is judged
PEERS, ON_FOLDED = ("foolbox", "art", "torchattacks"), "torchattacks_on_folded"
PACKAGES = ("foolbox", "adversarial-robustness-toolbox", "torchattacks")

Way = Callable[[Tensor, Tensor], Tensor]  # a batch to what is right (1 + K, N): clean, then at each radius


def ours(model: cnn.ConvNet, bf16: bool) -> Way:
    folded = _fast(model)
    guide = in_bf16(folded, torch.device("cpu")) if bf16 else None

    def way(x: Tensor, y: Tensor) -> Tensor:
        x = x.contiguous(memory_format=torch.channels_last)
        target = Target(folded, x, y, guide)
        return torch.stack([target.clean, *(target.fgsm(epsilon) for epsilon in EPSILONS)]) == y

    return way


def by_foolbox(model: nn.Module) -> Way:
    bounded = foolbox.PyTorchModel(model, bounds=(-1, 1), device="cpu")
    attack = foolbox.attacks.LinfFastGradientAttack(random_start=False)

    def way(x: Tensor, y: Tensor) -> Tensor:
        with torch.no_grad():
            clean = bounded(x).argmax(1) == y
        _, _, fooled = attack(bounded, x, y, epsilons=list(EPSILONS))  # evaluates on the way
        return torch.cat([clean[None], ~fooled])

    return way


def by_art(model: nn.Module) -> Way:
    arguments = {"loss": nn.CrossEntropyLoss(), "input_shape": (3, 32, 32), "nb_classes": 10}
    estimator = PyTorchClassifier(model, clip_values=(-1, 1), device_type="cpu", **arguments)

    def way(x: Tensor, y: Tensor) -> Tensor:
        images, labels, size = x.numpy(), y.numpy(), len(x)
        predicted = [estimator.predict(images, batch_size=size)]
        for epsilon in EPSILONS:
            attack = FastGradientMethod(estimator, eps=epsilon, batch_size=size)
            predicted.append(estimator.predict(attack.generate(images, labels), batch_size=size))
        return torch.from_numpy(np.stack(predicted).argmax(2) == labels)

    return way


def by_torchattacks(model: nn.Module) -> Way:
    unit = _Unit(model).eval()  # it clamps to [0, 1], so that is what it gets

    @torch.no_grad()
    def right(x: Tensor, y: Tensor) -> Tensor:
        return unit(x).argmax(1) == y

    def way(x: Tensor, y: Tensor) -> Tensor:
        x = (x + 1) / 2
        return torch.stack([right(x, y), *(right(torchattacks.FGSM(unit, e / 2)(x, y), y) for e in EPSILONS)])

    return way


class _Unit(nn.Module):
    """A network of images in [-1, 1] as one of images in [0, 1]."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model = model

    def forward(self, x: Tensor) -> Tensor:
        logits: Tensor = self.model(x * 2 - 1)
        return logits


def _fast(model: cnn.ConvNet) -> cnn.ConvNet:
    return cnn.folded(model).to(memory_format=torch.channels_last)


def _channels_last(way: Way) -> Way:
    return lambda x, y: way(x.contiguous(memory_format=torch.channels_last), y)


def _ways(model: cnn.ConvNet) -> dict[str, Way]:
    return {
        "ours": ours(model, bf16=False),
        "ours_bf16": ours(model, bf16=True),
        "foolbox": by_foolbox(model),
        "art": by_art(model),
        "torchattacks": by_torchattacks(model),
        ON_FOLDED: _channels_last(by_torchattacks(_fast(model))),
    }


def _attack(way: Way, images: Images, size: int) -> Tensor:
    """How many images are right (1 + K,)."""
    batches = zip(images.x.split(size), images.y.split(size), strict=True)
    return torch.stack([way(x, y).sum(1) for x, y in batches]).sum(0)


def main() -> None:
    seen, drawn = classifier.images(2000, MORE)
    judged = Images(*(part[: ROUND * ROUNDS] for part in drawn))
    ways = _ways(classifier.trained(seen, epochs=4))
    first = Images(*(part[:ROUND] for part in judged))
    sizes = {name: measure.fastest(SIZES, partial(_attack, way, first)) for name, way in ways.items()}
    right = {name: torch.zeros(ROUNDS, 1 + len(EPSILONS)) for name in ways}

    def work(name: str, turn: int) -> int:
        images = Images(*(part[turn * ROUND : (turn + 1) * ROUND] for part in judged))
        right[name][turn] = _attack(ways[name], images, sizes[name])
        return ROUND

    rates = measure.interleaved({name: partial(work, name) for name in ways}, ROUNDS)
    accuracies = {name: counts.sum(0) / len(judged.y) * 100 for name, counts in right.items()}
    exact, narrow = (_attack(ways[name], drawn, SIZES[0]) / len(drawn.y) * 100 for name in ("ours", "ours_bf16"))
    measure.write("fgsm_sweep", _found(rates, accuracies, sizes, narrow - exact), PACKAGES)


def _found(
    rates: measure.Rates, accuracies: dict[str, Tensor], sizes: dict[str, int], narrow: Tensor
) -> dict[str, object]:
    """``narrow``: by how much accuracy, clean and at each radius, is other where gradients are of bf16."""
    peer = measure.quickest(rates, PEERS)
    reference = accuracies["ours"]
    return {
        "ratio": measure.ratio(rates, "ours", peer),
        "ratio_bf16": measure.ratio(rates, "ours_bf16", peer),
        "fastest_peer": peer,
        "ratio_on_folded": measure.ratio(rates, "ours", ON_FOLDED),
        "images_per_second": {name: measure.summary(values) for name, values in rates.items()},
        "accuracy": {name: [round(float(a), 2) for a in found] for name, found in accuracies.items()},
        "largest_accuracy_difference": {
            name: round(float((found - reference).abs().max()), 3) for name, found in accuracies.items()
        },
        "bf16_accuracy_difference": {"images": MORE, "points": [round(float(points), 3) for points in narrow]},
        "settings": {"epsilons": EPSILONS, "images": ROUND * ROUNDS, "images_of_a_round": ROUND}
        | {"batch_sizes_tried": SIZES, "batch_size": sizes, "classifier": classifier.CONFIG},
    }
