"""Lanes on workers that somebody else has started, joined by a scheduler's file: who is refused, what is lost, and that
no two processes ever write for one stage."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psutil
import pytest

from lanes import COMMIT, Project, until

pytest.importorskip("distributed")

SILENCE = 4  # seconds, after which this scheduler counts a worker as lost


class Site:
    """A scheduler and workers, as somebody might run them beside the ``project``."""

    def __init__(self, folder: Path, project: Project) -> None:
        self.file, self.project = folder / "scheduler.json", project
        self.processes: list[subprocess.Popen[bytes]] = []
        self.log = (folder / "log").open("w")
        ttl = {"DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL": f"{SILENCE}s"}
        self._start("scheduler", ["--port", "0", "--no-show", "--host", "127.0.0.1"], folder, ttl)
        until(self.file.exists)

    def worker(self, folder: Path | None = None, **environment: str) -> psutil.Process:
        words = ["--nthreads", "1", "--no-nanny", "--no-dashboard"]
        return psutil.Process(self._start("worker", words, folder or self.project.folder, environment))

    def worker_of(self, stage: int) -> psutil.Process:
        """From whose server a stage was forked."""
        ours = {process.pid for process in self.processes}
        return next(process for process in psutil.Process(stage).parents() if process.pid in ours)

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        return self.project.lanes("--scheduler", str(self.file), *words)

    def _start(self, kind: str, words: list[str], folder: Path, environment: dict[str, str]) -> int:
        command = [sys.executable, "-m", f"distributed.cli.dask_{kind}", "--scheduler-file", str(self.file), *words]
        self.processes.append(
            subprocess.Popen(
                command, cwd=folder, env=self.project.environment | environment, stdout=self.log, stderr=self.log
            )
        )
        return self.processes[-1].pid

    def close(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    project = Project(tmp_path / "study")
    project.set(steps=6, seconds=0.1)
    site = Site(tmp_path, project)
    yield site
    site.close()


@pytest.fixture(scope="module")
def serial(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = Project(tmp_path_factory.mktemp("serial") / "study")
    project.set(steps=6, seconds=0.1)
    project.dvc("repro")
    return project


def test_workers_of_a_second_clone_join_by_file(site: Site, serial: Project, tmp_path: Path) -> None:
    second = site.project.clone(tmp_path / "second")
    for _ in range(2):
        site.worker(PYTHONPATH=f"{second}/src")
    done = site.run()
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("1 lanes at") == 2
    assert site.project.files() == serial.files()
    assert "Running stage" not in site.project.dvc("repro")


@pytest.mark.parametrize("what", ["commit", "requirements"])
def test_a_worker_unlike_the_coordinator_is_refused_unless_any_will_do(
    site: Site, serial: Project, tmp_path: Path, what: str
) -> None:
    second = site.project.clone(tmp_path / "second")
    if what == "commit":
        subprocess.run(COMMIT.split(), cwd=second, check=True)
    else:
        (second / "requirements.lock").write_text("torch==2\n")
    site.worker(PYTHONPATH=f"{second}/src")
    running = site.project.start("--scheduler", str(site.file))
    until(lambda: f"is refused: {what} is" in site.project.output())
    running.send_signal(signal.SIGINT)
    running.wait(60)
    assert not site.project.started("a")
    done = site.run("--any-worker")
    assert done.returncode == 0, done.stdout + done.stderr
    assert site.project.files() == serial.files()


def test_a_worker_in_another_folder_is_refused(site: Site, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    site.worker(tmp_path / "elsewhere")
    site.worker()
    done = site.run()
    assert done.returncode == 0, done.stdout + done.stderr
    assert f"is refused: its folder {tmp_path}/elsewhere is not the study's" in done.stdout
    assert done.stdout.count("1 lanes at") == 1


@pytest.mark.parametrize("whole", [True, False], ids=["with its stage", "but not its stage"])
def test_a_worker_that_stops_and_goes_on_never_writes_beside_another(tmp_path: Path, whole: bool) -> None:
    """It goes on when its stage was given to another worker, whose process of the stage is there by then."""
    steps = 30  # longer than the scheduler is patient
    project = Project(tmp_path / "study", {"a": []})
    project.set(steps=steps, seconds=0.3)
    with closing(Site(tmp_path, project)) as site:
        site.worker()
        running = project.start("--scheduler", str(site.file))
        until(lambda: project.steps("a") >= 2)
        stopped = [site.worker_of(project.started("a")[0].process)]
        stopped += stopped[0].children(recursive=True) if whole else []
        for process in stopped:
            process.suspend()
        site.worker()
        until(lambda: project.output().count("count_a started") == 2)
        time.sleep(2)
        for process in reversed(stopped):
            process.resume()
        running.wait(120)
    assert running.returncode == 0, project.output()
    assert not (project.folder / ".resume/count@a/two writers").exists()
    assert (project.folder / "out/a.txt").read_text() == "".join(f"a {step}\n" for step in range(steps))


def test_stages_end_with_the_coordinator(site: Site) -> None:
    site.project.set(steps=100, seconds=0.1)
    site.worker()
    running = site.project.start("--scheduler", str(site.file))
    until(lambda: site.project.steps("a") >= 2)
    stage = psutil.Process(site.project.started("a")[0].process)
    os.kill(running.pid, signal.SIGKILL)
    running.wait(60)
    until(lambda: not stage.is_running(), seconds=20)
    site.project.set(steps=6, seconds=0.1)
    assert site.run().returncode == 0  # the worker serves the next


def test_a_scheduler_that_ends_ends_the_run_in_one_line(site: Site) -> None:
    site.worker()
    site.project.set(steps=100, seconds=0.1)
    running = site.project.start("--scheduler", str(site.file))
    until(lambda: site.project.steps("a") >= 2)
    site.processes[0].kill()
    assert running.wait(60) == 1
    assert "make repro: the scheduler is lost; what is done is recorded" in site.project.output().splitlines()[-1]


def test_a_scheduler_that_is_not_there_is_named(site: Site) -> None:
    done = site.project.lanes("--scheduler", "nowhere.json")
    assert (done.returncode, done.stderr) == (1, "make repro: no scheduler at nowhere.json: there is no such file\n")


def test_cards_are_shared_as_far_as_their_memory_goes(tmp_path: Path) -> None:
    """Two cards, one for two stages and one for a single one, and a worker of four threads."""
    smi = tmp_path / "nvidia-smi"
    smi.write_text("#!/bin/sh\necho '0, 40000'\necho '1, 20000'\n")
    smi.chmod(0o755)
    wide = Project(tmp_path / "wide", {name: [] for name in "abcdef"})
    wide.set(steps=6, seconds=0.2, device="cuda")
    wide.environment["PATH"] = f"{tmp_path}:{wide.environment['PATH']}"
    done = wide.lanes("--threads", "4")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "4 lanes at" in done.stdout and "3 of them on cards at once" in done.stdout
    cards = [wide.started(name)[0].card for name in "abcdef"]
    assert sorted(cards[:3]) == ["0", "0", "1"]
    assert set(cards) == {"0", "1"}
