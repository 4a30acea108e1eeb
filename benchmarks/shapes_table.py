"""What encoders of drawn shapes keep, over several seeds, as a Markdown table on new images:

    python -m benchmarks.shapes_table 0 1 2 similarity.encoder.places=1

runs the stages `similarity` and `factors` of every family for each of those seeds (of weights, held-out images, order
and redrawings; the images stay the same), with the parameters of params.yaml but for those given.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import yaml

from visrep import records
from visrep.shapes import redrawn
from visrep.shapes.results import (
    AGREEMENT,
    CONFIRMED,
    MOVEMENT,
    NEW,
    PROBE,
    REFUTED,
    UNDECIDED,
    Factors,
    Reading,
)
from visrep.stage import params

MARKS = {CONFIRMED: "✓", REFUTED: "✗", UNDECIDED: "?"}
ROOT = Path(__file__).parents[1]


def main() -> None:
    seeds = [int(word) for word in sys.argv[1:] if "=" not in word]
    changes = dict(word.split("=") for word in sys.argv[1:] if "=" in word)
    with tempfile.TemporaryDirectory() as folder:
        studies = [_study(Path(folder), seed, changes) for seed in seeds]
    print(table(studies))


def _study(folder: Path, seed: int, changes: dict[str, str]) -> dict[str, Factors]:
    """What came of every family, by name."""
    values = params.load(ROOT / "params.yaml")
    for key, value in {"similarity.seed": str(seed), "factors.seed": str(seed), **changes}.items():
        *path, last = key.split(".")
        section = values
        for name in path:
            section = section[name]
        section[last] = yaml.safe_load(value)
    (folder / "params.yaml").write_text(yaml.safe_dump(values))
    (folder / "data").mkdir(exist_ok=True)
    if not (folder / "data/shapes").exists():
        (folder / "data/shapes").symlink_to(ROOT / "data/shapes")
    for name in values["families"]:
        for stage in ("similarity", "factors"):
            command = [sys.executable, "-m", f"stages.{stage}", name]
            environment = os.environ | {"PYTHONPATH": f"{ROOT}/src:{ROOT}"}
            subprocess.run(command, cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)
    read: dict[str, Factors] = {}
    for name in values["families"]:
        read[name] = records.read(folder / f"plots/factors/{name}/details.json", Factors)
    return read


def table(studies: list[dict[str, Factors]]) -> str:
    lines = ["| encoder | reader | " + " | ".join(redrawn.NAMES) + " |", "|---" * 6 + "|"]
    for name in studies[0]:
        for reader in (AGREEMENT, PROBE, MOVEMENT):
            seeds = [study[name].read(NEW, reader) for study in studies]
            cells = [_cell(readings) for readings in zip(*seeds, strict=True)]
            lines.append(f"| {name} | {reader} | " + " | ".join(cells) + " |")
    lines += ["", "| encoder | diameter | margin | separated | alignment | uniformity |", "|---" * 6 + "|"]
    for name in studies[0]:
        found = [study[name] for study in studies]
        cells = [_spread([told.diameter.mean for told in found], 3), _spread([told.margin.mean for told in found], 3)]
        cells += [_spread([told.separated for told in found], 1)]
        cells += [_spread([told.alignment for told in found], 3), _spread([told.uniformity for told in found], 3)]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cell(rows: Sequence[Reading]) -> str:
    """Mean and spread; what was predicted; the verdict, or how often each was given where seeds disagree."""
    said = "".join(MARKS[row.verdict] for row in rows)
    verdict = said[0] if len(set(said)) == 1 else said
    return f"{_spread([row.value for row in rows], 1)} {rows[0].prediction} {verdict}"


def _spread(values: list[float], digits: int) -> str:
    """Mean, and half the distance from the smallest to the largest."""
    return f"{sum(values) / len(values):.{digits}f} ± {(max(values) - min(values)) / 2:.{digits}f}"


if __name__ == "__main__":
    main()
