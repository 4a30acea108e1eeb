"""The same inputs give the same bytes: in another process, after a kill at any moment, and never from mixed code."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

import graph
import runs
import tiny
from oracles import ROOT, digests
from runs import KILL, TERM, Moment

MOMENTS = {
    "first step": Moment("visrep.training.loop:_step", 1),
    "mid-epoch": Moment("visrep.training.loop:_step", 6),
    "between epochs": Moment("visrep.training.loop:_epoch", 2),
    "before a checkpoint is written": Moment("torch:save", 2),
    "between temporary file and rename": Moment("os:replace", 2),
    "before outputs are written": Moment("visrep.training.weights:save", 1),
    "while outputs are written": Moment("visrep.files:write_json", 2),
    "before outputs are published": Moment("visrep.stage.job:Job.publish", 1),
    "while outputs are published": Moment("os:replace", 12),
}


def started(finished: Path, folder: Path, stage: str, item: str) -> tuple[Path, dict[str, str]]:
    """A workspace in which just this stage is missing, and the bytes that it should come to hold."""
    reads, writes = graph.files(stage, item)
    bytes_of = digests(finished)
    outputs = {name for path in writes for name in graph.below(finished, path)}
    present = {name for path in reads for name in graph.below(finished, path)}
    workspace = runs.copy(finished, folder, *sorted(present))
    return workspace, {name: bytes_of[name] for name in outputs | present | {"params.yaml"}}


@pytest.mark.parametrize(("stage", "item"), tiny.SOME)
def test_a_fresh_process_writes_the_same_bytes(finished: Path, tmp_path: Path, stage: str, item: str) -> None:
    folder, expected = started(finished, tmp_path, stage, item)
    done = runs.fresh(folder, stage, item)
    assert done.returncode == 0, done.stderr
    assert digests(folder) == expected


@pytest.mark.parametrize("sent", [KILL, TERM], ids=["SIGKILL", "SIGTERM"])
@pytest.mark.parametrize("moment", MOMENTS)
def test_a_killed_training_ends_in_the_same_bytes(finished: Path, tmp_path: Path, moment: str, sent: int) -> None:
    folder, expected = started(finished, tmp_path, "train_cnn", "")
    died = runs.run(folder, "train_cnn", die=(MOMENTS[moment], sent))
    assert died.code == -sent, f"{moment} was not reached: {died.said}"
    assert digests(folder) != expected
    assert runs.run(folder, "train_cnn").code == 0
    assert digests(folder) == expected


def test_a_resumed_training_does_not_start_over(finished: Path, tmp_path: Path) -> None:
    folder, _ = started(finished, tmp_path, "train_cnn", "")
    runs.run(folder, "train_cnn", die=(Moment("visrep.training.loop:_epoch", 3), KILL))
    said = runs.run(folder, "train_cnn").said
    assert "epoch 3/3" in said
    assert "epoch 2/3" not in said


@pytest.mark.parametrize(("stage", "item"), [pair for pair in tiny.SOME if pair[0] != "train_cnn"])
def test_every_stage_survives_one_kill(finished: Path, tmp_path: Path, stage: str, item: str) -> None:
    folder, expected = started(finished, tmp_path, stage, item)
    died = runs.run(folder, stage, item, die=(Moment("os:replace", 2), KILL))
    assert died.code == -KILL, died.said
    assert runs.run(folder, stage, item).code == 0
    assert digests(folder) == expected


def _edit(path: Path) -> None:
    path.write_text(path.read_text().replace("label_smoothing: 0.0", "label_smoothing: 0.3"))


@pytest.mark.parametrize("edit", ["params", "input"])
def test_what_changes_during_a_run_fails_it(finished: Path, tmp_path: Path, edit: str) -> None:
    folder = runs.copy(finished, tmp_path / "edited", "data/street_digits")
    changed = {
        "params": (_edit, folder / "params.yaml"),
        "input": (os.remove, folder / "data/street_digits/test_labels.npy"),
    }
    done = runs.run(folder, "train_cnn", do=(Moment("visrep.training.loop:_step", 4), *changed[edit]))
    assert done.code == 1
    assert "changed while this ran" in done.said.splitlines()[-1]
    assert "models/cnn.safetensors" not in digests(folder)


def _edit_knn(path: Path) -> None:
    path.write_text(path.read_text().replace("temperature: 0.1", "temperature: 0.3"))


@pytest.mark.parametrize("edit", ["params", "input"])
def test_what_changes_before_the_first_output_fails_a_run(finished: Path, tmp_path: Path, edit: str) -> None:
    """Readers think first and write at the end: what they read is remembered as it was when they read it."""
    folder, _ = started(finished, tmp_path / "edited", "probe", "vicreg")
    changed = {
        "params": (_edit_knn, folder / "params.yaml"),
        "input": (_touched, folder / "embeddings/vicreg/test.npy"),
    }
    before = (folder / "params.yaml").read_text()
    done = runs.run(folder, "probe", "vicreg", do=(Moment("visrep.measures.probes:logistic", 1), *changed[edit]))
    assert done.code == 1
    named = {"params": "params.yaml: probe", "input": "embeddings/vicreg/test.npy"}[edit]
    assert f"{named} changed while this ran" in done.said
    assert ((folder / "params.yaml").read_text() != before) == (edit == "params")
    assert not (folder / "metrics/probe/vicreg.json").exists()


def _touched(path: Path) -> None:
    with open(path, "ab") as file:
        file.write(b"more")


def test_parameters_edited_while_the_report_is_made_fail_it(finished: Path, tmp_path: Path) -> None:
    folder, _ = started(finished, tmp_path / "edited", "report", "")
    done = runs.run(folder, "report", do=(Moment("visrep.report.page:render", 1), _edit, folder / "params.yaml"))
    assert done.code == 1
    assert "changed while this ran" in done.said
    assert not (folder / "report").exists()


def test_code_edited_during_a_run_fails_it(finished: Path, tmp_path: Path) -> None:
    folder = runs.copy(finished, tmp_path / "edited", "data/street_digits")
    for name in ("src", "stages"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    edit = (
        "import visrep.training.loop as t, pathlib, runpy; step = t._step\n"
        "def edited(*a):\n"
        "    with open('src/visrep/digits/losses.py', 'a') as f: f.write('# a comment\\n')\n"
        "    return step(*a)\n"
        "t._step = edited; runpy.run_module('stages.train_cnn', run_name='__main__', alter_sys=True)"
    )
    environment = os.environ | {"PYTHONPATH": f"{folder}/src:{folder}"}
    done = subprocess.run([sys.executable, "-c", edit], cwd=folder, env=environment, capture_output=True, text=True)
    assert done.returncode == 1
    assert "changed while this ran" in done.stderr
    assert not (folder / "models").exists()


def test_a_second_copy_of_a_running_stage_refuses_to_start(finished: Path, tmp_path: Path) -> None:
    folder = runs.copy(finished, tmp_path / "twice", "data/street_digits")
    first = runs.run(folder, "train_cnn", do=(Moment("visrep.training.loop:_step", 2), _second_copy, folder))
    status, said = (folder / ".second").read_text().split("\n", 1)
    assert first.code == 0
    assert status == "1"
    assert "is running already, as process" in said


def _second_copy(folder: Path) -> None:
    done = runs.fresh(folder, "train_cnn")
    (folder / ".second").write_text(f"{done.returncode}\n{done.stderr}")


def test_a_stage_dies_with_its_parent(finished: Path, tmp_path: Path) -> None:
    folder = runs.copy(finished, tmp_path / "orphan", "data/street_digits")
    change = {"train_cnn": {"epochs": 10_000}}
    tiny.write(folder, change)
    parent = subprocess.Popen(
        [
            sys.executable,
            "-c",
            "import subprocess, sys; print(subprocess.Popen(sys.argv[1:], stderr=2).pid, flush=True); input()",
            *("sh", "-c", f"exec {sys.executable} -m stages.train_cnn"),
        ],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": f"{ROOT}/src:{ROOT}"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    assert "epoch 1/" in parent.stdout.readline()  # it trains
    parent.kill()
    parent.wait()
    until = time.monotonic() + 20
    while alive(child) and time.monotonic() < until:
        os.sched_yield()
    assert not alive(child)


def test_a_stage_whose_parent_died_while_it_was_imported_does_not_start(finished: Path, tmp_path: Path) -> None:
    folder = runs.copy(finished, tmp_path / "orphan", "data/street_digits")
    child = (
        "import os, runpy, sys, time, stages\n"
        "print('begun', flush=True); os.dup2(2, 1)\n"
        "while os.getppid() == stages.PARENT: time.sleep(0.01)\n"
        "sys.argv = ['train_cnn']; runpy.run_module('stages.train_cnn', run_name='__main__', alter_sys=True)"
    )
    parent = (
        "import subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-c', sys.argv[1]], stdout=subprocess.PIPE, text=True)\n"
        "child.stdout.readline()"
    )
    environment = os.environ | {"PYTHONPATH": f"{ROOT}/src:{ROOT}"}
    command = [sys.executable, "-c", parent, child]
    subprocess.run(command, cwd=folder, env=environment, stderr=subprocess.PIPE)  # until the child has ended, too
    assert not (folder / "models").exists()


def alive(process: int) -> bool:
    try:
        os.kill(process, 0)
        return Path(f"/proc/{process}/stat").read_text().split(")")[1].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):
        return False
