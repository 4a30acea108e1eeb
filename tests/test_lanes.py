"""Lanes against `dvc repro`: the same bytes and records; whatever is killed, nothing is lost and nothing done twice."""

import signal
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import psutil
import pytest

from lanes import Project, until
from test_exactness import alive

pytest.importorskip("distributed")

LATER = """
import pathlib
if __name__ == "__main__":
    pathlib.Path("out/later.txt").write_text("old")
"""


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


@pytest.mark.parametrize(("threads", "early"), [(2, 0), (4, 1)])
def test_what_comes_last_waits_for_all_others(tmp_path: Path, threads: int, early: int) -> None:
    """A chain of four, beside which other lanes have nothing to do but what comes last: of four lanes one is lent."""
    chain = {"m1": [], "m2": ["m1"], "m3": ["m2"], "m4": ["m3"]}
    needs = {"r1": [], "r2": [], "r3": [], **chain, "page": ["m4", "r1", "r2", "r3"]}
    project = Project(tmp_path / "last", needs, last=("r1", "r2", "r3"))
    project.set(steps=4, seconds=0.25)
    done = project.lanes("--threads", str(threads))
    assert done.returncode == 0, done.stdout + done.stderr
    began = {name: (project.folder / f".resume/count@{name}/started").stat().st_mtime for name in needs}
    at_once = sorted(began[name] for name in ("r1", "r2", "r3") if began[name] < began["m4"])
    assert bool(at_once) == bool(early)
    assert all(after - before > 0.9 for before, after in pairwise(at_once))  # one at a time, a second each
    assert sorted(chain, key=began.__getitem__) == [*chain]
    if not early:
        assert min(began[name] for name in ("r1", "r2", "r3")) > began["m4"] + 0.7


def test_what_comes_last_is_not_kept_waiting_by_what_fails(tmp_path: Path) -> None:
    project = Project(tmp_path / "failing", {"m1": [], "m2": ["m1"], "r1": [], "r2": ["r1"]}, last=("r1", "r2"))
    project.set(fails="m1")
    assert project.lanes("--threads", "2").returncode == 1
    assert [name for name in project.needs if len(project.started(name))] == ["r1", "r2"]


def test_a_target_runs_with_what_it_depends_on(tmp_path: Path) -> None:
    project = Project(tmp_path / "target")
    assert project.lanes("count_b").returncode == 0
    assert [name for name in project.needs if project.started(name)] == ["a", "b"]


def test_independent_branches_finish_when_one_fails(tmp_path: Path) -> None:
    project = Project(tmp_path / "fails")
    project.set(fails="b")
    done = project.lanes()
    assert done.returncode == 1
    assert "make repro: count_b failed with exit status 1; 1 behind did not run" in done.stderr
    assert "count b: fails as it was set to" in done.stdout
    assert [name for name in project.needs if (project.folder / f"out/{name}.txt").exists()] == ["a", "c", "e", "f"]
    project.set()
    assert project.lanes().returncode == 0


def test_two_runs_at_once_are_refused(tmp_path: Path) -> None:
    project = Project(tmp_path / "twice")
    project.set(seconds=0.5, steps=8)
    first = project.start()
    until(lambda: bool(project.started("a")))
    second = project.lanes()
    assert (second.returncode, second.stderr.count("\n")) == (1, 1)
    assert f"running already, as process {first.pid}" in second.stderr
    first.send_signal(signal.SIGINT)
    first.wait(60)
    assert first.returncode == 130
    assert "interrupted; what is done is recorded" in project.output()


def test_code_edited_meanwhile_is_refused_and_not_recorded(tmp_path: Path) -> None:
    project = Project(tmp_path / "edited", {"a": []})
    project.set(seconds=0.3, steps=8)
    running = project.start()
    until(lambda: project.steps("a") >= 1)
    with (project.folder / "stages/count.py").open("a") as file:
        file.write("# another\n")
    running.wait(60)
    assert running.returncode == 1
    assert "code changed while this ran" in project.output()
    assert not (project.folder / "dvc.lock").exists()
    assert not (project.folder / "out/a.txt").exists()


def test_edited_code_is_not_stale(tmp_path: Path) -> None:
    """Though servers live through a run, a stage that starts later sees the code as it is then."""
    project = Project(tmp_path / "stale", {"a": [], "b": ["a"]})
    project.set(seconds=0.2, steps=6)
    (project.folder / "stages/later.py").write_text(LATER)
    project.add("later", "exec python -m stages.later", ["out/b.txt"], "out/later.txt")
    running = project.start()
    until(lambda: bool(project.started("b")))
    (project.folder / "stages/later.py").write_text(LATER.replace("old", "new"))
    running.wait(60)
    assert running.returncode == 0, project.output()
    assert (project.folder / "out/later.txt").read_text() == "new"


def test_commands_of_another_form_are_given_to_a_shell(tmp_path: Path) -> None:
    project = Project(tmp_path / "shell", {"a": []})
    project.add("shell", "cat out/a.txt | tr a b > out/shell.txt", ["out/a.txt"], "out/shell.txt")
    done = project.lanes()
    assert done.returncode == 0, done.stdout + done.stderr
    assert (project.folder / "out/shell.txt").read_text() == "b 0\nb 1\n"
    assert "Running stage" not in project.dvc("repro")


def test_without_dask_it_is_dvc_repro(tmp_path: Path, serial: Project) -> None:
    project = Project(tmp_path / "without")
    hidden = (
        "import importlib.util, runpy; find = importlib.util.find_spec; "
        "importlib.util.find_spec = lambda name, *more: None if name == 'distributed' else find(name, *more); "
        "runpy.run_module('visrep.tools.repro', run_name='__main__')"
    )
    done = subprocess.run(
        [sys.executable, "-c", hidden], cwd=project.folder, env=project.environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "no lanes without Dask" in done.stdout
    assert "Running stage 'count_a'" in done.stdout
    assert project.files() == serial.files()


@pytest.mark.parametrize("what", ["coordinator", "interrupt", "worker", "stage server"])
def test_whatever_ends_nothing_is_lost(tmp_path: Path, serial: Project, what: str) -> None:
    project = Project(tmp_path / "ended")
    slow = Project(tmp_path / "slow")
    for each in (project, slow):
        each.set(seconds=0.2, steps=8)
    slow.dvc("repro")
    running = project.start()
    until(lambda: project.steps("b") >= 2)
    stages = [project.started(name)[-1].process for name in ("b", "c", "e", "f") if project.started(name)]
    if what in ("coordinator", "interrupt"):
        running.send_signal(signal.SIGKILL if what == "coordinator" else signal.SIGINT)
        running.wait(60)
        until(lambda: not any(map(alive, stages)), seconds=5)
        done = project.lanes()
        assert done.returncode == 0, done.stdout + done.stderr
        assert len(project.started("a")) == 1
    else:
        above = psutil.Process(stages[0]).parents()  # the server from which it was forked, and its worker
        above[["stage server", "worker"].index(what)].kill()
        running.wait(120)
        assert running.returncode == 0, project.output()
    assert [start.done > 0 for start in project.started("b")] == [False, True]
    assert project.outputs() == slow.outputs()
    assert "Running stage" not in project.dvc("repro")
