"""Where modules may reach, over their real imports: downwards only. Whoever breaks it is named."""

import ast
from collections.abc import Iterator
from pathlib import Path

import networkx as nx
import pytest

from oracles import ROOT

SOURCE = ROOT / "src/visrep"
# From the ground up. A package may import those of lower floors, and itself; neighbors on one floor do not know each
# other.
FLOORS = (
    ("errors", "threads"),
    ("files", "registry"),
    ("records",),
    ("settings",),
    ("machine", "measures"),
    ("data",),
    ("training",),
    ("digits", "representations", "shapes"),
    ("evaluations", "audit"),
    ("stage",),
    ("study", "figures", "engine", "replicates"),
    ("report",),
    ("tools",),
)
FLOOR = {name: height for height, names in enumerate(FLOORS) for name in names}
MATHEMATICS = {
    "machine",
    "measures",
    "data",
    "training",
    "digits",
    "representations",
    "shapes",
    "evaluations",
    "audit",
    "figures",
}


def imports(file: Path) -> Iterator[str]:
    """The project's modules that a file imports, wherever it does, dotted below visrep."""
    for node in ast.walk(ast.parse(file.read_text())):
        names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{file}: relative import"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
        for name in names:
            if name.partition(".")[0] in ("visrep", "stages"):
                yield _module(name.removeprefix("visrep."))


def _module(name: str) -> str:
    """The module of ``package.module.thing``."""
    parts = name.split(".")
    for end in range(len(parts), 0, -1):
        if SOURCE.joinpath(*parts[:end]).with_suffix(".py").exists():
            return ".".join(parts[:end])
    return name


ARROWS = sorted(
    (".".join(file.relative_to(SOURCE).with_suffix("").parts), target)
    for file in SOURCE.rglob("*.py")
    if file.name != "__init__.py"
    for target in set(imports(file))
)


def test_every_package_has_its_floor() -> None:
    there = {path.stem for path in SOURCE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}
    assert there - {"__init__"} == FLOOR.keys()
    assert len(ARROWS) > 300


def test_no_arrow_leads_upward_or_to_a_neighbor() -> None:
    wrong = []
    for module, target in ARROWS:
        here, there = module.partition(".")[0], target.partition(".")[0]
        if here != there and FLOOR.get(there, len(FLOORS)) >= FLOOR[here]:
            wrong.append(f"{module} imports {target}")
    assert wrong == []


def test_the_mathematics_knows_no_stage() -> None:
    assert [f"{a} imports {b}" for a, b in ARROWS if a.partition(".")[0] in MATHEMATICS and b.startswith("stage")] == []


def test_modules_import_each_other_in_no_circle() -> None:
    assert list(nx.simple_cycles(nx.DiGraph(ARROWS))) == []


@pytest.mark.parametrize("stage", sorted(path.stem for path in (ROOT / "stages").glob("[!_]*.py")))
def test_a_stage_knows_no_other(stage: str) -> None:
    others = {name for name in imports(ROOT / f"stages/{stage}.py") if name.startswith("stages.")}
    shared = {"stages.run", "stages._encoder", "stages._evaluated"}
    assert others <= shared or stage.startswith("replicate_")  # which runs others again
