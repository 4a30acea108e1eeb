"""Claim: lanes keep workers busy. Every stage of the study is a sleep as long as the stage took, in the study's graph;
the time until all have run is compared with the least that is possible, the longest chain or all work by the number of
workers, whichever is more. `benchmarks/results/replay.json` holds both.

    python -m benchmarks.replay record        # the graph and the seconds of the last `make repro` of all stages
    python -m benchmarks.replay 2 8 32        # numbers of workers; some 25 minutes, of which nearly all is sleep
"""

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import yaml

from benchmarks.measure import RESULTS, write
from visrep.engine.coordinator import priorities, remembered
from visrep.engine.repository import Repository
from visrep.tools.repro import DURATIONS

ROOT = Path(__file__).parents[1]
RECORD = RESULTS / "stages.json"
SLEEP = """
import pathlib, sys, time
time.sleep(float(sys.argv[1]))
pathlib.Path(sys.argv[2]).write_text("")
"""


def main() -> None:
    if sys.argv[1:] == ["record"]:
        with Repository() as repository:
            seconds = remembered(repository.folder / DURATIONS)
            stages = {name: {"seconds": seconds[name], "needs": needs} for name, needs in repository.needs.items()}
        RECORD.write_text(json.dumps(stages, indent=1) + "\n")
        return
    stages = json.loads(RECORD.read_text())
    results = {f"{count} workers": replay(stages, count) for count in map(int, sys.argv[1:])}
    path = RESULTS / "replay.json"
    before = json.loads(path.read_text())["makespan"] if path.exists() else {}
    write("replay", {"makespan": before | results}, ("dvc", "distributed"))


def replay(stages: dict[str, Any], workers: int) -> dict[str, float]:
    """Seconds: what it took, the least possible, and the first by the second."""
    seconds = {name: stage["seconds"] for name, stage in stages.items()}
    longest = max(priorities({name: stage["needs"] for name, stage in stages.items()}, seconds).values())
    least = max(longest, sum(seconds.values()) / workers)
    with TemporaryDirectory() as temporary:
        folder = Path(temporary) / "study"
        environment = prepared(folder, stages)
        command = [sys.executable, "-m", "visrep.tools.repro", "--threads", str(workers)]
        started = time.perf_counter()
        subprocess.run(command, cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)
        took = time.perf_counter() - started
    return {"took": round(took, 1), "least possible": round(least, 1), "ratio": round(took / least, 3)}


def prepared(folder: Path, stages: dict[str, Any]) -> dict[str, str]:
    """A study of sleeps, which knows how long each is as the study would after a first run; the environment for it."""
    shutil.copytree(ROOT / "src", folder / "src")
    (folder / "stages").mkdir()
    shutil.copy(ROOT / "stages/__init__.py", folder / "stages")
    shutil.copy(ROOT / "params.yaml", folder)
    (folder / "stages/sleep.py").write_text(SLEEP)
    (folder / "out").mkdir()
    plain = {name: name.replace("@", "_") for name in stages}
    entries = {
        plain[name]: {
            "cmd": f"exec python -m stages.sleep {stage['seconds']} out/{plain[name]}",
            "deps": [f"out/{plain[below]}" for below in stage["needs"]],
            "outs": [f"out/{plain[name]}"],
        }
        for name, stage in stages.items()
    }
    (folder / "dvc.yaml").write_text(yaml.safe_dump({"stages": entries}, sort_keys=False))
    environment = os.environ | {"PYTHONPATH": f"{folder}:{folder}/src"}
    for command in ("git init -q", "dvc init -q"):
        subprocess.run(command.split(), cwd=folder, env=environment, check=True)
    durations = {plain[name]: stage["seconds"] for name, stage in stages.items()}
    (folder / ".dvc/tmp").mkdir(exist_ok=True)
    (folder / ".dvc/tmp" / DURATIONS).write_text(json.dumps(durations))
    return environment


if __name__ == "__main__":
    main()
