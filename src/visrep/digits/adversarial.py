"""Adversarial training: ways to attack the images of a batch and to learn from them, and the defence that comes of
it."""

from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from visrep.data import pixels
from visrep.data.store import ImageSet
from visrep.digits import attacks, augment, cnn, labelled, results
from visrep.digits.attacks import Model
from visrep.digits.labelled import Labelled, accuracy
from visrep.machine.device import Machine
from visrep.machine.randomness import generator
from visrep.measures.statistics import wilson_of
from visrep.settings.digits import AdvTrain, Pgd
from visrep.training import loop, weights

TRADES_START = 0.002  # radius of the noise that TRADES starts from, in [-1, 1] units: a quarter of a grey level
VALIDATED = ("val_clean", "val_fgsm", "val_pgd")  # what `validate` tells


@dataclass(frozen=True)
class Objective:
    """The loss of ``settings.method`` on attacks of radius epsilon, which grows from 0 over ``ramp_epochs``."""

    data: Labelled
    settings: AdvTrain

    def __call__(self, model: nn.Module, batch: Tensor, draw: torch.Generator, time: float) -> dict[str, Tensor]:
        settings = self.settings
        images, labels = self.data.at(batch)
        x = augment.digits(pixels.scaled(images), settings.augment, draw)
        epsilon = settings.epsilon * min(1.0, time / settings.ramp_epochs if settings.ramp_epochs else 1.0)
        if settings.method == "fgsm_mix":
            return (fused_mix if settings.fused else mix)(model, x, labels, epsilon, settings.alpha)
        if settings.method == "trades":
            return trades(model, x, labels, epsilon, settings, draw)
        if settings.method == "n_fgsm":
            attacked = attacks.n_fgsm(model, x, labels, epsilon, draw)
        else:
            start = attacks.noise(x, epsilon, draw)
            attacked = _in_evaluation(
                model, partial(_pgd, x=x, y=labels, epsilon=epsilon, settings=settings, start=start)
            )
        return _descend(model, attacked, labels)


def mix(model: nn.Module, x: Tensor, y: Tensor, epsilon: float, alpha: float) -> dict[str, Tensor]:
    """alpha CE(x) + (1 - alpha) CE(x'), x' the FGSM version of x (Goodfellow et al. 2015, section 6): three passes, one
    for the attack and one for each loss."""
    attacked = attacks.fgsm(model, x, y, epsilon)
    clean, hurt = model(x), model(attacked)
    loss = alpha * F.cross_entropy(clean.float(), y) + (1 - alpha) * F.cross_entropy(hurt.float(), y)
    loss.backward()
    return _scalars(loss, clean, hurt, y)


def fused_mix(model: nn.Module, x: Tensor, y: Tensor, epsilon: float, alpha: float) -> dict[str, Tensor]:
    """`mix` in two passes: the backward pass of the clean loss also yields the gradient of the attack.

    The same gradient where the network draws nothing at random; under dropout, attack and clean loss share a mask here.
    ``alpha`` is not 0.
    """
    x = x.detach().requires_grad_()
    clean = model(x)
    clean_loss = alpha * F.cross_entropy(clean.float(), y)
    clean_loss.backward()
    assert x.grad is not None
    hurt = model(attacks.step(x.detach(), x.grad.sign_(), epsilon))
    hurt_loss = (1 - alpha) * F.cross_entropy(hurt.float(), y)
    hurt_loss.backward()
    return _scalars(clean_loss + hurt_loss, clean, hurt, y)


def trades(
    model: nn.Module, x: Tensor, y: Tensor, epsilon: float, settings: AdvTrain, draw: torch.Generator
) -> dict[str, Tensor]:
    """CE(x) + beta KL(p(x) || p(x')), x' the image near x whose answer differs most from p(x) (Zhang et al. 2019,
    equation 5 and algorithm 1): accuracy on clean images against equal answers on attacked ones."""
    with torch.no_grad():
        model.eval()
        answers = model(x).float().softmax(1)
        model.train()
    near = attacks.noise(x, TRADES_START, draw)  # at x itself the divergence is 0, and so is its gradient
    attack = partial(_pgd, x=x, y=answers, epsilon=epsilon, settings=settings, start=near)
    attacked = _in_evaluation(model, attack)
    clean, hurt = model(x), model(attacked)
    apart = F.kl_div(hurt.float().log_softmax(1), clean.float().softmax(1), reduction="batchmean")
    loss = F.cross_entropy(clean.float(), y) + settings.beta * apart
    loss.backward()
    return _scalars(loss, clean, hurt, y)


