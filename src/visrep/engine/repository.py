"""DVC's side of a run: which stages there are, which of them must run, and the records of those that did.

The only module that uses DVC's internals, as version `SUPPORTED` has them. Everything happens in the order and under
the locks of `dvc repro`; only the commands are run by somebody else, between `look` and `record`.
"""

import fcntl
import io
import json
import logging
import os
import re
import secrets
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from enum import Enum
from pathlib import Path
from typing import Any, Self

import yaml
from dvc import __version__
from dvc import rwlock as rwlocks
from dvc.dependency.param import ParamsDependency
from dvc.exceptions import DvcException
from dvc.lock import make_lock
from dvc.repo import Repo, lock_repo
from dvc.repo.reproduce import collect_stages, get_active_graph, plan_repro
from dvc.stage import PipelineStage
from dvc.stage.cache import RunCacheNotFoundError
from dvc.stage.serialize import to_lockfile
from dvc.utils.serialize._yaml import _dump
from voluptuous import Invalid

from visrep.engine.events import Lock
from visrep.errors import Failure

SUPPORTED = "3.67"
HEAD = "schema: '2.0'\nstages:\n"


class State(Enum):
    UNCHANGED = "unchanged"
    RESTORED = "restored"  # from the run cache
    MUST_RUN = "must run"


class Repository:
    """Of all stages of the current folder's dvc.yaml, or of ``targets`` and what they stand on.

    ``needs`` has, for the name of each stage in the order of `dvc repro`, the stages it stands on. Raises `Failure`
    where the graph cannot be read, DVC is of another version, or another process keeps the repository of this folder.
    """

    def __init__(self, targets: Iterable[str] = ()) -> None:
        if not __version__.startswith(f"{SUPPORTED}."):
            raise Failure(f"DVC is {__version__}, and lanes are made for {SUPPORTED}; use dvc repro")
        for library in ("dvc", "dvc_data"):
            logging.getLogger(library).setLevel(logging.CRITICAL)  # no messages, no bars: the coordinator has its own
        rwlocks._edit_rwlock = _edit_rwlock
        self.repo = Repo()
        self.folder = Path(self.repo.tmp_dir)
        self.lock, self._held = _only_one(self.folder / "lanes.lock")
        self._running: dict[str, ExitStack] = {}
        self._recorded: set[str] = set()
        with _named(), lock_repo(self.repo):
            wanted = collect_stages(self.repo, list(targets) or ["dvc.yaml"])
            graph = get_active_graph(self.repo.index.graph)
            plan: list[PipelineStage] = plan_repro(graph, wanted)
            self._lock_had = set(self.repo.index.stages[0].dvcfile.lockfile_contents.get("stages", {}) if plan else ())
        self._stages = {stage.addressing: stage for stage in plan}
        self.needs = {
            name: tuple(below.addressing for below in graph.successors(stage)) for name, stage in self._stages.items()
        }

    def command(self, name: str) -> str:
        return str(self._stages[name].cmd)

    def environment(self, name: str) -> dict[str, str]:
        """What DVC sets for a command."""
        return {"DVC_ROOT": self.repo.root_dir, "DVC_STAGE": name}

    def uses_device(self, name: str) -> bool:
        """Whether a stage reads `runtime` as a whole, and so computes where `runtime.device` says."""
        reads = (item.params for item in self._stages[name].deps if isinstance(item, ParamsDependency))
        return any("runtime" in names for names in reads)

    def look(self, name: str) -> State:
        """Whether a stage must run, asked when all that it stands on is done. If so, its outputs are removed, and its
        files are locked until `record` or `abandon`."""
        stage = self._stages[name]
        with _named(name), lock_repo(self.repo):
            if not stage.changed():
                return State.UNCHANGED
            self._ignore_outputs()
            stage.remove_outs(ignore_remove=False, force=False)
            try:
                self.repo.stage_cache.restore(stage)
            except RunCacheNotFoundError:
                stage.save_deps()
                self._running[name] = self._hold(stage)
                return State.MUST_RUN
            self._save(stage)
            return State.RESTORED

    def record(self, name: str) -> None:
        """The command of a stage has run and left its outputs. Raises `Failure` where one is missing."""
        with _named(name), lock_repo(self.repo):
            self._running.pop(name).close()
            self._save(self._stages[name])

    def abandon(self, name: str) -> None:
        """The command of a stage has failed, or was ended."""
        self._running.pop(name).close()

    def write(self, *, all_done: bool) -> None:
        """Write dvc.lock, as far as its order allows while some stages are not done yet: new entries stand in it in the
        order of the graph. What is not in it is in the run cache."""
        names, complete = [], True
        for name in self._stages:
            complete = complete and (name in self._recorded or name in self._lock_had)
            if name in self._recorded and (complete or all_done or name in self._lock_had):
                names.append(name)
        if names:
            path, copy = Path(self.repo.root_dir, "dvc.lock"), self.folder / "dvc.lock"
            with _named(), lock_repo(self.repo):
                written = path.read_text() if path.exists() else ""
                copy.write_text(_spliced(written, {name: _entry(self._stages[name]) for name in names}))
                os.replace(copy, path)
                self.repo.scm_context.track_file(str(path))
            self._recorded.difference_update(names)
            self._lock_had.update(names)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for name in list(self._running):
            self.abandon(name)
        if self.repo.scm_context.autostage:
            self.repo.scm_context.track_changed_files()
        os.close(self._held)

    def _save(self, stage: PipelineStage) -> None:
        uncached = any(not out.use_cache for out in stage.outs if not (out.is_metric or out.is_plot))
        stage.save(run_cache=not uncached)
        stage.commit()
        self._recorded.add(stage.addressing)

    def _hold(self, stage: PipelineStage) -> ExitStack:
        """DVC's lock on the files of a running stage, as its own process would hold it."""
        read, written = ([item.fs_path for item in items] for items in (stage.deps, stage.outs))
        hardlink = self.repo.config["core"].get("hardlink_lock", False)
        held = ExitStack()
        held.enter_context(rwlocks.rwlock(self.repo.tmp_dir, self.repo.fs, " ".join(sys.argv), read, written, hardlink))
        return held

    def _ignore_outputs(self) -> None:
        """DVC adds a line to .gitignore when a stage ends; here all are there before the first, so that their order is
        the graph's."""
        for stage in self._stages.values() if not self._recorded and not self._running else ():
            for out in stage.outs:
                Path(out.fs_path).parent.mkdir(parents=True, exist_ok=True)
                out.ignore()


