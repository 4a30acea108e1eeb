"""Typed, strict parameters: what is not known, missing, of another type or out of range is one line that names the key.

The file is read by the rules of YAML 1.2, as DVC reads it (``1e-3`` is a number, ``on`` is text); where readers
could differ all the same (``010``, ``1_000``), the value stays text and is refused by its type.
"""

import re
from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from visrep.errors import Failure
from visrep.settings.base import faults

FILE = Path("params.yaml")
BASE = "quick.yaml"  # the preset that holds every parameter, as the study ships


S = TypeVar("S", bound=BaseModel)


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """YAML 1.2's core schema; a key given twice is an error. By libyaml where it is at hand: nine times as fast."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise Failure(f"{key!r} is given twice below line {node.start_mark.line}", 2)
        mapping: dict[Any, Any] = super().construct_mapping(node, deep)
        return mapping


_Loader.yaml_implicit_resolvers = {}
for _tag, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", "tTfF"),
    ("null", r"~|null|Null|NULL|", ["~", "n", "N", ""]),
    ("int", r"[-+]?(0|[1-9][0-9]*)", "-+0123456789"),
    ("float", r"[-+]?[0-9]+(\.[0-9]*([eE][-+]?[0-9]+)?|[eE][-+]?[0-9]+)", "-+0123456789"),
):
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", re.compile(f"^({_pattern})$"), list(_first))


def load(path: Path = FILE) -> dict[str, Any]:
    """Parse a params file into plain values. Raises `Failure` where there is none or it is no mapping."""
    try:
        return parsed(path.read_text(encoding="utf-8"), path)
    except FileNotFoundError:
        raise Failure(f"{path}: not found; run this from the project's top folder", 2) from None
    except UnicodeDecodeError as error:
        raise Failure(f"{path}: no YAML: {error}", 2) from None


def parsed(text: str, path: Path) -> dict[str, Any]:
    """Plain values of the ``text`` of a params file, which ``path`` names. Raises `Failure`."""
    try:
        values = yaml.load(text, _Loader)
    except Failure as failure:
        raise Failure(f"{path}: {failure}", failure.status) from None
    except (yaml.YAMLError, ValueError) as error:  # a ValueError: a number of 5,000 digits
        raise Failure(f"{path}: no YAML: {error}", 2) from None
    if not isinstance(values, dict):
        raise Failure(f"{path}: holds no sections", 2)
    return values


def names(section: str) -> list[str]:
    """What a section such as `encoders` or `replicates.seeds` names: its keys, or its items. Raises `Failure` where
    there is no such section."""
    values: Any = load()
    for key in section.split("."):
        values = values.get(key) if isinstance(values, dict) else None
    if not isinstance(values, dict | list):
        raise Failure(f"{FILE}: {section} is {'missing' if values is None else 'neither a mapping nor a list'}", 2)
    return [str(name) for name in values]


def combinations(sections: Sequence[str]) -> list[str]:
    """A name of each section, joined by a hyphen, in every combination."""
    return ["-".join(each) for each in product(*map(names, sections))]


def merged(base: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """``base`` with the leaves of ``change`` put in; a list is one leaf."""
    both = {key: merged(base[key], value) for key, value in change.items() if _mappings(base.get(key), value)}
    return base | change | both


def preset(path: Path) -> dict[str, Any]:
    """All values of a preset: its file holds what differs from the `BASE` beside it."""
    base = load(path.with_name(BASE))
    return base if path.name == BASE else merged(base, load(path))


def _mappings(*values: Any) -> bool:
    return all(isinstance(value, dict) for value in values)


def read(key: str, kind: type[S], path: Path = FILE) -> S:
    """The section at a dotted ``key`` as a checked ``kind``. Raises `Failure` with status 2."""
    values: Any = load(path)
    for depth, name in enumerate(key.split("."), start=1):
        if not isinstance(values, dict) or name not in values:
            raise Failure(f"{path}: {'.'.join(key.split('.')[:depth])} is missing", 2)
        values = values[name]
    return check(values, kind, path, key)


def check(values: Any, kind: type[S], path: Path = FILE, key: str = "") -> S:
    """``values`` as a ``kind``; all that is wrong is named, separated by semicolons."""
    try:
        return kind.model_validate(_tuples(values))
    except ValidationError as error:
        raise Failure(f"{path}: {faults(error, key)}", 2) from None
    except RecursionError:
        raise Failure(f"{path}: {key or 'a section'} contains itself", 2) from None


def _tuples(values: Any) -> Any:
    """Lists as tuples, so that a checked section is frozen to its leaves."""
    if isinstance(values, dict):
        return {key: _tuples(value) for key, value in values.items()}
    if isinstance(values, list):
        return tuple(_tuples(value) for value in values)
    return values
