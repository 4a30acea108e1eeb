"""Answers counted: confusion matrices and scores by class.

K classes.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage

from visrep.figures import style

SCORES = {"precision": "o", "recall": "s", "f1": "D"}


@style.house
def confusion(
    title: str, counts: Mapping[str, np.ndarray], classes: Sequence[str], footer: str, palette: style.Palette
) -> Figure:
    """Counts (K, K) of answers, rows true and columns predicted, one matrix below the other by heading; the shade is
    the share of the true class, so that a frequent class does not look better than a rare one."""
    names = [style.fitted(name, style.SMALL, 1.0) for name in classes]
    digits = max(len(str(table.max())) for table in counts.values())
    cell = max((style.WIDTH - 0.8) / len(classes), digits * 0.09)  # inches
    label = 0.09 * max(len(name) for name in names)
    side = cell * len(classes)
    height = len(counts) * (side + (label if label > cell else 0.1) + 0.8) + 0.6
    figure = style.chart(height, title, footer, max(style.WIDTH, side + 0.6 + label))
    panels = figure.subplots(len(counts), 1, squeeze=False)[:, 0]
    for axes, (heading, table) in zip(panels, counts.items(), strict=True):
        drawn = _matrix(axes, table, palette)
        axes.set_xticks(range(len(names)), names, rotation=90 if label > cell else 0)
        axes.set_yticks(range(len(names)), names)
        axes.set(xlabel="predicted", ylabel="true")
        axes.set_title(heading, loc="left", fontweight="bold")
    bar = figure.colorbar(drawn, ax=panels[-1], location="bottom", fraction=0.04, aspect=40, pad=0.02)
    bar.set_label("shade: share of the true class (%); numbers: images", size=style.SMALL)
    return figure


def _matrix(axes: Axes, counts: np.ndarray, palette: style.Palette) -> AxesImage:
    shares = counts / counts.sum(1, keepdims=True).clip(min=1) * 100
    for (row, column), count in np.ndenumerate(counts):
        ink = "white" if shares[row, column] > 55 else style.INK if count else style.PALE
        axes.text(column, row, str(count), ha="center", va="center", fontsize=style.SMALL, color=ink)
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)
    return axes.imshow(shares, cmap=palette.shade, vmin=0, vmax=100)


@style.house
def report(rows: Sequence[Mapping[str, Any]], footer: str, palette: style.Palette) -> Figure:
    """Precision, recall and F1 of each class with its support; the means, if any, come last. ``rows`` as
    `classification.per_class` makes them."""
    table = pd.DataFrame(rows)
    figure = style.chart(0.27 * len(table) + 1.1, "How well each class is read", footer)
    axes = figure.subplots()
    places = np.arange(len(table))
    values = table[list(SCORES)]
    axes.hlines(places, values.min(axis=1), values.max(axis=1), color="#bbbbbb", lw=2)
    for place, (score, marker) in enumerate(SCORES.items()):
        color = palette.lines[place]
        face = color if score == "f1" else "white"
        name = "F1" if score == "f1" else score
        axes.plot(table[score], places, marker, color=color, mfc=face, mew=1.5, ms=6, label=name, clip_on=False)
    means = table["class"].str.endswith(" mean")
    if means.any():
        axes.axhline(len(table) - means.sum() - 0.5, color=style.PALE, lw=1)
    axes.set_yticks(places, [style.fitted(name, style.SMALL, 1.2) for name in table["class"]])
    axes.set(ylim=(len(table) - 0.5, -0.5), xlim=(min(90, 10 * (values.min(axis=None) // 10)), 100), xlabel="percent")
    axes.grid(axis="x")
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3, borderaxespad=0, handlelength=1, columnspacing=1.2)
    beside: dict[str, Any] = {"ha": "right", "fontsize": style.SMALL, "annotation_clip": False}
    axes.annotate("images", (1.2, 1), (0, 4), xycoords="axes fraction", textcoords="offset points", **beside)
    for row, support in enumerate(table.support):
        axes.annotate(f"{support:,}", (1.2, row), xycoords=("axes fraction", "data"), va="center_baseline", **beside)
    return figure