def _only_one(path: Path) -> tuple[Lock, int]:
    lock = os.open(path, os.O_RDWR | os.O_CREAT)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(lock, 20).decode().partition(" ")[0] or "unknown"
        raise Failure(f"running already, as process {holder}; wait for it or end it") from None
    content = f"{os.getpid()} {secrets.token_hex(16)}"
    os.truncate(lock, 0)
    os.write(lock, content.encode())
    return Lock(os.path.relpath(path), content), lock


@contextmanager
def _edit_rwlock(folder: str, fs: Any, hardlink: bool) -> Iterator[dict[str, Any]]:
    """As DVC's, which writes in place: a kill leaves a file that no later run can read. Here it is replaced, and one
    that nobody can read counts as empty: nobody writes it while it is guarded, so its writer was killed."""
    path = Path(folder, rwlocks.RWLOCK_FILE)
    with make_lock(str(path.with_name(rwlocks.RWLOCK_LOCK)), tmp_dir=folder, hardlink_lock=hardlink):
        try:
            lock = rwlocks.SCHEMA(json.loads(path.read_text()))
        except (OSError, ValueError, Invalid):
            lock = rwlocks.SCHEMA({})
        lock["read"], lock["write"] = defaultdict(list, lock["read"]), defaultdict(dict, lock["write"])
        yield lock
        new = path.with_suffix(".new")
        new.write_text(json.dumps(lock))
        os.replace(new, path)


def _entry(stage: PipelineStage) -> str:
    """What dvc.lock says of a stage."""
    text = io.StringIO()
    _dump({"stages": to_lockfile(stage)}, text)
    return text.getvalue().removeprefix("stages:\n")


def _spliced(lock: str, entries: dict[str, str]) -> str:
    """The text of dvc.lock with ``entries`` in the place of those of the same stages, new ones at its end: what DVC
    writes, in a hundredth of its time. Raises `Failure` where the text is not as DVC writes it."""
    head, *old = re.split(r"^(?=  \S)", lock or HEAD, flags=re.MULTILINE)
    if head != HEAD:
        raise Failure("dvc.lock is not as DVC writes it; dvc repro brings it into form")
    blocks = {str(next(iter(yaml.safe_load(block.partition("\n")[0])))): block for block in old}
    return head + "".join((blocks | entries).values())


@contextmanager
def _named(stage: str = "") -> Iterator[None]:
    """Errors of DVC as one line."""
    try:
        yield
    except DvcException as error:
        raise Failure(f"{stage}: {error}" if stage else str(error)) from error
