"""The life of a stage: one line for every error, one copy at a time, death with its parent, progress that survives a
kill, and outputs that appear whole, at the end, by rename.

Everything unfinished lives in ``.resume/<stage>/<key>/``. The key hashes the parameters read, the inputs and the code,
so a run that was killed goes on where it stood exactly when nothing that could change its bytes has changed.
"""

import ctypes
import errno
import fcntl
import importlib
import json
import os
import shutil
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from hashlib import sha256
from modulefinder import ModuleFinder
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from pydantic import BaseModel

from visrep.stage import artifacts, params, pipeline
from visrep.stage.errors import Failure

ROOT = Path(__file__).parents[3]
RESUME = Path(".resume")
NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
NO_ACCESS = {errno.EACCES, errno.EPERM, errno.EROFS}

if TYPE_CHECKING:
    from tqdm import tqdm

S = TypeVar("S", bound=BaseModel)
# How long work is told of: epochs or batches done, of how many, seconds of each, values worth seeing.
Tell = Callable[[int, int, float, Mapping[str, float]], None]


class Job:
    """What a stage is given: what it reads, where it writes, whom it tells.

    All `read`, `values`, `input` and `module` calls come before the first use of `scratch` or `out`: what they saw
    makes its key, and `publish` looks again whether it is still so.
    """

    def __init__(self, name: str, script: Path, item: str = "") -> None:
        self.name = f"{name}@{item}" if item else name
        self.item = item
        self.folder = RESUME / self.name
        self.outputs: list[Path] = []
        self.seen: dict[str, Any] = {}  # by name, what was read as it was then
        self._looks: dict[str, Callable[[], Any]] = {}
        self._key = ""
        self._bar: tqdm[NoReturn] | None = None
        self._saw("code", lambda: artifacts.sha256(closure(script)))

    def read(self, key: str, kind: type[S]) -> S:
        """A section of params.yaml."""
        self._saw(f"params.yaml: {key}", lambda: params.read(key, kind).model_dump())
        return params.read(key, kind)

    def values(self) -> dict[str, Any]:
        """All of params.yaml as plain values, for a stage that is about the parameters themselves."""
        self._saw("params.yaml", params.load)
        return params.load()

    def input(self, path: str) -> Path:
        """A file or folder that another stage wrote, or one that a person did and that is no module."""
        if not Path(path).exists():
            raise pipeline.missing(path)
        self._saw(path, lambda: artifacts.sha256([Path(path)]))
        return Path(path)

    def module(self, name: str) -> ModuleType:
        """A module chosen by name, which the import statements do not show."""
        module = importlib.import_module(name)
        self._saw(name, lambda: artifacts.sha256(closure(Path(str(module.__file__)))))
        return module

    @property
    def scratch(self) -> Path:
        """This run's own folder; what lies there survives a kill."""
        self._key = self._key or sha256(json.dumps(self.seen, sort_keys=True).encode()).hexdigest()
        folder = self.folder / self._key[:16]
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def out(self, path: str) -> Path:
        """Where to write the output that will be published as ``path``."""
        staged = self.scratch / "out" / path
        self.outputs.append(Path(path))
        staged.parent.mkdir(parents=True, exist_ok=True)
        return staged

    def log(self, line: str) -> None:
        print(f"{self.name}: {line}", flush=True)

    def progress(self, done: int, of: int, seconds: float, values: Mapping[str, float], unit: str = "epoch") -> None:
        """Tell that ``done`` epochs are done, each in ``seconds``: a bar on a terminal, elsewhere one line for each.
        The first call, with what was done before, shows the empty bar."""
        said = "  ".join(f"{name} {value:.4g}" for name, value in values.items() if name != unit)
        if sys.stderr.isatty():
            from tqdm import tqdm

            self._bar = self._bar or tqdm(total=of, initial=done, desc=self.name, unit=unit, smoothing=0, mininterval=0)
            self._bar.set_postfix_str(said, refresh=False)
            self._bar.update(done - self._bar.n)
        elif seconds:
            self.log("  ".join(filter(None, (f"{unit} {done}/{of}", said, f"{seconds * (of - done):.0f} s left"))))

    def publish(self) -> None:
        """Move all outputs to their places. Raises `Failure` where code, parameters or inputs changed meanwhile."""
        if changed := [name for name, look in self._looks.items() if look() != self.seen[name]]:
            raise Failure(f"{' and '.join(changed)} changed while this ran; nothing was written, run it again")
        for path in self.outputs:
            path.parent.mkdir(parents=True, exist_ok=True)
            if path.is_dir():
                shutil.rmtree(path)
            os.replace(self.scratch / "out" / path, path)
        for folder in self.folder.iterdir():
            if folder.is_dir():
                shutil.rmtree(folder)

    def discard(self) -> None:
        """Delete outputs that were not published."""
        if self._key:
            shutil.rmtree(self.scratch / "out", ignore_errors=True)

    def _saw(self, name: str, look: Callable[[], Any]) -> None:
        if self._key:
            raise RuntimeError("read parameters and inputs before using scratch or out")
        self._looks[name], self.seen[name] = look, look()


