"""Switching presets: what is written, what is refused, what will be rerun."""

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

import observed
import tiny
from oracles import ROOT
from visrep.errors import Failure
from visrep.stage import params
from visrep.study import Study
from visrep.tools import preset


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A Git repository with the parameters and presets of this one."""
    shutil.copytree(ROOT / "presets", tmp_path / "presets")
    shutil.copy(ROOT / "params.yaml", tmp_path)
    (tmp_path / "images").mkdir()
    (tmp_path / "images/svhn.zip").write_bytes(b"")
    for words in ("init -q", "add .", "-c user.name=t -c user.email=t@t commit -qm start"):
        subprocess.run(["git", *words.split()], cwd=tmp_path, check=True)
    return tmp_path


PRESETS = sorted(path.stem for path in (ROOT / "presets").glob("*.yaml"))


def comments(text: str) -> dict[str, str]:
    """By the dotted name of a line's key."""
    told: dict[str, str] = {}
    above: list[str] = []
    for line in text.splitlines():
        if match := re.match(r"( *)(\w+):[^#]*(#.*)?$", line):
            above = [*above[: len(match[1]) // 2], match[2]]
            told[".".join(above)] = match[3] or ""
    return told


@pytest.mark.parametrize("name", PRESETS)
def test_a_preset_is_the_shipped_parameters_with_what_differs(project: Path, name: str) -> None:
    """With their comments, and the preset's own."""
    shipped, own = ((ROOT / f"presets/{one}.yaml").read_text() for one in ("quick", name))
    with observed.inside(project):
        text = preset.chosen(name, None)
    assert yaml.safe_load(text) == tiny.merge(yaml.safe_load(shipped), yaml.safe_load(own))
    found, expected = comments(text), comments(shipped)
    kept = [key for key in expected if key in found]
    assert len(kept) > 150
    assert {key: found[key] for key in kept} == {key: comments(own).get(key) or expected[key] for key in kept}
    assert "\n\n " not in text and text.count("\n\n") >= shipped.count("\n\n")


def repeated(base: Any, own: Any) -> list[str]:
    """Leaves of ``own`` that say what ``base`` says, but in a mapping of another kind, which is whole."""
    if not isinstance(base, dict) or not isinstance(own, dict):
        return [""] if base == own else []
    if any(own.get(kind, base.get(kind)) != base.get(kind) for kind in tiny.KINDS):
        return []
    return [f"{key}.{leaf}" for key, value in own.items() if key in base for leaf in repeated(base[key], value)]


def test_the_presets_differ_from_what_ships_in_every_line_they_hold() -> None:
    base = yaml.safe_load((ROOT / "presets/quick.yaml").read_text())
    for name in set(PRESETS) - {"quick"}:
        assert not repeated(base, yaml.safe_load((ROOT / f"presets/{name}.yaml").read_text())), name


@pytest.mark.parametrize(
    ("lying", "taken"),
    [
        (("svhn",), {"street_digits": "svhn"}),
        (("street_digits",), {"street_digits": "street_digits"}),
        (("svhn", "street_digits"), {"street_digits": "street_digits"}),
        (("cifar10", "handwritten_digits"), {"objects": "cifar10", "handwritten_digits": "handwritten_digits"}),
    ],
)
def test_a_folder_of_archives_changes_two_leaves_of_each_set_that_lies_there(
    project: Path, lying: tuple[str, ...], taken: dict[str, str]
) -> None:
    """By the name of the set or of the official one in its place."""
    (project / "images/svhn.zip").unlink()
    for name in (*lying, "shapes"):  # shapes are drawn, whatever lies there
        (project / f"images/{name}.zip").write_bytes(b"")
    with observed.inside(project):
        text = preset.chosen("best", Path("images"))
    changed = yaml.safe_load(text)
    expected = params.preset(ROOT / "presets/best.yaml")
    unchecked = {"source": "archive", "sha256": None, "max_megabytes": 2000}
    for role, name in taken.items():
        expected["download"][role] = unchecked | {"archive": f"images/{name}.zip"}
    assert changed == expected
    params.check(changed, Study)
    assert text.count("of the archive; null leaves it unchecked") == len(taken)


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("bset", None, "no preset 'bset'; one of best, laptop, quick, reference"),
        ("best", "presets", "presets holds none of"),
    ],
)
def test_what_is_not_there_is_one_line(project: Path, name: str, data: str | None, message: str) -> None:
    with observed.inside(project), pytest.raises(Failure, match=message):
        preset.chosen(name, Path(data) if data else None)


