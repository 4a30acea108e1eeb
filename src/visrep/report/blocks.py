"""The building blocks of a page. Text is plain and is escaped; only `Markup` is not."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from markupsafe import Markup

from visrep.report.results import StudyResults

SPACE, HYPHEN = "\N{NO-BREAK SPACE}", "\N{NON-BREAKING HYPHEN}"
TIES = {
    " %": f"{SPACE}%",
    "ε ": f"ε{SPACE}",
    "n = ": f"n{SPACE}={SPACE}",
    "k-NN": f"k{HYPHEN}NN",
    "t-SNE": f"t{HYPHEN}SNE",
}


@dataclass(frozen=True)
class Part:
    """A heading within a section, and the text below it."""

    title: str
    text: str = ""
    folded: str = ""
    kind: ClassVar[str] = "part"


class Picture(NamedTuple):
    """``png`` is a file's content; ``caption`` is also its alternative text; ``data`` says on which images."""

    png: bytes
    caption: str
    data: str


@dataclass(frozen=True)
class Gallery:
    """Pictures side by side, behind a line to click on where it is ``folded``."""

    pictures: Sequence[Picture]
    folded: str = ""
    kind: ClassVar[str] = "gallery"


@dataclass(frozen=True)
class Table:
    """``data`` says on which images; the first cell of each row names it; columns in ``words`` are text, the others
    numbers."""

    caption: str
    data: str
    head: Sequence[str]
    rows: Sequence[Sequence[str | Markup]]
    words: Sequence[int] = ()
    folded: str = ""
    kind: ClassVar[str] = "table"


@dataclass(frozen=True)
class Drawing:
    """A drawing that is part of the page."""

    svg: Markup
    caption: str
    folded: str = ""
    kind: ClassVar[str] = "drawing"


Block = Part | Gallery | Table | Drawing


class Section(NamedTuple):
    """``anchor`` is its address on the page."""

    anchor: str
    title: str
    text: Sequence[str]
    blocks: Sequence[Block]


def picture(study: StudyResults, name: str, caption: str, data: str) -> Picture:
    """``plots/<name>.png``; ``data`` is a line as `records.data` makes them."""
    return Picture(study.picture(name), caption, data)


def of_encoders(study: StudyResults, name: str, caption: str, data: str, folded: str = "") -> Gallery:
    """``plots/figures/<encoder>/<name>.png`` of every encoder, baselines first."""
    pictures = [
        picture(study, f"figures/{encoder}/{name}", f"{label}: {caption}", data)
        for encoder, label in study.encoders.items()
    ]
    return Gallery(pictures, folded)


def tied(value: Any) -> Any:
    """Text in which what belongs together stays on one line."""
    if isinstance(value, Markup) or not isinstance(value, str):
        return value
    for loose, tight in TIES.items():
        value = value.replace(loose, tight)
    return value
