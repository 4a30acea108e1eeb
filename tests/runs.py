"""Stages as child processes that start fast: forked from a server that has torch and the stages loaded.

A child can be told to end itself at an exact moment: before the n-th call of a function.
"""

import importlib
import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import stages
import tiny
from oracles import ROOT

_context = multiprocessing.get_context("forkserver")
_context.set_forkserver_preload(["runs", "preloaded", *(f"stages.{name}" for name in dict(tiny.RUNS))])


class Done(NamedTuple):
    """Exit status (negative: the signal), and all that was printed."""

    code: int
    said: str


class Moment(NamedTuple):
    """Before the ``call``-th call (from 1) of ``function``, written ``package.module:name``."""

    function: str
    call: int


def run(folder: Path, stage: str, item: str = "", die: tuple[Moment, int] | None = None, do: Any = None) -> Done:
    """``python -m stages.<stage> <item>`` in ``folder``; ``die`` is a moment and the signal sent then, ``do`` a
    function and its arguments called at the moment instead of dying."""
    said = folder / f".said-{stage}-{item}"
    process = _context.Process(target=_child, args=(folder, stage, item, said, die, do))
    process.start()
    process.join(120)
    assert process.exitcode is not None, f"{stage} {item} hangs"
    text = said.read_text() if said.exists() else ""
    said.unlink(missing_ok=True)
    return Done(process.exitcode, text)


def fresh(folder: Path, stage: str, item: str = "", *, also: str = "") -> subprocess.CompletedProcess[str]:
    """A truly new process, as DVC starts it. ``also`` is a further folder of modules."""
    environment = os.environ | {"PYTHONPATH": f"{also}:{ROOT}/src:{ROOT}", "PYTHONHASHSEED": "random"}
    command = [sys.executable, "-m", f"stages.{stage}", *([item] if item else [])]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


def copy(finished: Path, folder: Path, *names: str) -> Path:
    """A workspace with the parameters and the named results of ``finished``."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("params.yaml", *names):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (shutil.copytree if (finished / name).is_dir() else shutil.copy)(finished / name, folder / name)
    return folder


def _child(folder: Path, stage: str, item: str, said: Path, die: tuple[Moment, int] | None, do: Any) -> None:
    os.chdir(folder)
    stream = os.open(said, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(stream, 1)
    os.dup2(stream, 2)
    sys.stdout, sys.stderr = os.fdopen(1, "w"), os.fdopen(2, "w")
    module = importlib.import_module(f"stages.{stage}")
    if die is not None:
        _before(die[0], lambda: os.kill(os.getpid(), die[1]))
    if do is not None:
        _before(do[0], lambda: do[1](*do[2:]))
    sys.argv = [stage, *([item] if item else [])]
    stages.PARENT = os.getppid()
    stages.run(module.main, getattr(module, "ITEMS", ()))


def _before(moment: Moment, act: Callable[[], object]) -> None:
    path, names = moment.function.split(":")
    *owners, name = names.split(".")
    owner: Any = importlib.import_module(path)
    for part in owners:
        owner = getattr(owner, part)
    original = getattr(owner, name)
    calls = 0

    def counted(*args: Any, **kwargs: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls == moment.call:
            act()
        return original(*args, **kwargs)

    setattr(owner, name, counted)


KILL, TERM = signal.SIGKILL, signal.SIGTERM
