"""Encoders side by side: a row for each, a point for each way of reading it.

R ways of reading, E encoders.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, cast

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from visrep.figures import looks, style

ROW = 0.34  # inches of an encoder
NAMES = 1.45  # inches that names take
TITLE = 0.4  # inches of a panel's title


class Panel(NamedTuple):
    """``readings``: for each way of reading (E,) values with the ends of their intervals, each (value, low, high);
    ``chance`` is drawn as a line."""

    title: str
    readings: Mapping[str, Sequence[tuple[float, float, float]]]
    chance: float | None


@style.house
def rows(
    title: str,
    names: Sequence[str],
    floors: Sequence[str],
    panels: Sequence[Panel],
    footer: str,
    palette: style.Palette,
) -> Figure:
    """A panel below the other, the encoders in the order of ``names``; those of ``floors`` are set in pale italics."""
    heights: list[float] = []
    for panel in panels:
        heights += [TITLE + looks.key_height(_keys(panel), lines=True), 0.45 + ROW * len(names)]
    figure = style.chart(sum(heights) + 0.4, title, footer)
    # Parts of their own, so that a key may reach below the names to the left of its chart.
    parts = cast("Sequence[SubFigure]", figure.subfigures(len(heights), 1, height_ratios=heights, squeeze=False).flat)
    places = [part.subplots() for part in parts]
    for panel, above, axes in zip(panels, places[::2], places[1::2], strict=True):
        _panel(panel, names, floors, above, axes, palette)
    return figure


def _keys(panel: Panel) -> list[str]:
    return [*panel.readings, *(["chance"] if panel.chance is not None else [])]


def _panel(
    panel: Panel, names: Sequence[str], floors: Sequence[str], above: Axes, axes: Axes, palette: style.Palette
) -> None:
    chosen = [looks.point(k, palette) for k in range(len(panel.readings))]
    line: looks.Look = {"color": style.PALE, "ls": (0, (4, 2)), "marker": ""}
    looks.key(above, _keys(panel), [*chosen, *([line] if panel.chance is not None else [])])
    above.set_title(panel.title, loc="left")
    shifts = np.linspace(-0.18, 0.18, len(chosen)) if len(chosen) > 1 else [0.0]
    for look, shift, values in zip(chosen, shifts, panel.readings.values(), strict=True):
        places = np.arange(len(names)) + shift
        middle, low, high = np.array(values).T
        axes.hlines(places, low, high, color=look["color"], lw=1.2)
        axes.plot(middle, places, **look)
    if panel.chance is not None:
        axes.axvline(panel.chance, color=line["color"], ls=line["ls"], lw=1)
    axes.set(ylim=(len(names) - 0.5, -0.5))
    axes.set_xlim(left=min(0.0, axes.get_xlim()[0]))
    axes.set_yticks(range(len(names)), [_wrapped(name) for name in names])
    for name, label in zip(names, axes.get_yticklabels(), strict=True):
        label.set(style="italic", color=style.PALE) if name in floors else None
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x")


def _wrapped(name: str) -> str:
    """Broken into lines, each of which fits."""
    return "\n".join(looks.cut(style.wrapped(name, style.SMALL, NAMES).split("\n")))
