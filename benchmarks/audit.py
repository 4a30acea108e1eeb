"""The audit beside AutoAttack's own code: what each leaves of the same classifiers, and how long it takes.

python -m benchmarks.audit models/cnn.safetensors models/adv_cnn.safetensors

On 500 test images of the drawn digits, radius 0.1, one thread. APGD on cross entropy and targeted APGD as both ship
them (100 steps, 9 classes), in turns of 100 images: AutoAttack's schedule, where each attack sees what the one before
it left. Then each attack alone on all images. `benchmarks/results/audit.json` holds accuracies and
ratios.
"""

import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from pyautoattack import AutoAttack  # type: ignore[import-untyped]
from torch import Tensor

from benchmarks import measure
from visrep.audit import apgd
from visrep.data import pixels
from visrep.data.embedded import street_digits
from visrep.digits import cnn
from visrep.digits.attacks import Model, noise
from visrep.machine import device
from visrep.machine.randomness import generator
from visrep.settings.runtime import Runtime
from visrep.training import weights

EPSILON, STEPS, TARGETS = 0.1, 100, 9
IMAGES, ROUND, BATCH = 500, 100, 125
Way = Callable[[Tensor, Tensor, tuple[str, ...]], Tensor]  # images, labels and attacks to attacked images
THEIRS = {"apgd_ce": "apgd-ce", "apgd_t": "apgd-t"}


def main() -> None:
    machine = device.prepare(Runtime(device="cpu", threads=1, bf16=False, channels_last=True))
    drawn = street_digits.generate(0, 10, 1500).test
    order = torch.randperm(len(drawn.labels), generator=generator("cpu", "audit"))[:IMAGES]
    x, y = pixels.scaled(torch.from_numpy(drawn.images)[order]), torch.from_numpy(drawn.labels)[order]
    found = {Path(path).stem: _compared(Path(path), machine, x, y) for path in sys.argv[1:]}
    settings = {"images": IMAGES, "epsilon": EPSILON, "steps": STEPS, "targets": TARGETS}
    measure.write("audit", {"settings": settings, "classifiers": found}, ("pyautoattack",))


def _compared(path: Path, machine: device.Machine, x: Tensor, y: Tensor) -> dict[str, Any]:
    plain = weights.load(path, cnn.ConvNet).requires_grad_(False)
    ours = machine.place(cnn.folded(plain))
    seconds: dict[str, list[float]] = {"ours": [], "theirs": []}
    left: dict[str, list[Tensor]] = {"ours": [], "theirs": []}
    for images, labels in zip(x.split(ROUND), y.split(ROUND), strict=True):
        ways: tuple[tuple[str, Way], ...] = (("ours", partial(_ours, ours)), ("theirs", partial(_theirs, plain)))
        for name, way in ways:
            started = time.perf_counter()
            hurt = way(images, labels, tuple(THEIRS))
            seconds[name].append(time.perf_counter() - started)
            left[name].append(_right(plain, hurt, labels))
    rates = {name: [ROUND / one for one in spent] for name, spent in seconds.items()}
    row: dict[str, Any] = {"clean": _percent(_right(plain, x, y))}
    row |= {f"{name}_worst": _percent(torch.cat(parts)) for name, parts in left.items()}
    row["ratio"] = measure.ratio(rates, "ours", "theirs")
    row["seconds"] = {name: round(sum(spent), 1) for name, spent in seconds.items()}
    for attack in THEIRS:
        row[f"ours_{attack}"] = _percent(_right(plain, _ours(ours, x, y, (attack,)), y))
        row[f"theirs_{attack}"] = _percent(_right(plain, _theirs(plain, x, y, (attack,)), y))
    print(path.stem, row, flush=True)
    return row


def _ours(model: Model, x: Tensor, y: Tensor, attacks: tuple[str, ...]) -> Tensor:
    random, moved = generator("cpu", "attack"), x.clone()
    for attack in attacks:
        for part in torch.nonzero(_right(model, moved, y)).flatten().split(BATCH):
            images, labels = x[part], y[part]
            if attack == "apgd_t":
                moved[part] = apgd.towards_each(model, images, labels, EPSILON, STEPS, TARGETS, random)
            else:
                moved[part] = apgd.apgd(model, images, labels, EPSILON, STEPS, noise(images, EPSILON, random))
    return moved


def _theirs(model: Model, x: Tensor, y: Tensor, attacks: tuple[str, ...]) -> Tensor:
    """Their images lie in [0, 1]."""
    names = [THEIRS[attack] for attack in attacks]
    adversary = AutoAttack(
        lambda z: model(z * 2 - 1),
        attacks=names,
        version="custom",
        eps=EPSILON / 2,
        seed=0,
    )
    adversary.apgd.n_restarts = 1  # as its standard version has it
    unit = ((x + 1) / 2).contiguous()  # as their users hand them over; in another layout it stops with an error
    moved: Tensor = adversary.run_standard_evaluation(unit, y, batch_size=BATCH)[0]
    return moved * 2 - 1


@torch.no_grad()
def _right(model: Model, x: Tensor, y: Tensor) -> Tensor:
    return model(x).argmax(1) == y


def _percent(verdicts: Tensor) -> float:
    return round(100 * float(verdicts.double().mean()), 2)


if __name__ == "__main__":
    main()
