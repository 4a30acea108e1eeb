"""The code that a stage is made of: its module, and all of the project's own that it imports or looks up by name."""

import ast
from collections.abc import Iterator
from functools import cache
from modulefinder import ModuleFinder
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[3]
SOURCES = ("src", ".")  # where modules are sought, below `ROOT`


class LookUp(NamedTuple):
    """A call of `registry` or of `Job.module` in the source: ``function`` of a ``package`` by name; ``item`` is the
    expression that names the module, if any."""

    function: str
    package: str
    item: str


def closure(*scripts: Path) -> list[Path]:
    """The project's own files that running ``scripts`` imports, directly or not, at their top or inside functions, and
    all modules of the packages that these look up as a whole; and what lies beside these modules and is none. Relative
    to `ROOT`.

    What a stage looks up for its own item alone is not among them: `Job.module` records that by itself. Packages'
    ``__init__.py`` hold a docstring and nothing else, so they are left out; so is that of ``stages``, which says how
    long threads wait and whose child this is, and changes no sums.
    """
    finder = ModuleFinder(path=[str(ROOT / source) for source in SOURCES])
    for script in scripts:
        finder.run_script(str(script))
    scanned: set[Path] = set()
    while fresh := _own(finder).union(map(Path, scripts)) - scanned:
        scanned |= fresh
        for file in fresh:
            for look_up in look_ups(file):
                if look_up.function == "every":
                    for module in modules(look_up.package):
                        finder.import_hook(_dotted(module), caller=None, fromlist=["*"])
    own = {file.resolve() for file in scanned if file.resolve().is_relative_to(ROOT)}
    beside = {file for folder in {file.parent for file in own} for file in _data(folder)}
    return sorted(file.relative_to(ROOT) for file in own | beside if file.name != "__init__.py")


@cache
def look_ups(file: Path) -> tuple[LookUp, ...]:
    """All look-ups by name in a file."""
    return tuple(_look_ups(ast.parse(file.read_text(encoding="utf-8"))))


def _look_ups(tree: ast.AST) -> Iterator[LookUp]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args:
            match node.args[0]:
                case ast.Constant(value=str(package)) if node.func.attr in ("every", "one", "module"):
                    yield LookUp(node.func.attr, package, ast.unparse(node.args[1]) if len(node.args) > 1 else "")


def modules(package: str) -> list[Path]:
    """The files of a package's modules, relative to `ROOT`."""
    folder = ROOT / "src" / package.replace(".", "/")
    return sorted(file.relative_to(ROOT) for file in folder.glob("*.py") if file.name != "__init__.py")


def _dotted(file: Path) -> str:
    return ".".join(file.with_suffix("").parts[1:])


def _data(folder: Path) -> list[Path]:
    """What lies beside the modules of a package and is none, such as a style sheet."""
    packaged = folder.is_relative_to(ROOT / "src")
    return [file for file in folder.iterdir() if file.is_file() and file.suffix != ".py"] if packaged else []


def _own(finder: ModuleFinder) -> set[Path]:
    named = (getattr(module, "__file__", None) for module in finder.modules.values())
    files = {Path(file).resolve() for file in named if file is not None}
    return {file for file in files if file.is_relative_to(ROOT)}
