"""Lanes against `dvc repro`: the same bytes and records; whatever is killed, nothing is lost and nothing done twice."""

import signal
import time
from pathlib import Path

import psutil
import pytest

from lanes import Project
from test_exactness import alive

pytest.importorskip("distributed")


@pytest.fixture(scope="module")
def serial(tmp_path_factory: pytest.TempPathFactory) -> Project:
    project = Project(tmp_path_factory.mktemp("serial"))
    project.dvc("repro")
    return project


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_lanes_leave_what_dvc_repro_leaves(tmp_path: Path, serial: Project, threads: int) -> None:
    project = Project(tmp_path / "lanes")
    done = project.lanes("--threads", str(threads))
    assert done.returncode == 0, done.stdout + done.stderr
    assert project.files() == serial.files()
    assert "Running stage" not in project.dvc("repro")
    assert project.dvc("status", "--json").strip() == "{}"
    assert project.lanes().returncode == 0
    assert [len(project.started(name)) for name in project.needs] == [1] * 6


def test_what_dvc_repro_did_is_not_done_again(tmp_path: Path) -> None:
    project = Project(tmp_path / "both")
    project.dvc("repro")
    before = project.files()
    assert project.lanes().returncode == 0
    assert project.files() == before
    assert [len(project.started(name)) for name in project.needs] == [1] * 6


def test_only_what_a_change_touches_runs_and_a_number_put_back_is_restored(tmp_path: Path) -> None:
    project = Project(tmp_path / "changed")
    project.lanes()
    before = project.files()
    project.set(steps=3)
    project.lanes()
    assert project.files() != before
    project.set()
    assert project.lanes().returncode == 0
    assert project.files()["out/d.txt"] == before["out/d.txt"]
    assert [len(project.started(name)) for name in project.needs] == [2] * 6


def test_a_target_runs_with_what_it_stands_on(tmp_path: Path) -> None:
    project = Project(tmp_path / "target")
    assert project.lanes("count_b").returncode == 0
    assert [name for name in project.needs if project.started(name)] == ["a", "b"]


def test_independent_branches_finish_when_one_fails(tmp_path: Path) -> None:
    project = Project(tmp_path / "fails")
    project.set(fails="b")
    done = project.lanes()
    assert done.returncode == 1
    assert "make repro: count_b failed with exit status 1; 1 behind did not run" in done.stderr
    assert "count b: told to fail" in done.stdout
    assert [name for name in project.needs if (project.folder / f"out/{name}.txt").exists()] == ["a", "c", "e", "f"]
    project.set()
    assert project.lanes().returncode == 0


def test_two_runs_at_once_are_refused(tmp_path: Path) -> None:
    project = Project(tmp_path / "twice")
    project.set(seconds=0.5, steps=8)
    first = project.start()
    _until(lambda: bool(project.started("a")))
    second = project.lanes()
    assert (second.returncode, second.stderr.count("\n")) == (1, 1)
    assert f"running already, as process {first.pid}" in second.stderr
    first.send_signal(signal.SIGINT)
    output, _ = first.communicate(timeout=60)
    assert first.returncode == 130
    assert "interrupted; what is done is recorded" in output


@pytest.mark.parametrize("what", ["coordinator", "interrupt", "worker", "stage server"])
def test_whatever_ends_nothing_is_lost(tmp_path: Path, serial: Project, what: str) -> None:
    project = Project(tmp_path / "ended")
    slow = Project(tmp_path / "slow")
    for each in (project, slow):
        each.set(seconds=0.2, steps=8)
    slow.dvc("repro")
    running = project.start()
    _until(lambda: project.steps("b") >= 2)
    stages = [int(project.started(name)[-1].split()[0]) for name in ("b", "c", "e", "f") if project.started(name)]
    if what in ("coordinator", "interrupt"):
        running.send_signal(signal.SIGKILL if what == "coordinator" else signal.SIGINT)
        running.communicate(timeout=60)
        _until(lambda: not any(map(alive, stages)), seconds=5)
        done = project.lanes()
        assert done.returncode == 0, done.stdout + done.stderr
        assert len(project.started("a")) == 1
    else:
        above = psutil.Process(stages[0]).parents()  # the server from which it was forked, and its worker
        above[["stage server", "worker"].index(what)].kill()
        output, _ = running.communicate(timeout=120)
        assert running.returncode == 0, output
    assert [line.endswith("from 0") for line in project.started("b")] == [True, False]
    assert {name: text for name, text in project.files().items() if name.startswith("out/")} == {
        name: text for name, text in slow.files().items() if name.startswith("out/")
    }
    assert "Running stage" not in project.dvc("repro")


def _until(holds: object, seconds: float = 60) -> None:
    end = time.monotonic() + seconds
    while not holds():  # type: ignore[operator]
        assert time.monotonic() < end
        time.sleep(0.02)
