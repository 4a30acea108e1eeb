"""Small projects for the proofs of lanes: real stages of ours, which count, in a graph that a test describes."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

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
        raise SystemExit(f"count {job.item}: fails as it was set to")
    scratch = job.scratch / "steps"
    done = len(scratch.read_text().splitlines()) if scratch.exists() else 0
    with (job.folder / "started").open("a") as file:
        file.write(f"{os.getpid()} {done} {os.environ.get('CUDA_VISIBLE_DEVICES', '')}\\n")
    writer = job.folder / "writer"
    writer.write_text(str(os.getpid()))
    for step in range(done, settings.steps):
        time.sleep(settings.seconds)
        if writer.read_text() != str(os.getpid()):
            (job.folder / "two writers").touch()
        lines = "".join(f"{job.item} {number}\\n" for number in range(step + 1))
        (job.scratch / "new").write_text(lines)
        os.replace(job.scratch / "new", scratch)
        job.progress(step + 1, settings.steps, settings.seconds, {})
    job.out(f"out/{job.item}.txt").write_text("".join(above) + scratch.read_text())

if __name__ == "__main__":
    run(main, "names")
'''
COMMIT = "git -c user.name=a -c user.email=a commit -q --allow-empty -m all"
DIAMOND = {"a": [], "b": ["a"], "c": ["a"], "d": ["b", "c"], "e": [], "f": ["e"]}


class Start(NamedTuple):
    """Of a stage: its process, how many steps were done before, and which card it may use."""

    process: int
    done: int
    card: str


class Project:
    """A git and DVC repository in ``folder`` whose stages ``needs`` one another; those of ``last`` say so."""

    def __init__(self, folder: Path, needs: Mapping[str, Sequence[str]] = DIAMOND, last: Sequence[str] = ()) -> None:
        self.folder = folder
        shutil.copytree(ROOT / "src", folder / "src")
        (folder / "stages").mkdir()
        shutil.copy(ROOT / "stages/__init__.py", folder / "stages")
        (folder / "stages/count.py").write_text(COUNT)
        self.needs = {name: list(below) for name, below in needs.items()}
        self.set()
        deps = {name: [f"out/{below}.txt" for below in need] for name, need in self.needs.items()}
        stages = {
            f"count_{name}": {
                "cmd": f"exec python -m stages.count {name}",
                "deps": ["stages/count.py", *deps[name]],
                "params": ["count", "names", "runtime"],
                "outs": [f"out/{name}.txt"],
                **({"meta": {"last": True}} if name in last else {}),
            }
            for name in self.needs
        }
        (folder / "dvc.yaml").write_text(yaml.safe_dump({"stages": stages}, sort_keys=False))
        (folder / ".gitignore").write_text("/.resume\n")
        python = Path(sys.executable).parent
        self.environment = os.environ | {
            "PATH": f"{python}:{os.environ['PATH']}",
            "PYTHONPATH": f"{folder}:{folder}/src",
            "SHELL": "/bin/sh",
        }
        (folder / "requirements.lock").write_text("torch==1\n")
        for command in ("git init -q", "dvc init -q", "git add -A", COMMIT):
            subprocess.run(command.split(), cwd=folder, env=self.environment, check=True)

    def set(self, steps: int = 2, seconds: float = 0.0, fails: str = "", device: str = "cpu") -> None:
        count = {"steps": steps, "seconds": seconds, "fails": fails, "needs": self.needs}
        values = {
            "runtime": {"device": device, "threads": 1, "bf16": False, "channels_last": True},
            "names": dict.fromkeys(self.needs, 1),
            "count": count,
        }
        (self.folder / "params.yaml").write_text(yaml.safe_dump(values))

    def add(self, name: str, command: str, deps: Sequence[str], out: str) -> None:
        """One more stage."""
        path = self.folder / "dvc.yaml"
        stages = yaml.safe_load(path.read_text())
        stages["stages"][name] = {"cmd": command, "deps": list(deps), "outs": [out]}
        path.write_text(yaml.safe_dump(stages, sort_keys=False))

    def clone(self, folder: Path) -> Path:
        subprocess.run(["git", "clone", "-q", str(self.folder), str(folder)], check=True)
        return folder

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "visrep.tools.repro", *words]

    def lanes(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            self.command(*words), cwd=self.folder, env=self.environment, capture_output=True, text=True, timeout=120
        )

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        """The same in the background; what it writes is `output`."""
        with self.log.open("w") as log:
            return subprocess.Popen(
                self.command(*words),
                cwd=self.folder,
                env=self.environment,
                stdout=log,
                stderr=subprocess.STDOUT,
                preexec_fn=_interruptible,
            )

    @property
    def log(self) -> Path:
        return self.folder.with_suffix(".log")

    def output(self) -> str:
        return self.log.read_text()

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

    def outputs(self) -> dict[str, bytes]:
        return {path.name: path.read_bytes() for path in self.folder.glob("out/*.txt")}

    def started(self, name: str) -> list["Start"]:
        """Each time that the stage of this name began."""
        path = self.folder / f".resume/count@{name}/started"
        lines = path.read_text().splitlines() if path.exists() else []
        return [Start(int(process), int(done), card) for process, done, card in (line.split(" ") for line in lines)]

    def steps(self, name: str) -> int:
        """How many steps the running stage of this name has kept."""
        return sum(len(path.read_text().splitlines()) for path in self.folder.glob(f".resume/count@{name}/**/steps"))


def _interruptible() -> None:
    """Ctrl-C counts, though tests may run in the background of a shell, which ignores it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


def until(holds: Callable[[], bool], seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)
