"""A study that is done and untouched is known to be so without DVC; DVC is asked as soon as anything was touched."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from lanes import Project, until
from visrep.engine import untouched

pytest.importorskip("distributed")

RECORD = Path(".dvc/tmp", untouched.NAME)


@contextmanager
def written(path: Path) -> Iterator[None]:
    before, times = path.read_bytes(), path.stat()
    path.write_bytes(before + b"#")
    yield
    path.write_bytes(before)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))


@contextmanager
def missing(path: Path) -> Iterator[None]:
    path.rename("away")
    yield
    Path("away").rename(path)


@contextmanager
def added(path: Path) -> Iterator[None]:
    path.touch()
    yield
    path.unlink()


def test_whatever_is_touched_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = Project(tmp_path / "project", {"a": []})
    monkeypatch.chdir(project.folder)
    Path("notes").mkdir()
    for name in "ab":
        Path(f"notes/{name}.txt").write_text(name)
    project.add("folder", "mkdir out/folder && cp notes/* out/folder", ["notes"], "out/folder")
    project.lanes()
    cached = next(path for path in Path(".dvc/cache").rglob("*") if path.is_file() and path.read_text() == "b")
    changed = ["stages/count.py", "params.yaml", "dvc.yaml", "dvc.lock", ".dvc/config", "notes/a.txt", "out/a.txt"]
    gone = [".dvc/cache", str(cached), "notes/a.txt", "notes", "out/a.txt", "out/folder/a.txt", "dvc.lock"]
    new = ["notes/c.txt", "out/folder/c.txt", ".dvc/config.local"]
    for touch, paths in ((written, changed), (missing, gone), (added, new)):
        for path in paths:
            assert untouched.done(RECORD) == 2
            with touch(Path(path)):
                assert untouched.done(RECORD) is None, f"{touch.__name__} {path}"
    shutil.copytree(project.folder, tmp_path / "copy")
    assert untouched.done(RECORD) == 2
    monkeypatch.chdir(tmp_path / "copy")
    assert untouched.done(RECORD) is None


def test_nothing_is_said_of_a_study_that_is_not_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = Project(tmp_path / "project")
    monkeypatch.chdir(project.folder)
    project.lanes("count_b")
    assert not RECORD.exists()
    project.set(fails="f")
    project.lanes()
    assert not RECORD.exists()
    project.set()
    assert project.lanes().returncode == 0
    assert project.lanes().stdout == "6 stages: 6 unchanged since the last run\n"
    RECORD.write_text(RECORD.read_text()[:100])
    assert untouched.done(RECORD) is None


def test_an_input_edited_while_others_run_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    project = Project(tmp_path / "project", {"a": []})
    monkeypatch.chdir(project.folder)
    project.set(seconds=0.3, steps=10)
    note = project.folder / "note.txt"
    note.write_text("first")
    project.add("note", "cp note.txt out/note.txt", ["note.txt"], "out/note.txt")
    running = project.start()
    until(lambda: project.steps("a") >= 2 and (project.folder / "out/note.txt").exists())
    note.write_text("second")
    running.wait(60)
    assert running.returncode == 0, project.output()
    assert untouched.done(RECORD) is None
    project.lanes()
    assert (project.folder / "out/note.txt").read_text() == "second"
