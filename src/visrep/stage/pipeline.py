"""dvc.yaml expanded: all stages, and what each reads and writes."""

import re
from pathlib import Path, PurePath
from typing import Any, NamedTuple

import yaml

from visrep.stage import params

FILE = Path("dvc.yaml")
CODE = ("src/", "stages/")  # prefixes of dependencies that are code


class Stage(NamedTuple):
    """``name`` is the full one (embed@vicreg), ``group`` the entry of dvc.yaml that it comes from (embed); ``caption``
    describes the whole group, with ${key} for the item."""

    name: str
    group: str
    caption: str
    reads: tuple[str, ...]
    writes: tuple[str, ...]


def stages(file: Path = FILE) -> list[Stage]:
    """All stages in the order of the file, one for each item of a `foreach` or combination of a `matrix`, with the
    names that params.yaml gives.

    What depends on an item's own parameters (${item.of}) stays as it is: that is only code."""
    parsed = yaml.safe_load(file.read_text(encoding="utf-8"))
    return [_stage(group, item, entry) for group, entry in parsed["stages"].items() for item in _items(entry)]


def described(group: str) -> str:
    """What a stage of ``group`` reads of others and what it writes, a path in each line; of several, that of <item>."""
    entry = yaml.safe_load(FILE.read_text(encoding="utf-8"))["stages"].get(group) if FILE.exists() else None
    if entry is None:
        return f"{FILE} does not say what it reads and writes"
    item = "-".join(f"<{axis}>" for axis in entry.get("matrix", ())) or ("<item>" if "foreach" in entry else "")
    stage = _stage(group, item, entry)
    sections = [name for name in entry.get("do", entry)["params"] if isinstance(name, str)]  # else all of the file
    named = [_filled(name, _words(item, entry)) for name in sections]
    reads = [": ".join(filter(None, ("params.yaml", ", ".join(named))))]
    reads += [path for path in stage.reads if not path.startswith(CODE)]
    return "\n".join(["reads", *[f"  {path}" for path in reads], "writes", *[f"  {path}" for path in stage.writes]])


def remedy(path: PurePath | str) -> str:
    """The command that makes the missing ``path``: it runs the stage that writes it, or something below it."""
    writing = [stage for stage in stages() if any(_same(path, out) for out in stage.writes)] if FILE.exists() else []
    names = {stage.name for stage in writing} if len(writing) == 1 else {stage.group for stage in writing}
    return f"run `{' '.join(['dvc repro', *(names if len(names) == 1 else [])])}` first"


def _items(entry: dict[str, Any]) -> list[str]:
    """Of a matrix, the names of a combination joined by a hyphen, as DVC joins them."""
    if "matrix" in entry:
        return params.combinations([section.strip("${}") for section in entry["matrix"].values()])
    items = entry.get("foreach", {"": None})
    if isinstance(items, str):  # ${encoders}: the keys of a section of params.yaml
        return params.names(items.strip("${}"))
    return [str(item) for item in items]


def _stage(group: str, item: str, entry: dict[str, Any]) -> Stage:
    body, words = entry.get("do", entry), _words(item, entry)

    def paths(*kinds: str) -> tuple[str, ...]:
        entries = [one for kind in kinds for one in body.get(kind, [])]
        names = [next(iter(one)) if isinstance(one, dict) else one for one in entries]
        return tuple(_filled(name, words) for name in names)

    written = paths("outs", "metrics", "plots")
    return Stage(f"{group}@{item}" if item else group, group, body.get("desc", ""), paths("deps"), written)


def _words(item: str, entry: dict[str, Any]) -> dict[str, str]:
    """The values of the names by which an entry refers to its item."""
    axes = {f"item.{axis}": word for axis, word in zip(entry.get("matrix", ()), item.split("-"), strict=False)}
    return {"key": item, "item": item} | axes


def _filled(path: str, words: dict[str, str]) -> str:
    """``path`` with every ${name} of ``words``, and every ${section.leaf} of params.yaml, replaced."""
    for name, word in words.items():
        path = path.replace(f"${{{name}}}", word)

    def value(match: re.Match[str]) -> str:
        section, leaf = match.groups()
        return str(params.load()[section][leaf])

    return re.sub(r"\$\{(?!item\.)(\w+)\.(\w+)\}", value, path)


def _same(path: PurePath | str, out: str) -> bool:
    """Whether one is the other or lies below it."""
    return PurePath(path).is_relative_to(out) or PurePath(out).is_relative_to(path)