def closure(script: Path) -> list[Path]:
    """The project's own files that running ``script`` imports, directly or not, at its top or inside functions.

    Packages' ``__init__.py`` hold a docstring and nothing else, so they are left out; so is that of ``stages``, which
    says how long threads wait and whose child this is, and changes no sums.
    """
    finder = ModuleFinder(path=[str(ROOT / "src"), str(ROOT)])
    finder.run_script(str(script))
    named = (getattr(module, "__file__", None) for module in finder.modules.values())
    files = {Path(file).resolve() for file in named if file is not None}
    return sorted(f.relative_to(ROOT) for f in files if f.is_relative_to(ROOT) and f.name != "__init__.py")


def main(stage: Callable[[Job], None], items: tuple[str, ...] | str = ()) -> NoReturn:
    """Run a stage module as a program: ``python -m stages.<name> [item]``. ``items`` are what it can be run for, or
    the section of params.yaml that names them."""
    module = sys.modules[stage.__module__]
    script = Path(str(module.__file__)).resolve()
    name = script.stem
    try:
        _live(Job(name, script, _item(name, module.__doc__ or "", items)), stage)
    except Failure as failure:
        _end(f"{name}: {failure}", failure.status)
    except OSError as error:
        if error.errno not in NO_ROOM | NO_ACCESS:
            raise
        what = "no room left to write" if error.errno in NO_ROOM else "no access to"
        _end(f"{name}: {what} {error.filename or 'its outputs'}: {error.strerror}; nothing was written")
    except KeyboardInterrupt:
        _end(f"{name}: interrupted; run it again and it goes on from here", 130)
    sys.exit(0)


def _live(job: Job, stage: Callable[[Job], None]) -> None:
    from stages import PARENT  # here, since the package is also imported where there are no stages

    die_with_parent(PARENT)
    lock = _lock(job)
    try:
        stage(job)
        job.publish()
    except BaseException:
        job.discard()
        raise
    finally:
        os.close(lock)


def _item(name: str, doc: str, items: tuple[str, ...] | str) -> str:
    words = sys.argv[1:]
    known = params.names(items) if isinstance(items, str) else items
    usage = f"python -m stages.{name}" + (f" {{{','.join(known)}}}" if known else "")
    if words in (["-h"], ["--help"]):
        print(f"usage: {usage}\n\n{doc.strip()}\n\n{pipeline.described(name)}")
        sys.exit(0)
    if not items and words:
        raise Failure(f"takes no item, got {' '.join(words)!r}; usage: {usage}", 2)
    if items and (len(words) != 1 or words[0] not in known):
        raise Failure(f"no item {' '.join(words)!r}; one of {', '.join(known) or 'none: params.yaml names none'}", 2)
    return words[0] if words else ""


def _lock(job: Job) -> int:
    job.folder.mkdir(parents=True, exist_ok=True)
    lock = os.open(job.folder / "lock", os.O_RDWR | os.O_CREAT)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(lock, 20).decode() or "unknown"
        raise Failure(f"{job.name} is running already, as process {holder}; wait for it or end it") from None
    os.truncate(lock, 0)
    os.write(lock, str(os.getpid()).encode())
    return lock


def die_with_parent(parent: int) -> None:
    """End this process when its ``parent`` ends, however that ends, and at once where it has ended already."""
    if sys.platform == "linux":
        set_death_signal = 1  # PR_SET_PDEATHSIG of prctl(2)
        ctypes.CDLL(None, use_errno=True).prctl(set_death_signal, signal.SIGKILL)
    else:
        threading.Thread(target=_watch, args=(parent,), daemon=True).start()
    if os.getppid() != parent:
        os._exit(1)


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(1)
    os._exit(1)


def _end(line: str, status: int = 1) -> NoReturn:
    print(line, file=sys.stderr, flush=True)
    sys.exit(status)