def edit(project: Path) -> None:
    path = project / "params.yaml"
    path.write_text(path.read_text().replace("threads: 1", "threads: 2"))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("threads: 1", "threads: 2"),
        ("# processor threads", "# my threads"),
        ("train: 6000         #", "train: 7000         #"),
    ],
)
def test_edits_that_are_nowhere_else_are_not_overwritten(project: Path, old: str, new: str) -> None:
    path = project / "params.yaml"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new, 1))
    with observed.inside(project), pytest.raises(Failure, match="in no preset and not committed"):
        preset.refuse_to_lose(Path("params.yaml"))


def test_an_archive_of_ones_own_is_an_edit(project: Path) -> None:
    for archive, name in (("../birds.zip", "objects"), ("images/svhn.zip", "objects")):
        with observed.inside(project):
            (project / "params.yaml").write_text(preset.written(Path("presets/best.yaml"), {name: Path(archive)}))
        with observed.inside(project), pytest.raises(Failure, match="in no preset and not committed"):
            preset.refuse_to_lose(Path("params.yaml"))
        (project / "params.yaml").write_text((ROOT / "params.yaml").read_text())


def test_a_preset_is_written_and_what_reruns_is_told(project: Path) -> None:
    """A study in which nothing has run: all stages of the classifier are to come, among them those named here."""
    (project / "dvc.yaml").write_text((ROOT / "dvc.yaml").read_text())
    (project / "docs").mkdir()
    (project / "docs/stages.yaml").symlink_to("../dvc.yaml")
    subprocess.run([sys.executable, "-m", "dvc", "init", "-q"], cwd=project, check=True)
    command = [sys.executable, "-m", "visrep.tools.preset", "best", "--data", "images"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    start, _, named = done.stdout.strip().partition(": ")
    assert start == "params.yaml is now best; `dvc repro` reruns at most"
    groups = named.split(", ")
    assert groups[0] == "check"
    sets = len(params.preset(ROOT / "presets/best.yaml")["download"])
    assert {f"download ({sets})", "train_cnn", "fgsm_sweep (8)", "report"} <= set(groups)
    with observed.inside(project):
        assert (project / "params.yaml").read_text() == preset.chosen("best", Path("images"))


def test_committed_edits_and_presets_may_be_overwritten(project: Path) -> None:
    with observed.inside(project):
        preset.refuse_to_lose(Path("params.yaml"))
        (project / "params.yaml").write_text(preset.chosen("best", Path("images")))
        preset.refuse_to_lose(Path("params.yaml"))  # best, with other sources
        (project / "images/objects.zip").write_bytes(b"")
        (project / "params.yaml").write_text(preset.chosen("best", Path("images")))
        preset.refuse_to_lose(Path("params.yaml"))  # by either name
        edit(project)
        subprocess.run(
            ["git", "-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qam", "mine"], cwd=project, check=True
        )
        preset.refuse_to_lose(Path("params.yaml"))


def test_a_refusal_leaves_the_file_and_ends_with_a_status(project: Path) -> None:
    edit(project)
    before = (project / "params.yaml").read_bytes()
    command = [sys.executable, "-m", "visrep.tools.preset", "best"]
    done = subprocess.run(command, cwd=project, capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert (project / "params.yaml").read_bytes() == before


def test_stages_of_a_group_are_counted_and_single_ones_named() -> None:
    names = ["check", "embed@a", "probe@b", "embed@b", "embed@c"]
    assert preset.grouped(names) == "check, embed (3), probe@b"
    assert not preset.grouped([])
