"""Writes the code dependencies of every stage into dvc.yaml, in place: ``make graph``.

In ``deps``, what begins with src/ or stages/ is this command's, on lines of its own; all else is left as it stands. It
is what `visrep.stage.code.closure` finds, a package as one folder where all of its modules are among it. What a stage
looks up for its own item (``job.module(package, job.item)``) stands there as ``package/${key}.py``, or as the command
calls the item; where the name comes from the item's parameters (``job.module(package, ablation.of)``), as
``package/${item.of}.py``. A stage of a ``matrix`` cannot say that: it depends on the file in which the main stage wrote
down what it read (`Job.manifest`).
"""

import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import yaml

from visrep import files
from visrep.errors import Failure
from visrep.stage import code, pipeline
from visrep.stage.code import ROOT, LookUp

ALL = Path("src/visrep")
CODE = ("src/", "stages/")
WIDTH = 120  # of a line
COMMAND = r"cmd: exec python -m stages\.(\w+)(?: (\$\{\w+\}))?"  # the module, and what its item is called
MATRIX = "${item.name}"  # what the item of a stage is called that runs again in one of a matrix


def main() -> None:
    try:
        text = pipeline.FILE.read_text(encoding="utf-8")
        files.write_bytes(pipeline.FILE, written(text).encode())
    except Failure as failure:
        print(f"graph: {failure}", file=sys.stderr)
        sys.exit(failure.status)


def written(text: str) -> str:
    """dvc.yaml with the code dependencies of every stage made anew. Raises `Failure` where a stage runs no module of
    stages/, or has no ``deps`` in brackets."""
    lines = text.split("\n")
    starts = [number for number, line in enumerate(lines) if re.match(r"  \w+:", line)]
    end = next((number for number, line in enumerate(lines) if re.match(r"plots:", line)), len(lines))
    bounds = [start for start in starts if start < end]
    made = lines[: bounds[0]]
    for start, stop in zip(bounds, [*bounds[1:], end], strict=True):
        made += _stage(lines[start:stop])
    return "\n".join([*made, *lines[end:]])


def _stage(lines: Sequence[str]) -> list[str]:
    name, command = lines[0].strip().rstrip(":"), re.search(COMMAND, "\n".join(lines))
    if command is None:
        raise Failure(f"dvc.yaml: {name} runs no module of stages/")
    start = next((number for number, line in enumerate(lines) if line.lstrip().startswith("deps: [")), None)
    if start is None:
        raise Failure(f"dvc.yaml: {name} has no line that begins with deps: [")
    stop = next(number for number in range(start, len(lines)) if lines[number].rstrip().endswith("]")) + 1
    flow = "".join(lines[start:stop])
    data = [path for path in yaml.safe_load(flow)["deps"] if not path.startswith(CODE)]
    space = " " * (len(flow) - len(flow.lstrip()))
    matrix = any(line.lstrip().startswith("matrix:") for line in lines)
    made = dependencies(command[1], MATRIX if matrix else command[2] or "")
    wrapped = [
        *_filled(f"{space}deps: [", [f"{_quoted(path)}," for path in data], f"{space}  "),
        *_filled(f"{space}  ", [*(f"{_quoted(path)}," for path in made[:-1]), f"{_quoted(made[-1])}]"], f"{space}  "),
    ]
    return [*lines[:start], *wrapped, *lines[stop:]]


def _quoted(path: str) -> str:
    return f'"{path}"' if "{" in path else path


def _filled(start: str, words: Iterable[str], indent: str) -> Iterator[str]:
    """Lines of words, the first after ``start``, the others indented."""
    line = start
    for word in words:
        if line.strip() and len(line) + len(word) + 1 > WIDTH:
            yield line.rstrip()
            line = indent
        line += f"{word} "
    yield line.rstrip()


def dependencies(stage: str, item: str) -> list[str]:
    """The code of a stage, as dvc.yaml names it: its module first. ``item`` is what its command calls the item."""
    script = ROOT / "stages" / f"{stage}.py"
    if not script.exists():
        raise Failure(f"dvc.yaml: there is no {script.relative_to(ROOT)}")
    own = set(code.closure(script))
    modules = [ROOT / file for file in own if file.suffix == ".py"]
    by_name = [look_up for file in modules for look_up in code.look_ups(file) if look_up.function == "module"]
    reached: set[Path] = set()
    for look_up in by_name:
        for module in code.modules(look_up.package):
            reached |= set(code.closure(ROOT / module)) - {module}
    templates = sorted({template for look_up in by_name if (template := _template(look_up, item))})
    first = str(script.relative_to(ROOT))
    return [first, *sorted({*_folded(own | reached), *templates} - {first})]


def _template(look_up: LookUp, item: str) -> str | None:
    """Where the module lies that a stage looks up for its item; None where a matrix cannot name it."""
    if look_up.item != "job.item":
        item = f"${{item.{look_up.item.rpartition('.')[2]}}}" if item != MATRIX else ""
    return f"src/{look_up.package.replace('.', '/')}/{item}.py" if item else None


def _folded(paths: set[Path]) -> set[str]:
    """Packages in the place of their modules, where all of these are there."""
    folded = set(paths)
    for folder in {path.parent for path in paths if path.is_relative_to(ALL) and path.parent != ALL}:
        below = {file.relative_to(ROOT) for file in (ROOT / folder).rglob("*.py") if file.name != "__init__.py"}
        if below <= paths:
            folded = {path for path in folded if not path.is_relative_to(folder)} | {folder}
    return {str(path) for path in folded}


if __name__ == "__main__":
    main()
