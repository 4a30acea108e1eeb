"""Results as frozen records, each a class that is imported by the stage that writes it and by all that read it; and how
results are tabulated.

Every record of a stage has ``metrics``: the numbers of its metrics file by name, those with a 95 % interval as
`Interval`. ``CHART`` names the field whose rows `dvc plots` draws. It would draw the rows of every list in a file, as
one table, so all other rows are stored by column.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

from pydantic import TypeAdapter, ValidationError

from visrep import files
from visrep.errors import Failure

R = TypeVar("R")


@dataclass(frozen=True)
class Interval:
    """A number, in percent where it is a share, with the ends of its 95 % interval."""

    value: float
    low: float
    high: float


Number = Interval | float


@dataclass(frozen=True)
class Column:
    """A column of the tables of encoders. ``key`` is its name in the metrics file, which reported numbers have too;
    ``read`` takes it from the record, ``chance`` the score reached without any learning. A column with a ``caption``
    has a table of its own, with a scale from 0 to 100 where it is a ``percent``; the others share a folded one. The
    ``headline`` columns are those of the README."""

    key: str
    name: str
    read: Callable[[Any], Number]
    digits: int = 1
    chance: Callable[[Any], float | None] = lambda _: None
    caption: str = ""
    percent: bool = True
    headline: bool = False


@dataclass(frozen=True)
class Tabulated:
    """An evaluation's section of the page: ``title``, ``text``, and tables on the named ``data``; ``more`` is the
    caption of the table of further columns."""

    title: str
    text: str
    data: str
    columns: tuple[Column, ...]
    more: str = ""


def data(source: str, count: int, images: str) -> str:
    """What a number was measured on: the source of the images, and how many."""
    return f"Data: {source}; n = {count:,} {images}."


COLUMNS = "columns"  # stands in a file before rows that are stored by column


def write(path: Path, record: Any) -> None:
    """A frozen dataclass as JSON."""
    chart = getattr(record, "CHART", "")
    values = asdict(record)
    files.write_json(path, {name: value if name == chart else _by_column(value) for name, value in values.items()})


def read(path: Path, kind: type[R]) -> R:
    """What `write` wrote of a ``kind``. Raises `Failure` where it is missing or is none."""
    values = _by_row(files.read_json(path))
    try:
        return TypeAdapter(kind).validate_python(values)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise Failure(f"{path} cannot be read: {place}: {first['msg']}") from None


def _by_column(value: Any) -> Any:
    """Rows stored by column where they can be reached through mappings alone, since `dvc plots` would take them for its
    own; also empty lists, on which it fails."""
    if isinstance(value, dict):
        return {name: _by_column(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple) and all(isinstance(row, dict) for row in value):
        return {COLUMNS: {name: _by_column([row[name] for row in value]) for name in (value[0] if value else ())}}
    return value


def _by_row(value: Any) -> Any:
    """The inverse."""
    if not isinstance(value, dict):
        return value
    if value.keys() == {COLUMNS}:
        columns = {name: _by_row(column) for name, column in value[COLUMNS].items()}
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
    return {name: _by_row(inner) for name, inner in value.items()}


def numbers(metrics: Any) -> dict[str, Number]:
    """The metrics of a record by name, whether a dataclass or a mapping."""
    if isinstance(metrics, Mapping):
        return dict(metrics)
    return {field.name: getattr(metrics, field.name) for field in fields(metrics)}


def flat(metrics: Any) -> dict[str, float]:
    """The same without intervals, as the metrics file holds them."""
    return {name: value.value if isinstance(value, Interval) else value for name, value in numbers(metrics).items()}
