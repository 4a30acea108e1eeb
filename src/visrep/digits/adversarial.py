"""Adversarial training of the classifier."""

from collections.abc import Callable
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
from visrep.settings.digits import AdvTrain, FgsmMix, FromClassifier, NFgsm, Steps, Trades
from visrep.training import loop, weights

TRADES_START = 0.002  # radius of the noise that TRADES starts from, in [-1, 1] units: a quarter of a grey level
VALIDATED = ("val_clean", "val_fgsm", "val_pgd")  # scalars of `validate`


@dataclass(frozen=True)
class Objective:
    """The loss of ``settings.method`` on attacks of radius epsilon, which grows from 0 over ``ramp_epochs``."""

    data: Labelled
    settings: AdvTrain

    def __call__(self, model: nn.Module, batch: Tensor, rng: torch.Generator, time: float) -> dict[str, Tensor]:
        settings, method = self.settings, self.settings.method
        images, labels = self.data.at(batch)
        x = augment.digits(pixels.scaled(images), settings.augment, rng)
        grown = min(1.0, time / settings.ramp_epochs if settings.ramp_epochs else 1.0)
        epsilon = settings.epsilon * grown
        if isinstance(method, FgsmMix):
            return (fused_mix if method.fused else mix)(model, x, labels, epsilon, method.alpha)
        if isinstance(method, NFgsm):
            return _descend(model, attacks.n_fgsm(model, x, labels, epsilon, rng), labels)
        pgd = partial(attacks.pgd, epsilon=epsilon, steps=method.steps, step_size=method.step_size * grown)
        if isinstance(method, Trades):
            return trades(model, x, labels, pgd, method.beta, rng)
        start = attacks.noise(x, epsilon, rng)
        return _descend(model, _in_evaluation(model, partial(pgd, x=x, y=labels, start=start)), labels)


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

    The same gradient of a deterministic network; under dropout, attack and clean loss share a mask here.
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
    model: nn.Module, x: Tensor, y: Tensor, pgd: Callable[..., Tensor], beta: float, rng: torch.Generator
) -> dict[str, Tensor]:
    """CE(x) + beta KL(p(x) || p(x')), x' the image near x whose prediction differs most from p(x), by an attack
    ``pgd`` (Zhang et al. 2019, equation 5 and algorithm 1): accuracy on clean images traded against equal
    predictions on attacked ones."""
    with torch.no_grad():
        model.eval()
        answers = model(x).float().softmax(1)
        model.train()
    near = attacks.noise(x, TRADES_START, rng)  # at x itself the divergence is 0, and so is its gradient
    attacked = _in_evaluation(model, partial(pgd, x=x, y=answers, start=near))
    clean, hurt = model(x), model(attacked)
    apart = F.kl_div(hurt.float().log_softmax(1), clean.float().softmax(1), reduction="batchmean")
    loss = F.cross_entropy(clean.float(), y) + beta * apart
    loss.backward()
    return _scalars(loss, clean, hurt, y)


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


def validate(model: Model, data: Labelled, epsilon: float, pgd: Steps, seed: int) -> dict[str, float]:
    """Accuracy in percent on clean, FGSM and PGD images; each image has the same random start at every call. PGD counts
    an image as right only if it is right clean, at the start and after every step."""
    rng = generator(data.labels.device, seed, "validation attack")
    right = torch.zeros(3, dtype=torch.int64)
    for images, y in zip(data.images.split(125), data.labels.split(125), strict=True):
        x = pixels.scaled(images)
        with torch.enable_grad():
            sign, logits = attacks.gradient_sign(model, x, y)
            clean = logits.argmax(1) == y
            start = attacks.noise(x, epsilon, rng)[clean]
            hurt = attacks.pgd_until_wrong(model, x[clean], y[clean], start, epsilon, pgd.steps, pgd.step_size)
        fgsm = model(attacks.step(x, sign, epsilon)).argmax(1) == y
        stands = model(hurt).argmax(1) == y[clean]
        right += torch.stack([clean.sum(), fgsm.sum(), stands.sum()]).cpu()
    clean_share, fgsm_share, pgd_share = (right.double() / len(data.labels) * 100).tolist()
    return dict(zip(VALIDATED, (clean_share, fgsm_share, pgd_share), strict=True))


class Defended(NamedTuple):
    """A classifier trained on attacked images, its result, and its ``history``, a row per epoch."""

    model: cnn.ConvNet
    result: results.Defence
    history: list[loop.Row]


def train(
    settings: AdvTrain,
    images: ImageSet,
    trained: cnn.ConvNet,
    machine: Machine,
    checkpoint: Path,
    progress: loop.Progress,
) -> Defended:
    """Train a classifier on attacked images, from the weights of the ``trained`` one where the settings say so.
    The epoch is selected on attacked validation images. Progress is kept in ``checkpoint``."""
    data, validation = labelled.divide(
        labelled.labelled(images.train, machine.device), settings.validation, settings.seed
    )
    attacked = Labelled(*(part[: settings.attacked_validation] for part in validation))
    model = machine.place(_started(settings, trained, len(images.classes)))
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
        progress=progress,
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
        validation=tuple(results.ValidationAccuracy(name.removeprefix("val_"), kept[name]) for name in VALIDATED),
    )
    return Defended(model, result, fitted.history)


def _started(settings: AdvTrain, trained: cnn.ConvNet, classes: int) -> cnn.ConvNet:
    """The network at the start of training."""
    if isinstance(settings.model, FromClassifier):
        started = cnn.ConvNet(**trained.config | {"dropout": settings.model.dropout})
        started.load_state_dict(trained.state_dict())
        return started
    config = settings.model.model_dump(exclude={"init"}) | {"classes": classes}
    return weights.fresh(cnn.ConvNet, config, generator("cpu", settings.seed, "weights"))
