"""Typed, strict parameters: an unknown or missing key, a wrong type or range is one line that names the key.

The file is read by the parser that DVC uses: YAML 1.2, in which ``1e-3`` is a number and ``on`` is text.
"""

from collections.abc import Sequence
from itertools import product
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from visrep.errors import Failure
from visrep.settings.base import faults, merged

FILE = Path("params.yaml")
BASE = "quick.yaml"  # the preset that holds every parameter, as the study ships


S = TypeVar("S", bound=BaseModel)


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
        values = YAML(typ="safe").load(text)
    except MarkedYAMLError as error:
        where = error.problem_mark or error.context_mark
        line = f"line {where.line + 1}: " if where else ""
        raise Failure(f"{path}: no YAML: {line}{' '.join(str(error.problem).split())}", 2) from None
    except (YAMLError, ValueError) as error:  # a ValueError: a number of 5,000 digits
        raise Failure(f"{path}: no YAML: {' '.join(str(error).split())}", 2) from None
    if not isinstance(values, dict):
        raise Failure(f"{path}: holds no sections", 2)
    return values


def names(section: str) -> list[str]:
    """The keys, or the items, of a section such as `encoders` or `replicates.seeds`. Raises `Failure` where there is no
    such section."""
    values: Any = load()
    for key in section.split("."):
        values = values.get(key) if isinstance(values, dict) else None
    if not isinstance(values, dict | list):
        raise Failure(f"{FILE}: {section} is {'missing' if values is None else 'neither a mapping nor a list'}", 2)
    return [str(name) for name in values]


def combinations(sections: Sequence[str]) -> list[str]:
    """All combinations of a name from each section, joined by a hyphen."""
    return ["-".join(each) for each in product(*map(names, sections))]


def preset(path: Path) -> dict[str, Any]:
    """All values of a preset: its file holds what differs from the `BASE` beside it."""
    base = load(path.with_name(BASE))
    return base if path.name == BASE else merged(base, load(path))


def read(key: str, kind: type[S], path: Path = FILE, base: str = "") -> S:
    """The section at a dotted ``key`` as a checked ``kind``; what it does not give, the section ``base`` does. Raises
    `Failure` with status 2."""
    values = load(path)
    section = _at(key, values, path)
    if base and isinstance(section, dict):
        section = merged(_at(base, values, path), section)
    return check(section, kind, path, key)


def _at(key: str, values: Any, path: Path) -> Any:
    for depth, name in enumerate(key.split("."), start=1):
        if not isinstance(values, dict) or name not in values:
            raise Failure(f"{path}: {'.'.join(key.split('.')[:depth])} is missing", 2)
        values = values[name]
    return values


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
