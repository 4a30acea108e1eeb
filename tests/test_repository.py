"""DVC's side of lanes against DVC itself."""

import io
import json
import os
import subprocess
from pathlib import Path

import pytest
from dvc.utils.serialize._yaml import _dump, parse_yaml_for_update

from lanes import Project, until
from oracles import ROOT
from visrep.engine import repository
from visrep.engine.repository import Repository, State
from visrep.errors import Failure


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    project = Project(tmp_path / "project")
    monkeypatch.chdir(project.folder)
    return project


def test_an_entry_is_put_into_dvc_lock_as_dvc_would_write_it(tmp_path: Path) -> None:
    lock = (ROOT / "dvc.lock").read_text()
    entries = parse_yaml_for_update(lock, "dvc.lock")
    names = list(entries["stages"])
    entries["stages"][names[3]]["cmd"] = "another"
    entries["stages"]["new"] = {"cmd": "last", "deps": [{"path": "a b", "md5": "0", "size": 1}]}
    expected = io.StringIO()
    _dump(entries, expected)
    parts = {}
    for name in (names[3], "new"):
        part = io.StringIO()
        _dump({"stages": {name: entries["stages"][name]}}, part)
        parts[name] = part.getvalue().removeprefix("stages:\n")
    path = tmp_path / "dvc.lock"
    path.write_text(lock)
    assert repository.HEAD + "".join((repository._entries(path) | parts).values()) == expected.getvalue()
    path.write_text("stages: {}\n")
    with pytest.raises(Failure, match=r"dvc\.lock is not as DVC writes it"):
        repository._entries(path)


def test_stages_come_after_what_they_depend_on(project: Project) -> None:
    with Repository() as all_stages:
        assert {name.removeprefix("count_"): len(needs) for name, needs in all_stages.needs.items()} == {
            name: len(needs) for name, needs in project.needs.items()
        }
        before: set[str] = set()
        for name, needs in all_stages.needs.items():
            assert before.issuperset(needs)
            before.add(name)


def test_a_stage_must_run_until_it_is_recorded(project: Project) -> None:
    with Repository() as lanes:
        assert lanes.check("count_a") is State.MUST_RUN
        (project.folder / "out").mkdir(exist_ok=True)
        (project.folder / "out/a.txt").write_text("a")
        lanes.record("count_a")
        lanes.write(all_done=False)
    with Repository() as lanes:
        assert lanes.check("count_a") is State.UNCHANGED
        (project.folder / "out/a.txt").unlink()
        (project.folder / "dvc.lock").unlink()
    with Repository() as lanes:
        assert lanes.check("count_a") is State.RESTORED
    assert (project.folder / "out/a.txt").read_text() == "a"


def test_a_stage_without_its_output_is_not_recorded(project: Project) -> None:
    with Repository() as lanes:
        lanes.check("count_a")
        with pytest.raises(Failure, match=r"out/a\.txt"):
            lanes.record("count_a")
        lanes.write(all_done=True)
    assert not (project.folder / "dvc.lock").exists()


def test_files_of_all_stages_are_locked_for_dvc(project: Project) -> None:
    def locked() -> tuple[set[str], set[int]]:
        written = json.loads((project.folder / ".dvc/tmp/rwlock").read_text()).get("write", {})
        return {Path(path).stem for path in written}, {holder["pid"] for holder in written.values()}

    with Repository() as lanes:
        lanes.check("count_a")
        assert locked() == (set(project.needs), {os.getpid()})
        busy = subprocess.run(
            ["dvc", "repro"], cwd=project.folder, env=project.environment, capture_output=True, text=True
        )
        assert busy.returncode != 0
        assert f"(PID {os.getpid()})" in busy.stderr
    assert locked() == (set(), set())


def test_dvc_repro_at_work_is_named(project: Project) -> None:
    project.set(seconds=0.5, steps=20)
    running = subprocess.Popen(["dvc", "repro"], cwd=project.folder, env=project.environment, stdout=subprocess.PIPE)
    until(lambda: project.steps("a") >= 1)
    with pytest.raises(Failure, match=rf"busy, it is being blocked by: \(PID {running.pid}\)"):
        Repository()
    running.terminate()
    running.communicate()


@pytest.mark.parametrize("content", ["", '{"write": {"a', "[]"])
def test_a_lock_of_a_killed_process_stops_nobody(project: Project, content: str) -> None:
    (project.folder / ".dvc/tmp").mkdir(exist_ok=True)
    (project.folder / ".dvc/tmp/rwlock").write_text(content)
    with Repository() as lanes:
        assert lanes.check("count_a") is State.MUST_RUN


def test_another_dvc_is_refused(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(repository, "__version__", "3.68.0")
    with pytest.raises(Failure, match=r"DVC is 3\.68\.0, and lanes are made for 3\.67"):
        Repository()


def test_a_stage_that_computes_where_runtime_says_is_known(project: Project) -> None:
    project.add("text", "cat params.yaml > out/text.txt", [], "out/text.txt")
    with Repository() as lanes:
        assert lanes.uses_device("count_a")
        assert not lanes.uses_device("text")
