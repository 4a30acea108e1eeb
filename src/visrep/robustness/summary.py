"""What the stored predictions of a sweep say: no network needed.

N images, K classes. A column is "clean" or "<attack> <radius>".
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from visrep.data.pixels import LEVELS
from visrep.readers import statistics
from visrep.readers.statistics import Interval
from visrep.robustness.gates import Gate

Columns = Mapping[str, np.ndarray]


def accuracies(columns: Columns, labels: np.ndarray) -> dict[str, Interval]:
    return {name: statistics.accuracy(column, labels) for name, column in columns.items()}


def curve(found: Mapping[str, Interval]) -> pd.DataFrame:
    """Accuracy against radius, one row per attack and radius: ``epsilon`` in [-1, 1] units, ``epsilon_255`` in grey
    levels, ``accuracy`` with its interval ``low`` to ``high``. Every attack starts at the clean accuracy."""
    attacked = [(*_parts(name), interval) for name, interval in found.items() if name != "clean"]
    origins = [(attack, 0.0, found["clean"]) for attack in dict.fromkeys(attack for attack, _, _ in attacked)]
    rows = [
        {
            "attack": attack.replace("_", " "),
            "epsilon": radius,
            "epsilon_255": radius * LEVELS,
            "accuracy": interval.value,
            "low": interval.low,
            "high": interval.high,
        }
        for attack, radius, interval in [*origins, *attacked]
    ]
    return pd.DataFrame(rows).sort_values(["attack", "epsilon"], kind="stable", ignore_index=True)


def _parts(column: str) -> tuple[str, float]:
    attack, radius = column.split()
    return attack, float(radius)


def metrics(
    found: Mapping[str, Interval], radii: Sequence[float], gate: float, gates: Sequence[Gate]
) -> dict[str, float]:
    """The numbers of the metrics file: clean, FGSM at every radius, PGD and noise at the gates' radius, the verdict."""
    names = [("fgsm", radius) for radius in radii] + [("pgd", gate), ("noise", gate)]
    values = {f"{name}_eps_{radius:g}".replace(".", "_"): found[f"{name} {radius:g}"].value for name, radius in names}
    masked = any(verdict.name == "no_masking" and not verdict.passed for verdict in gates)
    return {"clean": found["clean"].value, **values, "masking_suspected": masked}


def gate_metrics(found: Mapping[str, Interval], gate: float, gates: Sequence[Gate]) -> dict[str, float]:
    """1 for each gate that passed, 0 for each that failed, and the number that `metrics` lacks for comparing."""
    more = f"pgd_more_steps {gate:g}"
    return {verdict.name: verdict.passed for verdict in gates} | {"pgd_more_steps": found[more].value}
