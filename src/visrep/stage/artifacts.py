"""Files that stages pass on. The same values give the same bytes: no times, hosts, commits or absolute paths.

A file appears under its name whole or not at all: it is written beside it and renamed.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Mapping
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from visrep.stage import pipeline
from visrep.stage.errors import Failure

if TYPE_CHECKING:
    import pandas as pd


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
    """Sorted keys, one trailing newline. Raises `ValueError` on NaN and infinity."""
    text = json.dumps(_plain(value), indent=1, sort_keys=True, allow_nan=False, ensure_ascii=False)
    write_bytes(path, (text + "\n").encode())


def write_metrics(path: Path, metrics: Mapping[str, float]) -> None:
    """Flat numbers, six significant digits. Raises `ValueError` on more than ten or on a value that is not finite."""
    if len(metrics) > 10:
        raise ValueError(f"{path}: {len(metrics)} metrics, a file holds at most ten")
    write_json(path, {name: significant(value * 1) for name, value in metrics.items()})  # a bool becomes 0 or 1


def write_table(path: Path, table: "pd.DataFrame") -> None:
    """A data frame as JSON records, six significant digits, as `dvc plots` reads them."""
    write_json(path, [{key: significant(value) for key, value in row.items()} for row in table.to_dict("records")])


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
            raise pipeline.missing(self.path)

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if error is not None and isinstance(error, Exception) and not isinstance(error, Failure):
            raise Failure(f"{self.path} cannot be read: {error}") from error


def _plain(value: Any) -> Any:
    """NumPy scalars and arrays as Python's own; mapping keys as text."""
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return value.tolist()
    if isinstance(value, np.generic):
        return value.item()
    return [_plain(item) for item in value] if isinstance(value, (list, tuple)) else value
