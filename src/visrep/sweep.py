"""Every attack on one classifier, stored per image.

N images; A attacks, each with a radius; E radii.
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from visrep import attacks, pixels
from visrep.attacks import Model
from visrep.gates import FAR
from visrep.labelled import Labelled
from visrep.randomness import generator
from visrep.settings.fgsm_sweep import FgsmSweep

class Attack(NamedTuple):
    """One column of the result."""

    name: str
    epsilon: float

    def __str__(self) -> str:
        return f"{self.name} {self.epsilon:g}"


class Swept(NamedTuple):
    """``predictions`` of each attack (N,) int16; ``signs`` (N, 2, 384) uint8, the bits of where the gradient of the
    clean image is positive and where it is negative, in the order (H, W, C): FGSM at any radius can be redrawn."""

    predictions: dict[str, np.ndarray]
    signs: np.ndarray

    def table(self) -> np.ndarray:
        """One structured array (N,): a field per attack, then ``signs``."""
        fields = [(name, np.int16) for name in self.predictions] + [("signs", np.uint8, self.signs.shape[1:])]
        table = np.zeros(len(self.signs), fields)
        for name, column in self.predictions.items():
            table[name] = column
        table["signs"] = self.signs
        return table


def sweep(
    model: Model, data: Labelled, settings: FgsmSweep, source: Model | None = None, bf16: bool = False
) -> Swept:
    """Attack ``model`` on every image: FGSM, PGD, noise, and what transfers from ``source`` where there is one.

    With ``bf16`` the gradients are taken in bfloat16; predictions never are.
    """
    draw = generator(data.labels.device, settings.seed, "sweep")
    guide = _in_bf16(model, data.labels.device) if bf16 else model
    columns: dict[str, list[Tensor]] = {}
    signs: list[Tensor] = []
    for images, labels in zip(*(part.split(settings.batch_size) for part in data), strict=True):
        x = pixels.scaled(images)
        found = attacks.look(guide, x, labels)
        signs.append(_bits(found.sign))
        clean = _predict(model, x, x, 0.0) if bf16 else found.logits.argmax(1)
        columns.setdefault("clean", []).append(clean)
        for attack, predicted in _attacked(model, guide, x, labels, clean, found.sign, settings, draw, source):
            columns.setdefault(str(attack), []).append(predicted)
    predictions = {name: torch.cat(parts).to(torch.int16).cpu().numpy() for name, parts in columns.items()}
    return Swept(predictions, torch.cat(signs).cpu().numpy())


def _attacked(
    model: Model,
    guide: Model,
    x: Tensor,
    y: Tensor,
    clean: Tensor,
    sign: Tensor,
    settings: FgsmSweep,
    draw: torch.Generator,
    source: Model | None,
) -> Iterable[tuple[Attack, Tensor]]:
    gate, pgd = settings.gate_epsilon, settings.pgd
    for epsilon in (*settings.epsilons, FAR):
        yield Attack("fgsm", epsilon), _predict(model, attacks.step(x, sign, epsilon), x, epsilon)
    for epsilon in settings.epsilons:
        yield Attack("noise", epsilon), _predict(model, attacks.noise(x, epsilon, draw), x, epsilon)
    for epsilon in (*pgd.epsilons, FAR):
        yield Attack("pgd", epsilon), _worst(model, guide, x, y, clean, epsilon, pgd.steps, settings, draw)
    yield Attack("pgd_more_steps", gate), _worst(model, guide, x, y, clean, gate, pgd.more_steps, settings, draw)
    if source is not None:
        foreign = attacks.look(source, x, y).sign
        for epsilon in settings.epsilons:
            yield Attack("transfer_fgsm", epsilon), _predict(model, attacks.step(x, foreign, epsilon), x, epsilon)
        moved = attacks.pgd(source, x, y, gate, pgd.steps, pgd.step_share * gate, draw)
        yield Attack("transfer_pgd", gate), _predict(model, moved, x, gate)


def _worst(
    model: Model,
    guide: Model,
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
        origin = x[standing]
        size = settings.pgd.step_share * epsilon
        moved = attacks.pgd_until_wrong(guide, origin, y[standing], epsilon, steps, size, draw)
        predicted[standing] = _predict(model, moved, origin, epsilon)
    return predicted


def _in_bf16(model: Model, device: torch.device) -> Model:
    def guide(x: Tensor) -> Tensor:
        with torch.autocast(device.type, torch.bfloat16):
            return model(x)

    return guide


@torch.no_grad()
def _predict(model: Model, attacked: Tensor, origin: Tensor, epsilon: float) -> Tensor:
    attacks.bounded(attacked, origin, epsilon)
    return model(attacked).argmax(1)


def _bits(sign: Tensor) -> Tensor:
    """(N, C, H, W) in {-1, 0, 1} to (N, 2, C H W / 8) packed bits."""
    flat = sign.permute(0, 2, 3, 1).flatten(1)
    both = torch.stack([flat > 0, flat < 0], 1)
    return torch.from_numpy(np.packbits(both.cpu().numpy(), axis=-1))
