"""What each stage really does, seen from outside: files opened, files that appeared, parameters asked for."""

import importlib
import json
import os
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from unittest import mock

import tiny
from oracles import digests
from visrep.data import official, store
from visrep.settings.base import KINDS, Section
from visrep.stage import params
from visrep.stage.job import Job


class Seen(NamedTuple):
    """Inputs and outputs as paths from the top folder; the sections of params.yaml that were read; modules that were
    loaded by name. ``covered`` are sections that a manifest among the inputs has, which stands for them; modules that
    it has are left out."""

    inputs: set[str]
    outputs: set[str]
    sections: set[str]
    modules: set[str]
    covered: set[str]


_opened: list[str] | None = None


def _audit(event: str, args: tuple[Any, ...]) -> None:
    if _opened is not None and event == "open" and isinstance(args[0], str | os.PathLike):
        _opened.append(os.fspath(args[0]))


sys.addaudithook(_audit)


def all_stages(folder: Path) -> dict[str, Seen]:
    """Run the whole tiny study in this process and watch it."""
    tiny.write(folder)
    tiny.furnish(folder)
    return {f"{stage}@{item}" if item else stage: _watch(folder, stage, item) for stage, item in tiny.RUNS}


def _watch(folder: Path, stage: str, item: str) -> Seen:
    global _opened
    module = importlib.import_module(f"stages.{stage}")
    before, sections = digests(folder), set()

    def read(key: str, kind: Any, base: str = "") -> Any:
        sections.update(filter(None, (key, base)))
        return original(key, kind, base=base)

    original, params.read = params.read, read
    loaded = params.load

    def load(*rest: Any) -> Any:
        if sys._getframe(1).f_globals["__name__"] == "visrep.stage.job":
            sections.add("params.yaml")
        return loaded(*rest)

    params.load = load
    _opened = []
    try:
        with inside(folder):
            job = Job(stage, Path(str(module.__file__)).resolve(), item)
            module.main(job)
            job.publish()
    finally:
        opened, _opened = _opened, None
        params.read, params.load = original, loaded
    after = digests(folder)
    written = {name for name in after if after[name] != before.get(name)}
    manifests = [
        json.loads((folder / name).read_text()) for name in job.dependencies if re.fullmatch(r"models/\w+\.json", name)
    ]
    known = {name for manifest in manifests for name in manifest}
    loaded_by_name = {name for name in job.dependencies if name.startswith("visrep.")} - known
    modules = {f"src/{name.replace('.', '/')}.py" for name in loaded_by_name}
    names = {os.path.relpath(folder / path, folder) for path in opened} & before.keys() - {"params.yaml"}
    inputs = {name for name in job.dependencies if (folder / name).exists()} - {"params.yaml"}
    return Seen(
        {_held(name, inputs) for name in names | inputs},
        {_held(name, {str(path) for path in job.outputs}) for name in written},
        sections,
        modules,
        {name.removeprefix("params.yaml: ") for name in known},
    )


def _held(name: str, folders: set[str]) -> str:
    """The file, or the folder among ``folders`` that it belongs to. (Weights are opened by compiled code, which the
    audit hook does not see; those are taken from what the job was told.)"""
    return next((str(parent) for parent in Path(name).parents if str(parent) in folders), name)


@contextmanager
def inside(folder: Path) -> Iterator[None]:
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield
    finally:
        os.chdir(before)


def leaves(values: Any, prefix: str = "") -> set[str]:
    if isinstance(values, dict):
        return {leaf for key, value in values.items() for leaf in leaves(value, f"{prefix}.{key}" if prefix else key)}
    return {prefix}


def leaves_read(folder: Path) -> set[str]:
    """Dotted names of all parameters that some stage asks for, over the variants of `tiny.VARIANTS`. ``folder`` is one
    in which `all_stages` ran."""
    read: set[str] = set()
    for change in [{}, *({stage: change} for stage, every in tiny.variants(folder).items() for change in every)]:
        tiny.write(folder, change)
        for stage, item in tiny.SOME:
            if not change or stage in change or (stage, item) in _readers(change):
                with inside(folder), _recorded(read), mock.patch.object(official, "load", _official):
                    module = importlib.import_module(f"stages.{stage}")
                    job = Job(stage, Path(str(module.__file__)).resolve(), item)
                    module.main(job)
                with inside(folder):
                    job.publish()
    return read & leaves(tiny.study())


def _readers(change: dict[str, Any]) -> set[tuple[str, str]]:
    """Stages that read the section that changes, which has another name than theirs."""
    of_section = {
        "pretraining": {("vicreg", ""), ("methods", "simclr")},
        "simclr": {("methods", "simclr")},
        "families": {("similarity", name) for name in change.get("families", ())},
    }
    return {stage for section, stages in of_section.items() if section in change for stage in stages}


def _official(*_: Any) -> store.ImageSet:
    """Stands for the hosts of the official sets, which tests do not ask."""
    return store.load(Path("data/objects"))


@contextmanager
def _recorded(read: set[str]) -> Iterator[None]:
    """Adds the dotted names of parameters to ``read`` as code asks for them."""
    names: dict[int, tuple[str, ...]] = {}  # of a method also where it takes what it does not give
    alive: list[Any] = []  # so that no id comes up twice
    original = params.read

    def name(section: Any, *prefixes: str) -> None:
        alive.append(section)
        names[id(section)] = prefixes
        for field in type(section).model_fields:
            value = object.__getattribute__(section, field)
            if isinstance(value, Section):
                name(value, *(f"{prefix}.{field}" for prefix in prefixes))
            elif field in KINDS:  # it chose the type of the section
                read.update(f"{prefix}.{field}" for prefix in prefixes)

    def recorded(key: str, kind: Any, base: str = "") -> Any:
        section = original(key, kind, base=base)
        if isinstance(section, Section):
            name(section, *filter(None, (key, base)))
        else:  # a leaf, or a mapping as it stands
            read.update(leaves(section.model_dump(), key))
        return section

    def get(self: Any, field: str) -> Any:
        if id(self) in names and field in type(self).model_fields:
            read.update(f"{prefix}.{type(self).model_fields[field].alias or field}" for prefix in names[id(self)])
        if id(self) in names and field == "model_dump" and sys._getframe(1).f_globals["__name__"] != "visrep.stage.job":
            read.update(f"{prefix}.{leaf}" for prefix in names[id(self)] for leaf in type(self).model_fields)
        return object.__getattribute__(self, field)

    params.read = recorded
    Section.__getattribute__ = get  # type: ignore[method-assign]
    try:
        yield
    finally:
        params.read = original
        del Section.__getattribute__
