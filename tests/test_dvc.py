"""The commands that people type, on a tiny study in a repository of its own: DVC runs it, skips it, compares it."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import tiny
from oracles import ROOT
from test_exactness import alive

ENVIRONMENT = os.environ | {
    "SHELL": "/bin/sh",  # which DVC runs commands in; a plain one stays beside what it starts, bash does not
    "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    "GIT_CONFIG_COUNT": "2",
    "GIT_CONFIG_KEY_0": "user.name",
    "GIT_CONFIG_VALUE_0": "t",
    "GIT_CONFIG_KEY_1": "user.email",
    "GIT_CONFIG_VALUE_1": "t@t",
}


class Study:
    """Runs commands in ``folder``."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = ENVIRONMENT | {"PYTHONPATH": f"{folder}/src:{folder}"}

    def __call__(self, *words: str) -> str:
        done = subprocess.run(words, cwd=self.folder, env=self.environment, capture_output=True, text=True)
        assert done.returncode == 0, f"{' '.join(words)}: {done.stdout}{done.stderr}"
        return done.stdout

    def dvc(self, *words: str) -> str:
        return self("dvc", *words)

    def ran(self, *words: str) -> list[str]:
        """The stages that a command ran."""
        lines = self.dvc(*words).splitlines()
        return [line.split("'")[1] for line in lines if line.startswith("Running stage")]

    def commit(self) -> None:
        self("git", "add", "-A")
        self("git", "commit", "-qm", "results")

    def params(self, change: dict[str, Any]) -> None:
        tiny.write(self.folder, change)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """The digits of the tiny study, run and committed."""
    folder = tmp_path_factory.mktemp("repository")
    for name in ("src", "stages"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    tiny.furnish(folder)
    tiny.write(folder)
    (folder / ".dvc").mkdir()
    for name in (".dvc/config", ".dvcignore", ".gitignore"):
        shutil.copy(ROOT / name, folder / name)
    shutil.copytree(ROOT / ".dvc/plots", folder / ".dvc/plots")
    found = Study(folder)
    found("git", "init", "-q", "-b", "main")
    assert found.ran("repro", "figures_digits") == ["check", "download@street_digits", "train_cnn", "figures_digits"]
    found.commit()
    return found


def test_a_second_run_does_nothing(study: Study) -> None:
    assert study.ran("repro", "figures_digits") == []


def test_a_changed_number_reruns_what_it_touches_and_shows_in_every_comparison(study: Study) -> None:
    study.params({"train_cnn": {"epochs": 2}})
    assert study.ran("repro", "figures_digits") == ["check", "train_cnn", "figures_digits"]
    changed = json.loads(study.dvc("params", "diff", "main", "--json"))
    assert changed == {"params.yaml": {"train_cnn.epochs": {"old": 3, "new": 2, "diff": -1}}}
    shown = json.loads(study.dvc("metrics", "show", "metrics/train_cnn.json", "--json"))
    written = json.loads((study.folder / "metrics/train_cnn.json").read_text())
    assert shown[""]["data"]["metrics/train_cnn.json"]["data"] == written
    committed = json.loads(study("git", "show", "main:metrics/train_cnn.json"))
    moved = json.loads(study.dvc("metrics", "diff", "main", "--json"))["metrics/train_cnn.json"]
    assert moved["test_loss"]["old"] == committed["test_loss"]
    assert moved["test_loss"]["new"] == written["test_loss"] != committed["test_loss"]
    page = study.folder / "dvc_plots/index.html"
    study.dvc("plots", "diff", "main", "--targets", "plots/train_cnn/history.json")
    assert {revision in page.read_text() for revision in ("main", "workspace")} == {True}

    study.params({})
    assert study.ran("repro", "figures_digits") == []  # from the cache
    assert not study("git", "status", "--porcelain", "metrics", "plots", "dvc.lock")


def test_an_experiment_is_run_and_shown(study: Study) -> None:
    study.dvc("exp", "run", "-S", "train_cnn.epochs=1", "-n", "short", "train_cnn")
    shown = study.dvc("exp", "show", "--json")
    assert "short" in shown
    assert '"epochs": 1' in shown
    study("git", "checkout", "-q", ".")
    assert study.ran("repro", "figures_digits") == []


def test_the_graph_leads_to_a_stage(study: Study) -> None:
    drawn = study.dvc("dag", "--dot", "figures_digits")
    assert [line.strip() for line in drawn.splitlines() if "->" in line and "train_cnn" in line.split("->")[1]] == [
        '"download@street_digits" -> "train_cnn";'
    ]


def test_a_killed_dvc_takes_its_stage_along(study: Study) -> None:
    study.params({"train_cnn": {"epochs": 10_000}})
    running = subprocess.Popen(
        ["dvc", "repro", "train_cnn"], cwd=study.folder, env=study.environment, stdout=subprocess.PIPE, text=True
    )
    assert running.stdout is not None
    assert any("epoch 1/10000" in line for line in running.stdout)
    lock = study.folder / ".resume/train_cnn/lock"
    stage = int(lock.read_text())
    running.send_signal(signal.SIGKILL)
    running.wait()
    until = time.monotonic() + 20
    while alive(stage) and time.monotonic() < until:
        time.sleep(0.05)
    survived = alive(stage)
    if survived:
        os.kill(stage, signal.SIGKILL)
    assert not survived
    study.params({})
    (study.folder / ".dvc/tmp/rwlock").unlink(missing_ok=True)
    assert study.ran("repro", "train_cnn") == []