def _pgd(model: nn.Module, x: Tensor, y: Tensor, epsilon: float, settings: AdvTrain, start: Tensor) -> Tensor:
    """``y`` labels (N,), or probabilities (N, K) to lead away from."""
    size = settings.pgd.step_size * epsilon / settings.epsilon  # the steps grow with the ramp
    return attacks.pgd(model, x, y, epsilon, settings.pgd.steps, size, start)


def _in_evaluation(model: nn.Module, attack: "partial[Tensor]") -> Tensor:
    """Attack the network as it will be used, without touching its batch statistics."""
    model.eval()
    attacked = attack(model)
    model.train()
    return attacked


def _descend(model: nn.Module, attacked: Tensor, y: Tensor) -> dict[str, Tensor]:
    hurt = model(attacked)
    loss = F.cross_entropy(hurt.float(), y)
    loss.backward()
    return {"loss": loss.detach(), "attacked_accuracy": accuracy(hurt, y)}


def _scalars(loss: Tensor, clean: Tensor, hurt: Tensor, y: Tensor) -> dict[str, Tensor]:
    return {"loss": loss.detach(), "accuracy": accuracy(clean, y), "attacked_accuracy": accuracy(hurt, y)}


def validate(model: Model, data: Labelled, epsilon: float, pgd: Pgd, seed: int) -> dict[str, float]:
    """Accuracy in percent on clean, FGSM and PGD images; each image has the same random start at every call. PGD counts
    an image as right only if it is right clean, at the start and after every step."""
    draw = generator(data.labels.device, seed, "validation attack")
    right = torch.zeros(3, dtype=torch.int64)
    for images, y in zip(data.images.split(125), data.labels.split(125), strict=True):
        x = pixels.scaled(images)
        with torch.enable_grad():
            sign, logits = attacks.gradient_sign(model, x, y)
            clean = logits.argmax(1) == y
            start = attacks.noise(x, epsilon, draw)[clean]
            hurt = attacks.pgd_until_wrong(model, x[clean], y[clean], start, epsilon, pgd.steps, pgd.step_size)
        fgsm = model(attacks.step(x, sign, epsilon)).argmax(1) == y
        stands = model(hurt).argmax(1) == y[clean]
        right += torch.stack([clean.sum(), fgsm.sum(), stands.sum()]).cpu()
    clean_share, fgsm_share, pgd_share = (right.double() / len(data.labels) * 100).tolist()
    return dict(zip(VALIDATED, (clean_share, fgsm_share, pgd_share), strict=True))


class Defended(NamedTuple):
    """A classifier trained on attacked images, what came of it, and its ``history``, a row an epoch."""

    model: cnn.ConvNet
    result: results.Defence
    history: list[loop.Row]


def train(
    settings: AdvTrain,
    images: ImageSet,
    trained: cnn.ConvNet,
    machine: Machine,
    checkpoint: Path,
    tell: loop.Tell,
) -> Defended:
    """Train a classifier on attacked images, from the weights of the ``trained`` one where the settings say so.
    Validation images, attacked after each epoch, choose it. Progress lies in ``checkpoint``."""
    data, validation = labelled.divide(
        labelled.labelled(images.train, machine.device), settings.validation, settings.seed
    )
    attacked = Labelled(*(part[: settings.attacked_validation] for part in validation))
    config = settings.model.model_dump() | {"classes": len(images.classes)}
    model = weights.fresh(cnn.ConvNet, config, generator("cpu", settings.seed, "weights"))
    if settings.init == "cnn":
        cnn.copy_weights(trained, model)
    model = machine.place(model)
    fitted = loop.fit(
        model,
        Objective(data, settings),
        loop.shuffled(len(data.labels), machine.device),
        settings,
        ("adv_train", settings.seed),
        validate=lambda kept: validate(
            cnn.folded(kept), attacked, settings.epsilon, settings.validation_pgd, settings.seed
        ),
        checkpoint=checkpoint,
        tell=tell,
        bf16=machine.bf16,
    )
    count, kept = len(attacked.labels), fitted.history[fitted.epoch - 1]
    clean, fgsm, pgd = (wilson_of(kept[name], count) for name in VALIDATED)
    result = results.Defence(
        metrics=results.DefenceMetrics(clean, fgsm, pgd, epochs=len(fitted.history)),
        n=count,
        source=images.source,
        processor=machine.processor,
        epoch=fitted.epoch,
        trained=len(data.labels),
        held_out=tuple(results.HeldOut(name.removeprefix("val_"), kept[name]) for name in VALIDATED),
    )
    return Defended(model, result, fitted.history)
