"""Claim: two lanes of one thread take at most 0.6 of what one stage after another with two threads took before there
were lanes; and however many lanes, the bytes are those of `dvc repro`. Each run is of all stages, in a clone of its own
without dvc.lock or cache. `benchmarks/results/lanes.json` holds every run; runs are added to those it has.

    python -m benchmarks.lanes 2 former 2 former     # in this order: two lanes of the present commit, the former commit
    python -m benchmarks.lanes 1 4 repro             # `repro` is `dvc repro` of the present commit
"""

import datetime
import json
import os
import re
import subprocess
import sys
import threading
import time
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psutil

from benchmarks.measure import RESULTS, write
from visrep.engine.coordinator import remembered
from visrep.tools.repro import DURATIONS

ROOT = Path(__file__).parents[1]
FORMER = "ff7e1ef"  # the last commit without lanes
MINUTE = 60


def main() -> None:
    path = RESULTS / "lanes.json"
    runs = json.loads(path.read_text())["runs"] if path.exists() else []
    for how in sys.argv[1:]:
        runs.append(run(how))
        times = {way: [each["minutes"] for each in runs if each["how"] == way] for way in ("2", "former")}
        ratios = [round(lanes / serial, 3) for lanes, serial in zip(times["2"], times["former"], strict=False)]
        write("lanes", {"ratios": ratios, "runs": runs}, ("dvc", "distributed"))


def run(how: str) -> dict[str, Any]:
    """A run of all stages: minutes, the most memory (MiB) that all its processes had together, how much of the lanes'
    time commands ran, and what it left, as the hash of dvc.lock, which has the hashes of all outputs."""
    with TemporaryDirectory() as temporary:
        folder = Path(temporary) / "study"
        commit = FORMER if how == "former" else "HEAD"
        subprocess.run(["git", "clone", "-q", str(ROOT), str(folder)], check=True)
        subprocess.run(["git", "checkout", "-q", "--detach", commit], cwd=folder, check=True)
        (folder / "dvc.lock").unlink()
        lanes = [sys.executable, "-m", "visrep.tools.repro", "--threads", how]
        command = lanes if how.isdigit() else ["dvc", "repro"]
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        changes = {"PYTHONPATH": f"{folder}/src:{folder}", "PATH": path}
        started = time.monotonic()
        process = subprocess.Popen(command, cwd=folder, env=os.environ | changes, stdout=subprocess.DEVNULL)
        peak = _peak(process)
        if process.wait():
            sys.exit(f"{' '.join(command)} failed in a clone of {commit}")
        seconds = time.monotonic() - started
        busy = sum(remembered(folder / ".dvc/tmp" / DURATIONS).values()) / seconds / int(how) if how.isdigit() else None
        return {
            "how": how,
            "commit": subprocess.check_output(["git", "rev-parse", "--short", "HEAD"], cwd=folder, text=True).strip(),
            "minutes": round(seconds / MINUTE, 2),
            "peak_mib": round(max(peak)),
            "busy": busy and round(busy, 3),
            "lock": sha256((folder / "dvc.lock").read_bytes()).hexdigest()[:16],
            "date": datetime.date.today().isoformat(),
        }


def _peak(process: "subprocess.Popen[bytes]") -> list[float]:
    """The memory of ``process`` and all below it, MiB, measured each second while it runs; shared pages count once."""
    sizes = [0.0]

    def watch() -> None:
        while process.poll() is None:
            try:
                family = [process.pid, *(child.pid for child in psutil.Process(process.pid).children(recursive=True))]
                sizes.append(sum(map(_proportional, family)))
            except psutil.Error:
                continue
            time.sleep(1)

    threading.Thread(target=watch, daemon=True).start()
    return sizes


def _proportional(process: int) -> float:
    try:
        text = Path(f"/proc/{process}/smaps_rollup").read_text()
    except OSError:
        return 0.0
    return sum(int(size) for size in re.findall(r"^Pss:\s+(\d+)", text, re.MULTILINE)) / 1024


if __name__ == "__main__":
    main()
