"""Files that stages exchange. The same values give the same bytes: no times, hosts, commits or absolute paths.

A file is written beside its target and renamed, so that it appears whole or not at all.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, is_dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from visrep.errors import Failure, Missing

MOST_METRICS = 15  # in a file: more are not looked at


def write_bytes(path: Path, content: bytes) -> None:
    """Write whole or not at all, durably."""
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.name}.part")
    try:
        with open(temporary, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def read_bytes(path: Path) -> bytes:
    with _named(path):
        return path.read_bytes()


def at_home(path: Path | str) -> Path:
    """``path`` with a leading ~ or ~user written out. Raises `Failure` where there is no such user."""
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise Failure(f"{path}: {str(error).rstrip('.').lower()}", 2) from error


def write_json(path: Path, value: Any) -> None:
    """Sorted keys, a row of a table and a list of plain values on one line, one trailing newline. Raises `ValueError`
    on NaN and infinity."""
    write_bytes(path, (_indented(_plain(value)) + "\n").encode())


def write_metrics(path: Path, metrics: Mapping[str, float]) -> None:
    """Flat numbers, six significant digits. Raises `ValueError` on more than fifteen or on a value that is not
    finite."""
    if len(metrics) > MOST_METRICS:
        raise ValueError(f"{path}: {len(metrics)} metrics, a file holds at most {MOST_METRICS}")
    write_json(path, {name: significant(value * 1) for name, value in metrics.items()})  # a bool becomes 0 or 1


def write_table(path: Path, rows: Iterable[Any]) -> None:
    """Rows, mappings or frozen dataclasses, as JSON records, six significant digits, as `dvc plots` reads them."""
    records = (asdict(row) if is_dataclass(row) and not isinstance(row, type) else row for row in rows)
    write_json(path, [{key: significant(value) for key, value in record.items()} for record in records])


def significant(value: Any, digits: int = 6) -> Any:
    """``value`` rounded to significant digits where it is a number with a fraction; anything else as it is."""
    value = value.item() if isinstance(value, np.generic) else value
    return float(f"{value:.{digits}g}") if isinstance(value, float) else value


def write_array(path: Path, array: np.ndarray) -> None:
    """An array as ``.npy``: no pickles, C order."""
    buffer = BytesIO()
    np.save(buffer, np.ascontiguousarray(array), allow_pickle=False)
    write_bytes(path, buffer.getvalue())


def read_array(path: Path) -> np.ndarray:
    """The array of a ``.npy`` file, opened without copying."""
    with _named(path):
        array: np.ndarray = np.load(path, mmap_mode="r", allow_pickle=False)
        return array


def write_png(path: Path, image: np.ndarray) -> None:
    """(H, W, 3) uint8."""
    from PIL import Image

    buffer = BytesIO()
    Image.fromarray(np.ascontiguousarray(image)).save(buffer, format="png")
    write_bytes(path, buffer.getvalue())


def read_png(path: Path) -> np.ndarray:
    """(H, W, 3) uint8."""
    from PIL import Image

    with _named(path), Image.open(path) as image:
        return np.asarray(image.convert("RGB"))


def read_json(path: Path) -> Any:
    with _named(path):
        return json.loads(path.read_text(encoding="utf-8"))


def write_weights(path: Path, weights: Mapping[str, np.ndarray], config: Mapping[str, Any]) -> None:
    """Named arrays as safetensors. ``config`` (how to build what they belong to) is the one metadata key: with two
    or more, safetensors writes them in random order."""
    from safetensors.numpy import save

    arrays = {name: np.ascontiguousarray(array) for name, array in weights.items()}
    write_bytes(path, save(arrays, metadata={"config": json.dumps(config, sort_keys=True)}))


def read_weights(path: Path) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """What `write_weights` wrote: (arrays by name, config)."""
    from safetensors import safe_open

    with _named(path), safe_open(path, framework="numpy") as file:
        names: list[str] = file.keys()
        return {name: file.get_tensor(name) for name in names}, json.loads(file.metadata()["config"])


def sha256(paths: Iterable[Path]) -> str:
    """One digest over the names and contents of files and folders."""
    digest = hashlib.sha256()
    for path in paths:
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file():
                content = hashlib.sha256(file.read_bytes()).hexdigest()
                digest.update(f"{file.as_posix()} {content}\n".encode())
    return digest.hexdigest()


class _named:
    """Turns what goes wrong while reading into one line that names the file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __enter__(self) -> None:
        if not self.path.exists():
            raise Missing(self.path)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if error is not None and isinstance(error, Exception) and not isinstance(error, Failure):
            raise Failure(f"{self.path} cannot be read: {error}") from error


def _indented(value: Any, indent: str = "", flat: int = 0) -> str:
    """JSON of plain values, on one line where they are at most ``flat`` containers deep. In a list these are the rows
    of a table, with a pair or an interval in a cell; in a mapping lists and mappings of plain values."""
    if _depth(value) <= flat:
        return _line(value)
    inner = f"{indent} "
    if isinstance(value, dict):
        parts = [f"{_line(key)}: {_indented(value[key], inner, 1)}" for key in sorted(value)]
    else:
        parts = [_indented(item, inner, 2) for item in value]
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    lines = ",\n".join(inner + part for part in parts)
    return f"{opening}\n{lines}\n{indent}{closing}"


def _depth(value: Any) -> int:
    """0 of a plain value, 1 of a list or mapping of plain values, and so on; 0 of an empty one."""
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + max(map(_depth, items)) if items else 0


def _line(value: Any) -> str:
    return json.dumps(value, sort_keys=True, allow_nan=False, ensure_ascii=False)


def _plain(value: Any) -> Any:
    """NumPy scalars and arrays as Python's own; mapping keys as text."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value
