"""All parameters in one number, and what sets them apart from each preset."""

import json
from collections.abc import Iterator, Mapping
from hashlib import sha256
from typing import Any

from visrep.report.blocks import Part, Table

ABSENT = "absent"


def digest(parameters: Mapping[str, Any]) -> str:
    """A hash of every leaf, whatever the order of the keys."""
    return sha256(json.dumps(sorted(leaves(parameters)), ensure_ascii=False).encode()).hexdigest()


def leaves(values: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Dotted names and their values as text; a list is one value."""
    if isinstance(values, Mapping) and values:
        for key, value in values.items():
            yield from leaves(value, f"{name}.{key}" if name else str(key))
    else:
        yield name, _shown(values or "none") if isinstance(values, Mapping) else _shown(values)


def differences(ours: Mapping[str, Any], preset: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """(name, ours, the preset's) of every leaf that is not the same, in the order of ours."""
    here, there = dict(leaves(ours)), dict(leaves(preset))
    names = dict.fromkeys([*here, *there])
    pairs = [(name, here.get(name, ABSENT), there.get(name, ABSENT)) for name in names]
    return [pair for pair in pairs if pair[1] != pair[2]]


def blocks(parameters: Mapping[str, Any], presets: Mapping[str, Mapping[str, Any]]) -> list[Part | Table]:
    """What stands on the page of them."""
    found = {name: differences(parameters, preset) for name, preset in presets.items()}
    same = [name for name, rows in found.items() if not rows]
    said = f"This is the preset {' and '.join(same)}. " if same else "This is none of the presets. "
    told = f"{said}All parameters together have the SHA-256 {digest(parameters)[:16]}."
    tables = [
        Table(f"Where the preset {name} differs.", "", ("parameter", "here", name), rows, (1, 2), _folded(name, rows))
        for name, rows in found.items()
        if rows
    ]
    return [Part("Parameters", told), *tables]


def _folded(name: str, rows: list[tuple[str, str, str]]) -> str:
    return f"{len(rows)} parameter{'s' * (len(rows) != 1)} in which {name} differs"


def _shown(value: Any) -> str:
    """As params.yaml writes it; 1 and 1.0 are one number."""
    if isinstance(value, list | tuple):
        return ", ".join(_shown(item) for item in value) or "none"
    return value if isinstance(value, str) else json.dumps(value).removesuffix(".0")
