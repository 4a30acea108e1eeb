"""The style of all figures.

Sizes are those of a phone held upright, where a point is a point. What color shows, a marker, a dash or a word shows
too. The user's own matplotlib settings have no effect.
"""

import textwrap
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.textpath import text_to_path

from visrep import files

WIDTH = 4.2  # inches: 400 CSS pixels
SMALL, BASE, TITLE = 9, 10, 11.5  # points
LINE = 1.3 / 72  # inches of a line of text per point of its size
INK, PALE = "#222222", "#767676"

OURS: dict[Any, Any] = {
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same everywhere
    "font.size": BASE,
    "axes.titlesize": BASE,
    "axes.labelsize": BASE,
    "xtick.labelsize": SMALL,
    "ytick.labelsize": SMALL,
    "legend.fontsize": SMALL,
    "legend.frameon": False,
    "legend.handlelength": 3.2,
    "figure.titlesize": TITLE,
    "figure.titleweight": "bold",
    "figure.labelsize": SMALL,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": PALE,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.axisbelow": True,
    "grid.color": "#dddddd",
    "lines.linewidth": 1.6,
    "lines.markersize": 5,
}
DEFAULTS: dict[Any, Any] = {key: value for key, value in matplotlib.rcParamsDefault.items() if key != "backend"}
house = matplotlib.rc_context(DEFAULTS | OURS)  # decorates every function that makes a figure


class Palette(NamedTuple):
    """``lines`` differ also in lightness; ``right`` and ``wrong`` mark answers; ``shade`` names a color map that
    darkens steadily."""

    lines: tuple[str, ...]
    right: str
    wrong: str
    shade: str


PALETTES = {
    "okabe_ito": Palette(  # Okabe and Ito 2008, Color Universal Design, without their yellow: too pale for a line
        ("#0072B2", "#E69F00", "#009E73", "#D55E00", "#CC79A7", "#56B4E9", "#000000"), "#009E73", "#D55E00", "Blues"
    ),
    "tableau": Palette(
        ("#4E79A7", "#F28E2B", "#59A14F", "#E15759", "#B07AA1", "#76B7B2", "#9C755F"), "#59A14F", "#E15759", "Blues"
    ),
    "grey": Palette(("#000000", "#8C8C8C", "#525252", "#A6A6A6"), "#737373", "#000000", "Greys"),
}
MARKERS = ("o", "s", "^", "D", "v", "P", "X", "<", ">", "*")
DASHES: tuple[Any, ...] = ("-", (0, (5, 1.5)), (0, (1.5, 1.5)), (0, (6, 1.5, 1.5, 1.5)))


def wrapped(text: str, points: float, inches: float, bold: bool = False) -> str:
    """``text`` broken into lines of about ``inches``, each paragraph for itself."""
    letters = max(1, int(inches * 72 / (points * (0.6 if bold else 0.53))))
    return "\n".join(textwrap.fill(line, letters) for line in text.split("\n"))


def width(text: str, points: float) -> float:
    """Inches."""
    font = FontProperties(family=OURS["font.family"], size=points)
    width: float = text_to_path.get_text_width_height_descent(text, font, False)[0]
    return width / 72


def fitted(text: str, points: float, inches: float) -> str:
    """``text`` cut to at most ``inches``, but never to nothing."""
    shorter = (f"{text[:end]}…" for end in range(len(text) - 1, 0, -1))
    fits = width(text, points) <= inches
    return text if fits else next((short for short in shorter if width(short, points) <= inches), "…")


def foot(source: str, count: int, what: str, more: str = "") -> str:
    """The source and number of the images: the last line of every figure."""
    return f"Data: {source}; n\xa0=\xa0{count:,} {what}." + f" {more}" * bool(more)


def chart(height: float, title: str, footer: str, width: float = WIDTH) -> Figure:
    """An empty figure of ``height`` inches between its title and its footer, which add theirs."""
    title, footer = wrapped(title, TITLE, width - 0.2, bold=True), wrapped(footer, SMALL, width - 0.2)
    words = LINE * (TITLE * (1 + title.count("\n")) + SMALL * (1 + footer.count("\n")))
    figure = Figure(figsize=(width, height + words), layout=ConstrainedLayoutEngine(h_pad=0.07, w_pad=0.05))
    figure.suptitle(title, x=0.02, ha="left")
    figure.supxlabel(footer, x=0.02, ha="left", color=PALE)
    return figure


def percent(axes: Axes, label: str = "accuracy (%)") -> None:
    """The y axis of shares."""
    axes.set_ylim(0, 100)
    axes.set_yticks(range(0, 101, 20))
    axes.set_ylabel(label)
    axes.grid(axis="y")


@house
def save(figure: Figure, path: Path, dpi: int) -> None:
    """The figure as PNG: the same bytes for the same figure."""
    buffer = BytesIO()
    figure.savefig(buffer, format="png", dpi=dpi, metadata={"Software": None})
    files.write_bytes(path, buffer.getvalue())
