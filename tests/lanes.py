"""Small projects for the proofs of lanes: real stages of ours, which count, in a graph that a test describes."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import yaml

from oracles import ROOT

# A stage that goes on where it was killed: it adds its name to what it stands on, `steps` times, a line a step.
COUNT = '''
"""Counts, a step at a time."""
import os
import time
from stages import run
from visrep.settings.base import Section
from visrep.stage import params

class Settings(Section):
    steps: int
    seconds: float
    fails: str
    needs: dict[str, tuple[str, ...]]

def main(job):
    settings = job.read("count", Settings)
    above = [job.input(f"out/{name}.txt").read_text() for name in settings.needs[job.item]]
    if settings.fails == job.item:
        raise SystemExit(f"count {job.item}: told to fail")
    scratch = job.scratch / "steps"
    done = len(scratch.read_text().splitlines()) if scratch.exists() else 0
    started = job.folder / "started"
    with started.open("a") as file:
        file.write(f"{os.getpid()} from {done}\\n")
    for step in range(done, settings.steps):
        time.sleep(settings.seconds)
        lines = "".join(f"{job.item} {number}\\n" for number in range(step + 1))
        (job.scratch / "new").write_text(lines)
        os.replace(job.scratch / "new", scratch)
        job.progress(step + 1, settings.steps, settings.seconds, {})
    job.out(f"out/{job.item}.txt").write_text("".join(above) + scratch.read_text())

if __name__ == "__main__":
    run(main, "names")
'''
DIAMOND = {"a": [], "b": ["a"], "c": ["a"], "d": ["b", "c"], "e": [], "f": ["e"]}


class Project:
    """A git and DVC repository in ``folder`` whose stages ``needs`` one another."""

    def __init__(self, folder: Path, needs: Mapping[str, Sequence[str]] = DIAMOND) -> None:
        self.folder = folder
        (folder / "stages").mkdir(parents=True)
        shutil.copy(ROOT / "stages/__init__.py", folder / "stages")
        (folder / "stages/count.py").write_text(COUNT)
        self.needs = {name: list(below) for name, below in needs.items()}
        self.set()
        deps = {name: [f"out/{below}.txt" for below in need] for name, need in self.needs.items()}
        stages = {
            f"count_{name}": {
                "cmd": f"exec python -m stages.count {name}",
                "deps": ["stages/count.py", *deps[name]],
                "params": ["count", "names"],
                "outs": [f"out/{name}.txt"],
            }
            for name in self.needs
        }
        (folder / "dvc.yaml").write_text(yaml.safe_dump({"stages": stages}, sort_keys=False))
        (folder / ".gitignore").write_text("/.resume\n")
        python = Path(sys.executable).parent
        self.environment = os.environ | {
            "PATH": f"{python}:{os.environ['PATH']}",
            "PYTHONPATH": f"{folder}:{ROOT}/src",
            "SHELL": "/bin/sh",
        }
        for command in ("git init -q", "dvc init -q"):
            subprocess.run(command.split(), cwd=folder, env=self.environment, check=True)

    def set(self, steps: int = 2, seconds: float = 0.0, fails: str = "") -> None:
        count = {"steps": steps, "seconds": seconds, "fails": fails, "needs": self.needs}
        values = {
            "runtime": {"device": "cpu", "threads": 1, "bf16": False, "channels_last": True},
            "names": dict.fromkeys(self.needs, 1),
            "count": count,
        }
        (self.folder / "params.yaml").write_text(yaml.safe_dump(values))

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "visrep.tools.repro", *words]

    def lanes(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*words), cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=120
        )

    def start(self, *words: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.command(*words),
            cwd=self.folder,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def dvc(self, *words: str) -> str:
        done = subprocess.run(
            ["dvc", *words], cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def files(self) -> dict[str, bytes]:
        """All that a run leaves and Git or DVC keep."""
        kept = [
            self.folder / "dvc.lock",
            *sorted(self.folder.rglob(".gitignore")),
            *sorted(self.folder.glob("out/*.txt")),
        ]
        return {str(path.relative_to(self.folder)): path.read_bytes() for path in kept}

    def started(self, name: str) -> list[str]:
        """A line for each time that the stage of this name began, with where from."""
        path = self.folder / f".resume/count@{name}/started"
        return path.read_text().splitlines() if path.exists() else []

    def steps(self, name: str) -> int:
        """How many steps the running stage of this name has kept."""
        return sum(len(path.read_text().splitlines()) for path in self.folder.glob(f".resume/count@{name}/**/steps"))
