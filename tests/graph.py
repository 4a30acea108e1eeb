"""dvc.yaml as plain values, read without DVC."""

import re
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from oracles import ROOT

FILE = ROOT / "dvc.yaml"


def stages(dvc: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Every stage by its full name, `foreach` written out, by sections of the tiny study."""
    named: dict[str, dict[str, Any]] = {}
    for name, stage in (dvc.get("stages") or {}).items():
        items = stage.get("foreach", {"": None}) or {}
        if isinstance(items, str):  # ${encoders}: the names in a section of params.yaml
            items = _tiny().get(items.strip("${}"), {})
        for item in items:
            body = stage["do"] if "foreach" in stage else stage
            of = items[item] if isinstance(items, dict) else None
            named[f"{name}@{item}" if item else name] = _written_out(body or {}, {"key": item, "item": item}, of)
    return named


def _written_out(value: Any, words: dict[str, str], of: Any) -> Any:
    """``value`` with the ``words`` for every ${key} and ${item}, and what the item holds for every ${item.name}."""
    if isinstance(value, dict):
        return {_written_out(key, words, of): _written_out(inner, words, of) for key, inner in value.items()}
    if isinstance(value, list):
        return [_written_out(inner, words, of) for inner in value]
    if not isinstance(value, str):
        return value
    held = {f"item.{name}": str(inner) for name, inner in (of if isinstance(of, dict) else {}).items()}
    for name, text in (words | held).items():
        value = value.replace(f"${{{name}}}", text)
    return re.sub(r"\$\{(\w+)\.(\w+)\}", lambda found: str(_tiny()[found[1]][found[2]]), value)


def parse(text: str) -> Any:
    """By libyaml where it is at hand, since the tests parse a thousand times."""
    return yaml.load(text, getattr(yaml, "CSafeLoader", yaml.SafeLoader))


@cache
def _tiny() -> dict[str, Any]:
    import tiny  # which reads the graph while it is imported

    return tiny.study()


def paths(entries: Any) -> list[str]:
    return [next(iter(entry)) if isinstance(entry, dict) else str(entry) for entry in entries or []]


def data_of(stage: dict[str, Any]) -> list[str]:
    """What a stage reads that is no code."""
    return [path for path in dict.fromkeys(paths(stage.get("deps"))) if not path.startswith(("src/", "stages/"))]


def written_by(stage: dict[str, Any]) -> list[str]:
    return [path for kind in ("outs", "metrics", "plots") for path in paths(stage.get(kind))]


def files(stage: str, item: str) -> tuple[list[str], list[str]]:
    """(what a stage reads of other stages, what it writes), as declared."""
    declared = stages(parse(FILE.read_text()))[f"{stage}@{item}" if item else stage]
    return data_of(declared), written_by(declared)


def below(folder: Path, path: str) -> set[str]:
    """Names of the files that a declared path stands for."""
    found = [f for f in (folder / path).rglob("*") if f.is_file()] if (folder / path).is_dir() else [folder / path]
    return {str(f.relative_to(folder)) for f in found}
