"""Stages run again with another seed, in one process: train, embed, evaluate.

Every stage runs as it is. Only what it is given differs: each ``seed`` that it reads from params.yaml is moved by the
same number, and what an earlier stage of this replicate wrote is read from there. Images stay the same.

A training is kept under the key of all that it read (`visrep.stage.job`) and of the processor, so that a changed
evaluation trains nothing again, nor does a parameter that is put back.
"""

import shutil
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

from pydantic import BaseModel

from visrep import files
from visrep.machine import device
from visrep.replicates import results
from visrep.replicates.results import Replicate
from visrep.settings.runtime import Runtime
from visrep.stage import params
from visrep.stage.job import RESUME, Job

FOLDER = RESUME / "replicates"
DONE = "done.json"  # names all outputs of a stage, which lie in ``out`` beside it
KEPT = 3  # finished trainings of a stage that are kept, the latest

S = TypeVar("S", bound=BaseModel)


class Replication:
    """A replicate under way: ``job`` is the stage that makes it, seeds are moved by ``by``."""

    def __init__(self, job: Job, by: int) -> None:
        self.job, self.by = job, by
        self.processor = device.prepare(job.read("runtime", Runtime)).processor
        self.folder = FOLDER / job.name
        self.outputs: dict[Path, Path] = {}  # of all stages so far, and where they lie
        self._passing: list[Path] = []  # folders that are deleted in the end

    def train(self, stage: ModuleType, item: str = "") -> None:
        """Run a stage whose outputs are kept, unless they are there already."""
        folder = self._run(stage, item).parent
        finished = sorted(folder.glob(f"*/{DONE}"), key=lambda marker: marker.stat().st_mtime)
        kept = {marker.parent for marker in finished[-KEPT:]}
        for former in set(folder.iterdir()) - kept:  # also what was begun and never finished
            shutil.rmtree(former)

    def evaluate(self, stage: ModuleType, item: str = "") -> None:
        """Run a stage whose outputs are not kept: it is soon done."""
        self._passing.append(self._run(stage, item).parent)

    def _run(self, stage: ModuleType, item: str) -> Path:
        again = Again(self, stage, item)
        try:
            stage.main(again)
            files.write_json(again.scratch / DONE, [str(path) for path in again.outputs])
        except _Finished:
            (again.place / DONE).touch()
        except BaseException:
            again.discard()
            raise
        self.job.absorb(again)
        self.outputs |= {Path(path): again.place / "out" / path for path in files.read_json(again.place / DONE)}
        return again.place

    def write(self, name: str) -> None:
        """Write the numbers of all metrics files that the stages wrote, as the replicate ``name``. What `evaluate` made
        is deleted."""
        metrics = {
            str(path.relative_to("metrics").with_suffix("")): files.read_json(place)
            for path, place in sorted(self.outputs.items())
            if path.is_relative_to("metrics")
        }
        for folder in self._passing:
            shutil.rmtree(folder)
        path = self.job.out(f"{results.FOLDER}/{name}/{self.by}.json")
        results.write(path, Replicate(self.by, self.processor, metrics))


class _Finished(Exception):
    """A stage is about to write, and all that it would write is there."""


class Again(Job):
    """What a stage is given when it runs again."""

    def __init__(self, replication: Replication, stage: ModuleType, item: str) -> None:
        script = Path(str(stage.__file__)).resolve()
        super().__init__(script.stem, script, item)
        self.folder = replication.folder / self.name
        self.name = f"{replication.job.name}: {self.name}"
        self._replication = replication
        self._depend("seeds are moved by", lambda: replication.by)
        self._depend("processor", lambda: replication.processor)

    def read(self, key: str, kind: type[S], base: str = "") -> S:
        values = super().read(key, kind, base).model_dump(by_alias=True)
        return params.check(moved(values, self._replication.by), kind, key=key)

    def input(self, path: str) -> Path:
        for out, place in self._replication.outputs.items():
            if Path(path).is_relative_to(out):
                return super().input(str(place / Path(path).relative_to(out)))
        return super().input(path)

    @property
    def scratch(self) -> Path:
        folder = super().scratch
        if (folder / DONE).exists():
            raise _Finished
        return folder

    @property
    def place(self) -> Path:
        """Where it wrote, or had written."""
        return super().scratch


def moved(values: Any, by: int) -> Any:
    """``values`` of a section with every ``seed`` in it greater by that number."""
    if isinstance(values, dict):
        return {
            name: value + by if name == "seed" and isinstance(value, int) else moved(value, by)
            for name, value in values.items()
        }
    return values
