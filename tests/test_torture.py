"""Kills at random moments, as many as N says (`make torture N=200`): whatever is hit, the bytes are those of a run that
nobody disturbed, and nothing that was finished is done again."""

import contextlib
import os
import random
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from lanes import Project, until
from test_exactness import alive

pytest.importorskip("distributed")

KILLS = int(os.environ.get("N", "20"))
SEED = int(os.environ.get("SEED", "0"))
STEPS, SECONDS = 6, 0.1


def _coordinator(run: psutil.Process) -> psutil.Process:
    return run


def _worker(run: psutil.Process) -> psutil.Process:
    return next(process for process in run.children() if "visrep.engine.workers" in process.cmdline())


def _server(run: psutil.Process) -> psutil.Process:
    return random.choice(
        [process for process in _worker(run).children() if "visrep.engine.forkserver" in process.cmdline()]
    )


def _stage(run: psutil.Process) -> psutil.Process:
    return next(process for server in _worker(run).children() for process in server.children())


VICTIMS: dict[str, tuple[Callable[[psutil.Process], psutil.Process], int]] = {
    "coordinator": (_coordinator, signal.SIGKILL),
    "Ctrl-C": (_coordinator, signal.SIGINT),
    "worker": (_worker, signal.SIGKILL),
    "server of stages": (_server, signal.SIGKILL),
    "stage": (_stage, signal.SIGKILL),
}


def kill(run: int, what: str) -> bool:
    """False where there is no such process now."""
    victim, number = VICTIMS[what]
    with contextlib.suppress(StopIteration, IndexError, psutil.NoSuchProcess):
        victim(psutil.Process(run)).send_signal(number)
        return True
    return False


def left(project: Project) -> list[int]:
    """Processes of stages that are alive."""
    processes = {start.process for name in project.needs for start in project.started(name)}
    return [process for process in processes if alive(process)]


def test_kills_at_random_moments_change_nothing(tmp_path: Path) -> None:
    dice = random.Random(SEED)
    project, quiet = Project(tmp_path / "killed"), Project(tmp_path / "quiet")
    kills = rounds = 0
    while kills < KILLS:
        rounds += 1
        for each in (project, quiet):
            each.set(steps=STEPS + rounds, seconds=SECONDS)
        quiet.dvc("repro")
        done = False
        while not done:
            running = project.start()
            while running.poll() is None and kills < KILLS:
                moment = dice.uniform(0.2, 4)
                try:
                    running.wait(moment)
                except subprocess.TimeoutExpired:
                    what = dice.choice(list(VICTIMS))
                    if kill(running.pid, what):
                        kills += 1
                        print(f"{kills}: {what}", flush=True)
            running.wait(120)
            until(lambda: not left(project), seconds=5)
            done = running.returncode == 0
            assert running.returncode in (0, 1, 130, -signal.SIGINT, -signal.SIGKILL), project.output()
        assert project.outputs() == quiet.outputs()
    assert "Running stage" not in project.dvc("repro")
    assert not list(project.folder.glob(".resume/*/two writers"))
