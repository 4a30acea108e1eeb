"""All attacks of the table on one classifier: predictions per image, and accuracies.

N images.
"""

import time
from collections.abc import Iterable

import numpy as np
import torch
from torch import Tensor

from visrep.data import pixels
from visrep.digits import results
from visrep.digits.attacks import Model
from visrep.digits.labelled import Labelled
from visrep.digits.swept import CLEAN, Swept, column, key, packed
from visrep.digits.table import ATTACKS, Attack
from visrep.digits.target import Target, in_bf16
from visrep.machine.randomness import generator
from visrep.measures import statistics
from visrep.records import Interval
from visrep.settings.digits import FgsmSweep
from visrep.training.loop import Progress


def sweep(
    model: Model,
    data: Labelled,
    settings: FgsmSweep,
    source: Model | None = None,
    bf16: bool = False,
    progress: Progress = lambda *_: None,
    table: Iterable[Attack] = ATTACKS,
) -> Swept:
    """Attack ``model`` on every image, also by transfer from ``source`` where there is one. Progress is reported after
    each batch. With ``bf16`` gradients are computed in bfloat16; predictions never are."""
    rng = generator(data.labels.device, settings.seed, "sweep")
    guide = in_bf16(model, data.labels.device) if bf16 else None
    rows = [row for row in table if source is not None or not row.transfers]
    columns: dict[str, list[Tensor]] = {}
    signs: list[np.ndarray] = []
    batches = list(zip(*(part.split(settings.batch_size) for part in data), strict=True))
    started = time.monotonic()
    progress(0, len(batches), 0.0, {})
    for done, (images, labels) in enumerate(batches, 1):
        target = Target(model, pixels.scaled(images), labels, guide, source, rng)
        signs.append(packed(target.sign.permute(0, 2, 3, 1).cpu().numpy()))
        columns.setdefault(CLEAN, []).append(target.clean)
        for row in rows:
            for epsilon in row.radii(settings):
                predicted = row.predict(target, settings, epsilon)
                columns.setdefault(column(row.key, epsilon), []).append(predicted)
        progress(done, len(batches), (time.monotonic() - started) / done, {})
    predictions = {name: torch.cat(parts).to(torch.int16).cpu().numpy() for name, parts in columns.items()}
    return Swept(predictions, np.concatenate(signs))


def result(
    swept: Swept, labels: np.ndarray, source: str, settings: FgsmSweep, table: Iterable[Attack] = ATTACKS
) -> results.Sweep:
    """Accuracies of stored predictions with their intervals; ``labels`` (N,)."""
    clean, chance = statistics.accuracy(swept.clean, labels), statistics.chance(labels)
    attacked: list[results.Attacked] = []
    metrics: dict[str, Interval | float] = {CLEAN: clean}
    for row in table:
        for epsilon in row.radii(settings):
            if not swept.holds(row.key, epsilon):
                continue
            accuracy = statistics.accuracy(swept.under(row.key, epsilon), labels)
            attacked.append(results.Attacked(row.key, row.name, epsilon, accuracy, row.charted))
            if epsilon in row.metrics(settings):
                metrics[key(row.key, epsilon)] = accuracy
    return results.Sweep(metrics, len(labels), source, chance, clean, tuple(attacked), settings.gate_epsilon)


def curves(classifier: str, result: results.Sweep) -> list[dict[str, object]]:
    """Accuracy of a ``classifier`` against radius, a row for each attack and radius: ``epsilon`` in [-1, 1] units,
    ``epsilon_255`` in grey levels, ``accuracy`` with its interval ``low`` to ``high``. Every attack starts at the clean
    accuracy."""
    names = sorted({row.name for row in result.attacks})
    points = [(name, 0.0, result.clean) for name in names]
    points += [(row.name, row.epsilon, row.accuracy) for row in result.attacks]
    return [
        {
            "classifier": classifier,
            "attack": name,
            "epsilon": epsilon,
            "epsilon_255": epsilon * pixels.LEVELS,
            "accuracy": accuracy.value,
            "low": accuracy.low,
            "high": accuracy.high,
        }
        for name, epsilon, accuracy in sorted(points, key=lambda point: point[:2])
    ]
