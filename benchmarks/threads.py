"""Claim: on two cores, two trainings at once with one thread each get more done than one after the other with two. A
whole `vicreg` stage each, with few epochs, from start to end. `benchmarks/results/threads.json` holds the ratio.

    python -m benchmarks.threads

needs `data/objects` of the study (`dvc repro download@objects`).
"""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import yaml

from benchmarks.measure import interleaved, ratio, summary, write

ROOT = Path(__file__).parents[1]
ROUNDS, EPOCHS = 3, 4


def main() -> None:
    with TemporaryDirectory() as temporary:
        contestants = {
            f"{count} at once, {threads} threads": _trainings(Path(temporary), count, threads)
            for count, threads in ((1, 2), (2, 1))
        }
        rates = interleaved(contestants, ROUNDS)
    one, two = rates
    results = {
        "ratio": ratio(rates, two, one),
        "epochs_per_second": {name: summary(values) for name, values in rates.items()},
        "settings": {"stage": "vicreg", "epochs": EPOCHS},
    }
    write("threads", results, ())


def _trainings(folder: Path, count: int, threads: int) -> Callable[[int], int]:
    """So many at once, as a contestant; each in a study of its own, whose images are those of this one."""
    values = yaml.safe_load((ROOT / "params.yaml").read_text())
    values["runtime"]["threads"], values["pretraining"]["epochs"] = threads, EPOCHS

    def work(turn: int) -> int:
        running = []
        for number in range(count):
            at = folder / f"{count} {turn} {number} {len(list(folder.iterdir()))}"
            at.mkdir()
            values["vicreg"]["seed"] = number
            (at / "params.yaml").write_text(yaml.safe_dump(values))
            for name in ("data", "dvc.yaml"):
                (at / name).symlink_to(ROOT / name)
            running.append(_training(at))
        statuses = [process.wait() for process in running]
        if any(statuses):
            sys.exit("a training failed")
        return count * EPOCHS

    return work


def _training(folder: Path) -> "subprocess.Popen[bytes]":
    environment = os.environ | {"PYTHONPATH": f"{ROOT}:{ROOT}/src"}
    command = [sys.executable, "-m", "stages.vicreg"]
    return subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL)


if __name__ == "__main__":
    main()
