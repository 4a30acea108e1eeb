"""What former stages left behind: listed first, deleted when told to, and nothing else with it."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from dvc.repo import Repo

import observed
from oracles import ROOT
from visrep.stage import pipeline
from visrep.tools import prune

STAGES = """
stages:
  plain:
    desc: one
    cmd: "true"
    outs: [models/plain]
  item:
    foreach: ${encoders}
    do:
      desc: of each
      cmd: "true"
      outs: ["models/${key}.bin", "embeddings/${key}"]
      metrics:
        - metrics/item/${key}.json: {cache: false}
"""
LEFT = ["models/old.bin", "embeddings/old", "metrics/item/old.json"]
STRAY = Path("plots/mine.txt")


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Path]:
    """A study of two encoders, of which `old` was taken out of params.yaml after everything had run."""
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
    with observed.inside(tmp_path):
        repo = Repo.init()
        Path("dvc.yaml").write_text(STAGES)
        Path("params.yaml").write_text("encoders: {kept: Kept, old: Old}\n")
        for name in ("kept", "old"):
            for path in (
                f"models/{name}.bin",
                f"embeddings/{name}/train.npy",
                f"metrics/item/{name}.json",
                "models/plain",
            ):
                Path(path).parent.mkdir(parents=True, exist_ok=True)
                Path(path).write_text(name if name in path else "plain")
        repo.commit(force=True)
        STRAY.parent.mkdir()
        STRAY.write_text("a note")
        Path("params.yaml").write_text("encoders: {kept: Kept}\n")
        yield tmp_path
        repo.close()


def run(*words: str) -> str:
    done = subprocess.run([sys.executable, "-m", "visrep.tools.prune", *words], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_it_lists_before_it_deletes(project: Path) -> None:
    before = {path: path.read_bytes() for path in project.rglob("*") if path.is_file()}
    said = run()
    assert {line for line in said.splitlines() if line.startswith("to delete")} == {
        f"to delete: {path}" for path in LEFT
    }
    assert "to forget: item@old in dvc.lock" in said
    assert f"left alone, since no stage is known to have written it: {STRAY}" in said
    after = {path: path.read_bytes() for path in project.rglob("*") if path.is_file()}
    assert {path for path in before if ".dvc" not in path.parts} <= set(after)
    assert (project / "dvc.lock").read_bytes() == before[project / "dvc.lock"]


def test_it_deletes_what_only_a_former_stage_wrote(project: Path) -> None:
    run("--yes")
    assert [path for path in LEFT if Path(path).exists()] == []
    assert STRAY.exists()
    assert Path("models/kept.bin").read_text() == "kept"
    assert Path("models/plain").exists()
    assert set(yaml.safe_load(Path("dvc.lock").read_text())["stages"]) == {"plain", "item@kept"}
    assert "old" not in Path("models/.gitignore").read_text() + Path("embeddings/.gitignore").read_text()
    assert "/kept.bin" in Path("models/.gitignore").read_text()
    with Repo() as repo:
        assert repo.status() == {}
    assert prune.left() == ([], [], [STRAY])


def test_an_output_that_another_stage_took_over_stays(project: Path) -> None:
    text = Path("dvc.yaml").read_text().replace("outs: [models/plain]", "outs: [models/plain, models/old.bin]")
    Path("dvc.yaml").write_text(text)
    run("--yes")
    assert Path("models/old.bin").exists()
    assert not Path("embeddings/old").exists()


def test_with_nothing_left_it_says_nothing(project: Path) -> None:
    run("--yes")
    STRAY.unlink()
    assert run() == ""


def test_git_holds_no_result_that_no_stage_writes() -> None:
    listed = subprocess.run(["git", "ls-files", *prune.FOLDERS], cwd=ROOT, capture_output=True, text=True)
    if listed.returncode:
        pytest.skip("no checkout of git")
    with observed.inside(ROOT):
        written = [path for stage in pipeline.stages() for path in stage.writes]
    files = [Path(name) for name in listed.stdout.splitlines() if not name.endswith(".gitignore")]
    assert [file for file in files if not any(file.is_relative_to(path) for path in written)] == []
