"""What a stage says when something is wrong: one line, a status, nothing left behind."""

import errno
import fcntl
import os
import pty
import re
import shutil
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

import graph
import observed
import runs
import tiny
from oracles import ROOT, digests
from runs import Moment
from visrep.stage import pipeline


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    tiny.write(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("stage", "item", "message", "status"),
    [
        (
            "fgsm_sweep",
            "resnet",
            "fgsm_sweep: no item 'resnet'; one of cnn, adv_cnn, quantisation, distillation, fgsm_mix",
            2,
        ),
        ("fgsm_sweep", "", "fgsm_sweep: no item ''; one of cnn, adv_cnn, quantisation, distillation, fgsm_mix", 2),
        ("train_cnn", "extra", "train_cnn: takes no item, got 'extra'; usage: python -m stages.train_cnn", 2),
        ("train_cnn", "", "train_cnn: data/street_digits is missing; run `dvc repro download@street_digits` first", 1),
        ("probe", "vicreg", "probe: data/objects is missing; run `dvc repro download@objects` first", 1),
        ("roc", "", "roc: plots/anomaly is missing; run `dvc repro anomaly` first", 1),
        ("report", "", "report: docs/stages.yaml is missing; run `dvc repro` first", 1),
        (
            "fgsm_sweep",
            "cnn",
            "fgsm_sweep: data/street_digits is missing; run `dvc repro download@street_digits` first",
            1,
        ),
    ],
)
def test_misuse_is_one_line(folder: Path, stage: str, item: str, message: str, status: int) -> None:
    shutil.copy(ROOT / "dvc.yaml", folder)
    done = runs.run(folder, stage, item)
    assert (done.code, done.said) == (status, message + "\n")


@pytest.mark.parametrize(
    ("path", "stage"),
    [
        ("embeddings/vicreg/train.npy", " embed@vicreg"),  # below an output
        ("models/no_variance.safetensors", " ablations@no_variance"),
        ("plots/figures/pixels/map.png", " figures@pixels"),
        ("plots/maps", " maps"),  # above outputs of one entry
        ("plots", ""),  # above those of many
        ("nowhere", ""),
    ],
)
def test_what_is_missing_names_the_stage_that_writes_it(path: str, stage: str) -> None:
    with observed.inside(ROOT):
        assert pipeline.remedy(path) == f"run `dvc repro{stage}` first"


def test_help_says_what_the_stage_does_and_which_items_there_are(folder: Path) -> None:
    done = runs.run(folder, "fgsm_sweep", "--help")
    assert done.code == 0
    assert "usage: python -m stages.fgsm_sweep {cnn,adv_cnn,quantisation,distillation,fgsm_mix}" in done.said
    assert "Test images are attacked" in done.said
    assert done.said.endswith("\n\ndvc.yaml does not say what it reads and writes\n")


@pytest.mark.parametrize(
    "group", sorted({name.partition("@")[0] for name in graph.stages(graph.parse(graph.FILE.read_text()))})
)
def test_help_says_what_a_stage_reads_and_writes(group: str) -> None:
    with observed.inside(ROOT):
        head, _, tail = pipeline.described(group).partition("\nwrites\n  ")
    first, *reads = head.removeprefix("reads\n  ").split("\n  ")
    entry = graph.parse(graph.FILE.read_text())["stages"][group]
    body = entry.get("do", entry)
    known = [_of_an_item(path) for path in graph.paths(body["deps"])]
    assert reads == [path for path in known if not path.endswith(".py") and not path.startswith("src/")]
    sections = [_of_an_item(name) for name in graph.paths(body["params"]) if name != "params.yaml"]
    assert first == (f"params.yaml: {', '.join(sections)}" if sections else "params.yaml")
    written = [_of_an_item(path) for kind in ("outs", "metrics", "plots") for path in graph.paths(body.get(kind))]
    assert tail.split("\n  ") == written


def _of_an_item(path: str) -> str:
    """As `--help` has it; neighbors are sought where the shipped parameters say."""
    path = re.sub(r"\$\{item\.(name|seed)\}", r"<\1>", path)
    return path.replace("${key}", "<item>").replace("${item}", "<item>").replace("${neighbors.from}", "vicreg")


def test_bad_parameters_are_one_line_before_anything_is_written(folder: Path) -> None:
    params = folder / "params.yaml"
    params.write_text(params.read_text() + "vicregg:\n  epochs: 3\n")
    done = runs.run(folder, "check")
    assert (done.code, done.said) == (2, "check: params.yaml: vicregg is no parameter\n")
    assert list(digests(folder)) == ["params.yaml"]


def test_a_text_file_is_no_archive(folder: Path) -> None:
    (folder / "notes.txt").write_text("not an archive\n" * 100)
    tiny.write(
        folder,
        {
            "download": {
                "street_digits": {"source": "archive", "archive": "notes.txt", "sha256": None, "max_megabytes": 9}
            }
        },
    )
    done = runs.run(folder, "download", "street_digits")
    assert done.code == 1
    assert done.said.startswith("download: notes.txt: no readable .zip, .tar or .tar.gz archive")
    assert done.said.count("\n") == 1
    assert sorted(digests(folder)) == ["notes.txt", "params.yaml"]


