"""All runs of trainings side by side, each a point.

R rows, such as encoders; values in the units of their panel.
"""

from collections.abc import Mapping, Sequence
from typing import cast

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from visrep.figures import marks, style

ROW = 0.36  # inches of a row
NAMES = 1.45  # inches that names take


@style.house
def points(
    title: str,
    names: Sequence[str],
    baselines: Sequence[str],
    readings: Mapping[str, Sequence[Sequence[float]]],
    chance: float | None,
    label: str,
    footer: str,
    palette: style.Palette,
) -> Figure:
    """A row for each of ``names`` (R,), those of ``baselines`` in pale italics; ``readings`` are by name of a number,
    then (R,) by row, the values of its runs: small points, with a stroke at their mean. The main run comes first and is
    filled."""
    key = [*readings, *(["constant answer"] if chance is not None else [])]
    height = marks.key_height(key, lines=True)
    heights = [height, 0.5 + ROW * len(names)]
    figure = style.chart(sum(heights), title, footer)
    # Parts of their own, so that the key may reach below the names to the left of the chart.
    parts = cast("Sequence[SubFigure]", figure.subfigures(2, 1, height_ratios=heights))
    above, axes = (part.subplots() for part in parts)
    looks = [marks.point(k, palette) for k in range(len(readings))]
    line: marks.Look = {"color": style.PALE, "ls": (0, (4, 2)), "marker": ""}
    marks.key(above, key, [*looks, *([line] if chance is not None else [])])
    shifts = np.linspace(-0.24, 0.24, len(looks)) if len(looks) > 1 else [0.0]
    for look, shift, rows in zip(looks, shifts, readings.values(), strict=True):
        for place, runs in enumerate(rows):
            _runs(axes, place + shift, runs, look)
    if chance is not None:
        axes.axvline(chance, color=line["color"], ls=line["ls"], lw=1)
    axes.set(ylim=(len(names) - 0.5, -0.5), xlabel=label)
    axes.set_xlim(left=min(0.0, axes.get_xlim()[0]), right=max(100.0, axes.get_xlim()[1]))
    wrapped = ["\n".join(marks.cut(style.wrapped(name, style.SMALL, NAMES).split("\n"))) for name in names]
    axes.set_yticks(range(len(names)), wrapped)
    for name, tick in zip(names, axes.get_yticklabels(), strict=True):
        tick.set(style="italic", color=style.PALE) if name in baselines else None
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x")
    return figure


def _runs(axes: Axes, place: float, runs: Sequence[float], look: marks.Look) -> None:
    main, *again = runs
    if again:
        axes.plot([np.mean(runs)], [place], marker="|", ms=11, mew=1.6, color=look["color"], ls="")
        axes.plot(again, [place] * len(again), **look | {"mfc": "white", "ms": 4})
    axes.plot([main], [place], **look | {"ms": 4})
