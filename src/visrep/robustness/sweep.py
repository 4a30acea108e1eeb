"""Every attack on one classifier, stored per image.

N images; A attacks, each with a radius; E radii.
"""

import time
from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from visrep.data import pixels
from visrep.data.labelled import Labelled
from visrep.machine.randomness import generator
from visrep.robustness import attacks
from visrep.robustness.attacks import Model
from visrep.robustness.gates import FAR
from visrep.robustness.swept import Attack, Swept, packed
from visrep.settings.fgsm_sweep import FgsmSweep
from visrep.stage.run import Tell


class Fgsm(NamedTuple):
    """Predictions (N,) of clean images and at each radius, and the ``sign`` of the gradient, shaped as the images."""

    clean: Tensor
    attacked: dict[float, Tensor]
    sign: Tensor


def fgsm(model: Model, x: Tensor, y: Tensor, epsilons: Sequence[float], guide: Model | None = None) -> Fgsm:
    """FGSM at E radii, with predictions: one gradient serves them all, so E + 1 passes forward and one back.

    The gradient is that of ``guide``, such as `in_bf16`, where there is one: one more pass.
    """
    sign, logits = attacks.look(guide or model, x, y)
    clean = logits.argmax(1) if guide is None else _predict(model, x, x, 0.0)
    attacked = {epsilon: _predict(model, attacks.step(x, sign, epsilon), x, epsilon) for epsilon in epsilons}
    return Fgsm(clean, attacked, sign)


def in_bf16(model: Model, device: torch.device) -> Model:
    """``model`` with its products in bfloat16: faster gradients where the processor has them, slower elsewhere."""

    def guide(x: Tensor) -> Tensor:
        with torch.autocast(device.type, torch.bfloat16):
            return model(x)

    return guide


def sweep(
    model: Model,
    data: Labelled,
    settings: FgsmSweep,
    source: Model | None = None,
    bf16: bool = False,
    tell: Tell = lambda *_: None,
) -> Swept:
    """Attack ``model`` on every image: FGSM, PGD, noise, and what transfers from ``source`` where there is one. Each
    batch that is done is told of.

    With ``bf16`` the gradients are taken in bfloat16; predictions never are, so that PGD then takes all its steps on
    every image: what bfloat16 gets wrong need not have fallen.
    """
    draw = generator(data.labels.device, settings.seed, "sweep")
    guide = in_bf16(model, data.labels.device) if bf16 else None
    columns: dict[str, list[Tensor]] = {}
    signs: list[np.ndarray] = []
    batches = list(zip(*(part.split(settings.batch_size) for part in data), strict=True))
    started = time.monotonic()
    tell(0, len(batches), 0.0, {})
    for done, (images, labels) in enumerate(batches, 1):
        x = pixels.scaled(images)
        found = fgsm(model, x, labels, (*settings.epsilons, FAR), guide)
        signs.append(_bits(found.sign))
        columns.setdefault("clean", []).append(found.clean)
        for attack, predicted in _attacked(model, guide, x, labels, found, settings, draw, source):
            columns.setdefault(str(attack), []).append(predicted)
        tell(done, len(batches), (time.monotonic() - started) / done, {})
    predictions = {name: torch.cat(parts).to(torch.int16).cpu().numpy() for name, parts in columns.items()}
    return Swept(predictions, np.concatenate(signs))


def _attacked(
    model: Model,
    guide: Model | None,
    x: Tensor,
    y: Tensor,
    found: Fgsm,
    settings: FgsmSweep,
    draw: torch.Generator,
    source: Model | None,
) -> Iterable[tuple[Attack, Tensor]]:
    gate, pgd = settings.gate_epsilon, settings.pgd
    for epsilon, predicted in found.attacked.items():
        yield Attack("fgsm", epsilon), predicted
    for epsilon in settings.epsilons:
        yield Attack("noise", epsilon), _predict(model, attacks.noise(x, epsilon, draw), x, epsilon)
    for epsilon in (*pgd.epsilons, FAR):
        yield Attack("pgd", epsilon), _worst(model, guide, x, y, found.clean, epsilon, pgd.steps, settings, draw)
    yield Attack("pgd_more_steps", gate), _worst(model, guide, x, y, found.clean, gate, pgd.more_steps, settings, draw)
    if source is not None:
        foreign = attacks.look(source, x, y).sign
        for epsilon in settings.epsilons:
            yield Attack("transfer_fgsm", epsilon), _predict(model, attacks.step(x, foreign, epsilon), x, epsilon)
        start = attacks.noise(x, gate, draw)
        moved = attacks.pgd(source, x, y, gate, pgd.steps, pgd.step_share * gate, start)
        yield Attack("transfer_pgd", gate), _predict(model, moved, x, gate)


def _worst(
    model: Model,
    guide: Model | None,
    x: Tensor,
    y: Tensor,
    clean: Tensor,
    epsilon: float,
    steps: int,
    settings: FgsmSweep,
    draw: torch.Generator,
) -> Tensor:
    """Predictions (N,) where an image counts as right only if it is right clean and after every restart."""
    predicted = clean.clone()
    for _ in range(settings.pgd.restarts):
        standing = torch.nonzero(predicted == y).flatten()
        if len(standing) == 0:
            break
        origin, start = x[standing], attacks.noise(x, epsilon, draw)[standing]
        size = settings.pgd.step_share * epsilon
        if guide is None:
            moved = attacks.pgd_until_wrong(model, origin, y[standing], start, epsilon, steps, size)
        else:
            moved = attacks.pgd(guide, origin, y[standing], epsilon, steps, size, start)
        predicted[standing] = _predict(model, moved, origin, epsilon)
    return predicted


@torch.no_grad()
def _predict(model: Model, attacked: Tensor, origin: Tensor, epsilon: float) -> Tensor:
    attacks.bounded(attacked, origin, epsilon)
    return model(attacked).argmax(1)


def _bits(sign: Tensor) -> np.ndarray:
    return packed(sign.permute(0, 2, 3, 1).cpu().numpy())