def _full() -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), "data/street_digits/test_images.npy")


def test_a_full_disk_is_one_line_and_leaves_nothing_half_written(folder: Path) -> None:
    done = runs.run(folder, "download", "street_digits", do=(Moment("os:fsync", 3), _full))
    assert done.code == 1
    what = "data/street_digits/test_images.npy: No space left on device"
    assert done.said.splitlines() == [f"download: no room left to write {what}; nothing was written"]
    assert list(digests(folder)) == ["params.yaml"]
    assert runs.run(folder, "download", "street_digits").code == 0


def test_a_really_full_disk(folder: Path) -> None:
    """The kernel's own limit on the size of a file stands for a disk that fills half way."""
    limited = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))\n"
    (folder / "sitecustomize.py").write_text(limited)
    done = runs.fresh(folder, "download", "street_digits", also=str(folder))
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "no room left to write" in done.stderr
    assert sorted(digests(folder)) == ["params.yaml", "sitecustomize.py"]


def _interrupt() -> None:
    """What Ctrl-C comes to. (The signal itself may be ignored where tests run in the background.)"""
    raise KeyboardInterrupt


def test_an_interrupt_is_one_line_and_keeps_progress(finished: Path, tmp_path: Path) -> None:
    folder = runs.copy(finished, tmp_path / "interrupted", "data/street_digits")
    done = runs.run(folder, "train_cnn", do=(Moment("visrep.training.loop:_epoch", 3), _interrupt))
    assert done.code == 130
    assert done.said.splitlines()[-1] == "train_cnn: interrupted; run it again and it goes on from here"
    assert "epoch 3/3" in runs.run(folder, "train_cnn").said


def test_every_epoch_is_one_line_where_there_is_no_terminal(finished: Path, tmp_path: Path) -> None:
    folder = runs.copy(finished, tmp_path / "lines", "data/street_digits")
    lines = runs.run(folder, "train_cnn").said.splitlines()
    assert [line.split()[2] for line in lines] == ["1/3", "2/3", "3/3"]
    assert all(line.endswith("s left") and "train_loss" in line for line in lines)


def test_a_terminal_shows_a_bar_with_loss_and_time_left(finished: Path, tmp_path: Path) -> None:
    folder = runs.copy(finished, tmp_path / "bar", "data/street_digits")
    screen, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 150, 0, 0))  # rows and columns
    command = [sys.executable, "-m", "stages.train_cnn"]
    done = subprocess.run(command, cwd=folder, stderr=terminal, stdout=subprocess.PIPE, text=True)
    os.close(terminal)
    said = os.read(screen, 100_000).decode()
    assert (done.returncode, done.stdout) == (0, "")
    assert "train_cnn: 100%" in said
    assert "3/3 [" in said
    assert "val_loss" in said


def test_the_time_left_on_a_terminal_is_that_of_the_epochs_done(tmp_path: Path) -> None:
    """Epochs of a second each: after one of four there are three seconds left, and the empty bar shows at once."""
    code = (
        "import time; from pathlib import Path; from visrep.stage.job import Job\n"
        f"job = Job('train_cnn', Path({str(ROOT / 'stages/train_cnn.py')!r}))\n"
        "for done in range(3):\n"
        "    job.progress(done, 4, 1.0, {'epoch': done} if done else {}); time.sleep(done < 2)"
    )
    screen, terminal = pty.openpty()
    fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 150, 0, 0))
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, stderr=terminal)
    os.close(terminal)
    said = os.read(screen, 100_000).decode()
    assert done.returncode == 0
    assert "0/4 [00:00<?" in said
    assert "1/4 [00:01<00:03" in said
    assert "2/4 [00:02<00:02" in said


def test_a_disk_that_fills_while_a_network_learns_is_one_line(finished: Path, tmp_path: Path) -> None:
    folder = runs.copy(finished, tmp_path / "full", "data/street_digits")
    limited = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (5_000, 5_000))\n"
    (folder / "sitecustomize.py").write_text(limited)
    done = runs.fresh(folder, "train_cnn", also=str(folder))
    assert done.returncode == 1
    assert done.stderr.count("\n") == 1
    assert "no room left to write" in done.stderr
    assert not list(folder.rglob("*.part"))
    (folder / "sitecustomize.py").unlink()
    assert runs.fresh(folder, "train_cnn").returncode == 0


def test_a_loss_that_is_not_finite_ends_the_stage_with_one_line(finished: Path, tmp_path: Path) -> None:
    folder = runs.copy(finished, tmp_path / "nan", "data/street_digits")
    tiny.write(folder, {"train_cnn": {"optimizer": {"lr": 1e30}}})
    done = runs.run(folder, "train_cnn")
    assert done.code == 1
    assert "loss is" in done.said.splitlines()[-1]
    assert "epoch 1, step" in done.said.splitlines()[-1]
