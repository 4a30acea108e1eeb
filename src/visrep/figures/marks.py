"""Colors, markers and dashes of the k-th class, encoder or run, where there are more than a palette has colors."""

from collections.abc import Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from visrep.figures import style

NAME = 1.5  # inches a name may take
LONG = 2.9  # the same where names are few and may stand below each other
Look = dict[str, Any]  # of a matplotlib line


def point(k: int, palette: style.Palette) -> Look:
    """Color and marker; markers are hollow where colors repeat."""
    turn, place = divmod(k, len(palette.lines))
    color = palette.lines[place]
    marker = style.MARKERS[k % len(style.MARKERS)]
    return {"color": color, "mfc": "white" if turn % 2 else color, "marker": marker, "ls": ""}


def line(k: int, palette: style.Palette) -> Look:
    """As `point`, with a dash that changes whenever colors repeat."""
    turn, place = divmod(k, len(palette.lines))
    return point(k, palette) | {"ls": style.DASHES[(place + turn) % len(style.DASHES)]}


def lines(names: Sequence[str], baselines: Sequence[str], palette: style.Palette) -> dict[str, Look]:
    """The look of each encoder's line by name; those of ``baselines`` are pale and thin."""
    learned = [name for name in names if name not in baselines]
    lines = {name: line(k, palette) for k, name in enumerate(learned)}
    pale: Look = {"color": style.PALE, "lw": 1, "mfc": "white"}
    rest = [name for name in names if name in baselines]
    return lines | {name: line(k + 1, palette) | pale for k, name in enumerate(rest)}


def cut(names: Sequence[str], inches: float = NAME) -> list[str]:
    """Each to at most ``inches``."""
    return [style.fitted(name, style.SMALL, inches) for name in names]


def key(axes: Axes, names: Sequence[str], looks: Sequence[Look]) -> None:
    """A legend in place of ``axes``."""
    axes.axis("off")
    handles = [Line2D([], [], label=name, **look) for name, look in zip(names, looks, strict=True)]
    lines = any(look["ls"] for look in looks)
    tight: Look = {"handletextpad": 0.5, "columnspacing": 1, "labelspacing": 0.25, "borderpad": 0, "borderaxespad": 0}
    ncols, length = _across(names, lines), 2.6 if lines else 1
    axes.legend(handles=handles, loc="center left", ncols=ncols, handlelength=length, **tight)


def key_height(names: Sequence[str], lines: bool) -> float:
    """Inches that the `key` of ``names`` takes, above a map (of points) or above a chart (of ``lines``)."""
    return 0.05 + 1.1 * style.LINE * style.SMALL * _rows(names, lines)


def _rows(names: Sequence[str], lines: bool) -> int:
    """As few as hold the names, in columns as wide as the widest."""
    # Inches. A chart has numbers at its left, where its legend does not reach.
    room, handle = (style.WIDTH - 0.45, 0.5) if lines else (style.WIDTH, 0.35)
    widest = handle + max(style.width(name, style.SMALL) for name in names)
    return -(-len(names) // min(5, max(1, int(room / widest))))


def _across(names: Sequence[str], lines: bool) -> int:
    return -(-len(names) // max(1, _rows(names, lines)))
