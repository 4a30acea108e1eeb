"""DVC's side of a run: which stages there are, which of them must run, and the records of those that did.

The only module that uses DVC's internals, as version `SUPPORTED` has them. Everything happens in the order and under
the locks of `dvc repro`; only the commands are run by somebody else, between `check` and `record`.
"""

import io
import json
import logging
import os
import re
import secrets
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from copy import deepcopy
from enum import Enum
from pathlib import Path
from types import ModuleType
from typing import Any, Self

import yaml
from dvc import __version__
from dvc import rwlock as rwlocks
from dvc.dependency import param
from dvc.dependency.param import ParamsDependency
from dvc.exceptions import DvcException
from dvc.lock import make_lock
from dvc.output import Output
from dvc.repo import Repo, lock_repo
from dvc.repo.reproduce import collect_stages, get_active_graph, plan_repro
from dvc.stage import PipelineStage
from dvc.stage.cache import RunCacheNotFoundError
from dvc.stage.serialize import to_lockfile
from dvc.utils.serialize._yaml import _dump
from dvc_data.hashfile.tree import Tree
from voluptuous import Invalid

from visrep.engine import untouched
from visrep.engine.events import Lock
from visrep.errors import Failure
from visrep.stage import locks

SUPPORTED = "3.67"
HEAD = "schema: '2.0'\nstages:\n"
READ = ("dvc.yaml", "dvc.lock", "params.yaml", ".dvcignore", ".dvc/config", ".dvc/config.local")  # for every stage


class State(Enum):
    UNCHANGED = "unchanged"
    RESTORED = "restored"  # from the run cache
    MUST_RUN = "must run"


class Repository:
    """Of all stages of the current folder's dvc.yaml, or of ``targets`` and what they depend on.

    ``needs`` has, for the name of each stage in the order of `dvc repro`, the stages it depends on; ``last`` are those
    whose entry says ``meta: {last: true}``, which make way for all others. Raises `Failure` where the graph cannot be
    read, DVC is of another version, or another process keeps the records of this folder.
    """

    def __init__(self, targets: Iterable[str] = ()) -> None:
        if not __version__.startswith(f"{SUPPORTED}."):
            raise Failure(f"DVC is {__version__}, and lanes are made for {SUPPORTED}; use dvc repro")
        for library in ("dvc", "dvc_data"):
            logging.getLogger(library).setLevel(logging.CRITICAL)  # no messages, no bars: the coordinator has its own
        self._states = {path: untouched.state(path) for path in READ}  # as they were before DVC looked at them
        with _named():
            self.repo = Repo()
        self.folder = Path(self.repo.tmp_dir)
        self._path = Path(self.repo.root_dir, "dvc.lock")
        self._recorded: set[str] = set()
        self._all = not targets
        with ExitStack() as held, _named(), lock_repo(self.repo):
            self.lock = held.enter_context(_only_one(self.folder / "lanes.lock"))
            here = str(Path("dvc.yaml").resolve())
            every = self.repo.index.stages
            wanted = collect_stages(self.repo, targets) if targets else [stage for stage in every if stage.path == here]
            graph = get_active_graph(self.repo.index.graph)
            plan: list[PipelineStage] = plan_repro(graph, wanted)
            held.enter_context(_patched(rwlocks, "_edit_rwlock", _edit_rwlock))
            held.enter_context(self._files_of(plan))
            held.enter_context(_patched(rwlocks, "rwlock", lambda *_: nullcontext()))  # all is held
            held.enter_context(_patched(param, "load_path", _remembering(param.load_path)))
            self._held = held.pop_all()
        self._lock_had = set(_entries(self._path))
        self._stages = {stage.addressing: stage for stage in plan}
        self._unignored: Iterable[PipelineStage] = plan
        self.needs = {
            name: tuple(below.addressing for below in graph.successors(stage)) for name, stage in self._stages.items()
        }
        self.last = {name for name, stage in self._stages.items() if (stage.meta or {}).get("last")}

    def command(self, name: str) -> str:
        return str(self._stages[name].cmd)

    def environment(self, name: str) -> dict[str, str]:
        """What DVC sets for a command."""
        return {"DVC_ROOT": self.repo.root_dir, "DVC_STAGE": name}

    def uses_device(self, name: str) -> bool:
        """Whether a stage reads `runtime` as a whole, and so computes where `runtime.device` says."""
        reads = (item.params for item in self._stages[name].deps if isinstance(item, ParamsDependency))
        return any("runtime" in names for names in reads)

    def check(self, name: str) -> State:
        """Whether a stage must run, asked when all that it depends on is done. If so, its outputs are removed."""
        stage = self._stages[name]
        for item in (*stage.deps, *stage.outs):
            path = os.path.relpath(item.fs_path)
            self._states.setdefault(path, untouched.state(path))
        with _named(name), lock_repo(self.repo):
            if not stage.changed():
                return State.UNCHANGED
            self._ignore_outputs()
            stage.remove_outs(ignore_remove=False, force=False)
            try:
                self.repo.stage_cache.restore(stage)
            except RunCacheNotFoundError:
                stage.save_deps()
                return State.MUST_RUN
            self._save(stage)
            return State.RESTORED

    def record(self, name: str) -> None:
        """The command of a stage has run and left its outputs. Raises `Failure` where one is missing."""
        with _named(name), lock_repo(self.repo):
            self._save(self._stages[name])

    def write(self, *, all_done: bool) -> None:
        """Write dvc.lock, as far as its order allows while some stages are not done yet: new entries stand in it in the
        order of the graph. What is not in it is in the run cache."""
        names, complete = [], True
        for name in self._stages:
            complete = complete and (name in self._recorded or name in self._lock_had)
            if name in self._recorded and (complete or all_done or name in self._lock_had):
                names.append(name)
        if names:
            copy = self.folder / "dvc.lock"
            with _named(), lock_repo(self.repo):
                entries = _entries(self._path) | {name: _entry(self._stages[name]) for name in names}
                copy.write_text(HEAD + "".join(entries.values()))
                os.replace(copy, self._path)
                self._states["dvc.lock"] = untouched.state("dvc.lock")
                self.repo.scm_context.track_file(str(self._path))
            self._recorded.difference_update(names)
            self._lock_had.update(names)

    def remember(self) -> None:
        """All stages are done: write down the state of all files that say so, for `untouched.done`."""
        stages = self._stages.values()
        if not self._all or any(stage.is_callback or stage.always_changed for stage in stages):
            return
        cached = {os.path.relpath(path) for stage in stages for out in stage.outs for path in _cached(out)}
        states = {path: untouched.state(path) for path in sorted(cached)}
        untouched.remember(self.folder / untouched.NAME, len(self._stages), self._states | states)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self.repo.scm_context.autostage:
            self.repo.scm_context.track_changed_files()
        with _named(), lock_repo(self.repo):
            self._held.close()

    def _save(self, stage: PipelineStage) -> None:
        uncached = any(not out.use_cache for out in stage.outs if not (out.is_metric or out.is_plot))
        stage.save(run_cache=not uncached)
        stage.commit()
        for out in stage.outs:
            path = os.path.relpath(out.fs_path)
            self._states[path] = untouched.state(path)
        self._recorded.add(stage.addressing)

    def _files_of(self, plan: Iterable[PipelineStage]) -> AbstractContextManager[None]:
        """DVC's lock on all that these stages read and write, held once for the whole run."""
        read = sorted({item.fs_path for stage in plan for item in stage.deps})
        written = sorted({item.fs_path for stage in plan for item in stage.outs})
        hardlink = self.repo.config["core"].get("hardlink_lock", False)
        held: AbstractContextManager[None] = rwlocks.rwlock(
            self.repo.tmp_dir, self.repo.fs, " ".join(sys.argv), read, written, hardlink
        )
        return held

    def _ignore_outputs(self) -> None:
        """DVC adds a line to .gitignore when a stage ends; here all are there before the first, so that their order is
        the graph's."""
        stages, self._unignored = self._unignored, ()
        for stage in stages:
            for out in stage.outs:
                Path(out.fs_path).parent.mkdir(parents=True, exist_ok=True)
                out.ignore()


