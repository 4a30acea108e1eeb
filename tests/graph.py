"""dvc.yaml as plain values, read without DVC."""

import re
from collections.abc import Iterator
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import yaml

from oracles import ROOT

FILE = ROOT / "dvc.yaml"


def stages(dvc: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Every stage by its full name, `foreach` and `matrix` written out, by sections of the tiny study."""
    named: dict[str, dict[str, Any]] = {}
    for name, stage in (dvc.get("stages") or {}).items():
        body = stage["do"] if "foreach" in stage else {key: stage[key] for key in stage if key != "matrix"}
        for item, words, of in _items(stage):
            named[f"{name}@{item}" if item else name] = _written_out(body or {}, words, of)
    return named


def _items(stage: dict[str, Any]) -> Iterator[tuple[str, dict[str, str], Any]]:
    """(item, the words that stand for it, what params.yaml holds of it)."""
    if "matrix" in stage:
        axes = {axis: list(map(str, _named(section) or [])) for axis, section in (stage["matrix"] or {}).items()}
        for chosen in product(*axes.values()):
            words = {f"item.{axis}": word for axis, word in zip(axes, chosen, strict=True)}
            yield "-".join(chosen), {"key": "-".join(chosen)} | words, None
        return
    items = stage.get("foreach", {"": None}) or {}
    if isinstance(items, str):  # ${encoders}: the names in a section of params.yaml
        items = _named(items)
    for item in items:
        yield str(item), {"key": str(item), "item": str(item)}, items[item] if isinstance(items, dict) else None


def _named(section: str) -> Any:
    """What the tiny study holds of ${section} or ${section.leaf}."""
    held: Any = _tiny()
    for key in section.strip("${}").split("."):
        held = held.get(key, {})
    return held


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
