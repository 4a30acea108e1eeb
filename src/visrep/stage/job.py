"""What a stage is given: what it reads, where it writes, how it reports progress.

Everything unfinished lives in ``.resume/<stage>/<key>/``. The key hashes the parameters read, the inputs and the code,
so a run that was killed goes on where it stood exactly when nothing that could change its bytes has changed.
"""

import json
import os
import shutil
import sys
from collections.abc import Callable, Mapping
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from pydantic import BaseModel

from visrep import files, records, registry
from visrep.errors import Failure, Missing
from visrep.stage import code, params

RESUME = Path(".resume")

if TYPE_CHECKING:
    from tqdm import tqdm

S = TypeVar("S", bound=BaseModel)


class Job:
    """What a stage is given: what it reads, where it writes, how it reports progress.

    All `read`, `values`, `input` and `module` calls come before the first use of `scratch` or `out`: the key is
    made of what they returned, and `publish` checks that it is unchanged.
    """

    def __init__(self, name: str, script: Path, item: str = "") -> None:
        self.name = f"{name}@{item}" if item else name
        self.item = item
        self.folder = RESUME / self.name
        self.outputs: list[Path] = []
        self.dependencies: dict[str, Any] = {}  # by name, as they were when they were read
        self._current: dict[str, Callable[[], Any]] = {}
        self._key = ""
        self._depend("code", lambda: files.sha256(code.closure(script)))

    def read(self, key: str, kind: type[S], base: str = "") -> S:
        """A section of params.yaml; what it does not give, the section ``base`` does."""
        self._depend(f"params.yaml: {key}", lambda: params.read(key, kind, base=base).model_dump())
        return params.read(key, kind, base=base)

    def values(self) -> dict[str, Any]:
        """All of params.yaml as plain values, for a stage that is about the parameters themselves."""
        self._depend("params.yaml", params.load)
        return params.load()

    def input(self, path: str) -> Path:
        """A file or folder written by another stage or by a person, that is no module."""
        if not Path(path).exists():
            raise Missing(path)
        self._depend(path, lambda: files.sha256([Path(path)]))
        return Path(path)

    def module(self, package: str, name: str) -> ModuleType:
        """A module of a package, chosen by name, which the import statements do not show."""
        module = registry.one(package, name)
        self._depend(module.__name__, lambda: files.sha256(code.closure(Path(str(module.__file__)))))
        return module

    @property
    def scratch(self) -> Path:
        """This run's own folder; what lies there survives a kill."""
        self._key = self._key or sha256(json.dumps(self.dependencies, sort_keys=True).encode()).hexdigest()
        folder = self.folder / self._key[:16]
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def out(self, path: str) -> Path:
        """Where to write the output that will be published as ``path``."""
        staged = self.scratch / "out" / path
        self.outputs.append(Path(path))
        staged.parent.mkdir(parents=True, exist_ok=True)
        return staged

    def result(self, name: str, record: Any) -> None:
        """Write a record of `visrep.records`: its metrics as ``metrics/<name>.json``, all of it as
        ``plots/<name>/details.json``, which other stages read."""
        files.write_metrics(self.out(f"metrics/{name}.json"), records.flat(record.metrics))
        records.write(self.out(f"plots/{name}/details.json"), record)

    def manifest(self, path: str) -> None:
        """Write what this stage was made from - parameters, hashes of code and inputs - as JSON: the same wherever it
        runs."""
        files.write_json(self.out(path), self.dependencies)

    def absorb(self, other: "Job") -> None:
        """All that ``other`` read from outside of `RESUME` counts as read by this one."""
        read = [name for name in other.dependencies if not Path(name).is_relative_to(RESUME)]
        for name in read:
            known = name if name != "code" else f"code of {other.name}"
            self.dependencies[known], self._current[known] = other.dependencies[name], other._current[name]

    def log(self, line: str) -> None:
        log(self.name, line)

    @cached_property
    def progress(self) -> "Progress":
        """To be called as work proceeds."""
        return Progress(self.name)

    def publish(self) -> None:
        """Move all outputs to their places. Raises `Failure` where code, parameters or inputs changed meanwhile."""
        if changed := [name for name, current in self._current.items() if current() != self.dependencies[name]]:
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

    def _depend(self, name: str, current: Callable[[], Any]) -> None:
        if self._key:
            raise RuntimeError("read parameters and inputs before using scratch or out")
        self._current[name], self.dependencies[name] = current, current()


class Progress:
    """The progress of the stage ``name``. It can be passed to another process."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._bar: tqdm[NoReturn] | None = None

    def __call__(self, done: int, of: int, seconds: float, values: Mapping[str, float], unit: str = "epoch") -> None:
        """Report that ``done`` epochs are done, each in ``seconds``: a bar on a terminal, elsewhere one line for each.
        The first call, with what was done before, shows the empty bar."""
        scalars = "  ".join(f"{name} {value:.4g}" for name, value in values.items() if name != unit)
        if sys.stderr.isatty():
            from tqdm import tqdm

            self._bar = self._bar or tqdm(total=of, initial=done, desc=self.name, unit=unit, smoothing=0, mininterval=0)
            self._bar.set_postfix_str(scalars, refresh=False)
            self._bar.update(done - self._bar.n)
        elif seconds:
            parts = (f"{unit} {done}/{of}", scalars, f"{seconds * (of - done):.0f} s left")
            log(self.name, "  ".join(filter(None, parts)))


def log(name: str, line: str) -> None:
    print(f"{name}: {line}", flush=True)
