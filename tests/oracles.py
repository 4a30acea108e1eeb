"""Second, slower implementations that share no code with what they judge."""

import ast
import hashlib
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[1]


@cache
def imported(file: Path) -> frozenset[Path]:
    """The project's modules that one file names in import statements, wherever they stand."""
    found: set[Path] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [str(node.module), *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith(".every"):
            (package,) = (argument.value for argument in node.args if isinstance(argument, ast.Constant))
            folder = ROOT / "src" / str(package).replace(".", "/")
            found |= {path for path in folder.iterdir() if path.suffix == ".py" and path.stem != "__init__"}
        for name in names:
            for top in (ROOT / "src", ROOT):
                place = top / name.replace(".", "/")
                found |= {path for path in (place.with_suffix(".py"), place / "__init__.py") if path.exists()}
    return frozenset(found)


@cache
def closure(*files: Path) -> frozenset[str]:
    """All modules reached from ``files`` by import statements, themselves included, as paths from the top folder."""
    reached: set[Path] = set()
    waiting = list(files)
    while waiting:
        file = waiting.pop()
        if file not in reached:
            reached.add(file)
            waiting += imported(file)
    return frozenset(str(file.relative_to(ROOT)) for file in reached if file.name != "__init__.py")


def digests(folder: Path) -> dict[str, str]:
    """sha256 of every file below ``folder``, by path; what is unfinished (hidden folders) left out."""
    files = [f for f in sorted(folder.rglob("*")) if f.is_file()]
    names = {str(f.relative_to(folder)): f for f in files}
    visible = {name: f for name, f in names.items() if not any(part.startswith(".") for part in Path(name).parts)}
    return {name: hashlib.sha256(f.read_bytes()).hexdigest() for name, f in visible.items()}