@contextmanager
def _only_one(path: Path) -> Iterator[Lock]:
    token = f" {secrets.token_hex(16)}"
    lock = locks.only_one(path, "this study", more=token)
    try:
        yield Lock(os.path.relpath(path), f"{os.getpid()}{token}")
    finally:
        os.close(lock)


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


def _cached(out: Output) -> list[str]:
    """The files of DVC's cache that hold an output."""
    obj = out.get_obj() if out.use_cache else None
    parts = [obj.hash_info, *(part for *_, part in (obj if isinstance(obj, Tree) else ()))] if obj else []
    return [out.cache.oid_to_path(part.value) for part in parts]


def _entry(stage: PipelineStage) -> str:
    """What dvc.lock says of a stage."""
    text = io.StringIO()
    _dump({"stages": to_lockfile(stage)}, text)
    return text.getvalue().removeprefix("stages:\n")


def _entries(path: Path) -> dict[str, str]:
    """The text of each stage in dvc.lock, as DVC writes it: cut and joined in a hundredth of the time that reading and
    writing it as YAML takes. Raises `Failure` where the text has another form."""
    head, *texts = re.split(r"^(?=  \S)", path.read_text() if path.exists() else HEAD, flags=re.MULTILINE)
    if head != HEAD:
        raise Failure(f"{path.name} is not as DVC writes it; dvc repro writes it anew")
    return {str(next(iter(yaml.safe_load(text.partition("\n")[0])))): text for text in texts}


def _remembering(load: Callable[..., Any]) -> Callable[..., Any]:
    """DVC reads params.yaml anew for each stage; this does when it has changed."""
    known: dict[tuple[str, int, int], Any] = {}

    def remembered(path: str, *more: Any, **named: Any) -> Any:
        at = Path(path).stat()
        key = (path, at.st_mtime_ns, at.st_size)
        if key not in known:
            known[key] = load(path, *more, **named)
        return deepcopy(known[key])

    return remembered


@contextmanager
def _patched(module: ModuleType, name: str, value: object) -> Iterator[None]:
    before = getattr(module, name)
    setattr(module, name, value)
    try:
        yield
    finally:
        setattr(module, name, before)


@contextmanager
def _named(stage: str = "") -> Iterator[None]:
    """Errors of DVC as one line."""
    try:
        yield
    except DvcException as error:
        line = " ".join(str(error).split())
        raise Failure(f"{stage}: {line}" if stage else line) from error
