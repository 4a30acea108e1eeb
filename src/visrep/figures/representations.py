"""Training without labels, by epoch and by batch, and whether embeddings collapse.

A history has a row for each epoch: epoch, lr, the loss and the other scalars of its objective on training (``train_``)
and test images (``test_``), and of the embedding of test images effective_rank and std (mean over its D dimensions).
"""

import itertools
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, MaxNLocator, NullLocator

from visrep.figures import marks, style
from visrep.representations.results import Axis, Curve, Panel

PARTS = {"train": "training images", "test": "test images"}
DECADES = 1e-3  # of the largest value: below, a logarithmic axis runs on linearly to 0
LEAST_SHARE = 1e-8  # of the variance, that is plotted
SPREAD = "Spread: mean standard deviation of a dimension"


@style.house
def history(
    title: str, epochs: pd.DataFrame, panels: Sequence[Panel], dimensions: int, footer: str, palette: style.Palette
) -> Figure:
    """The scalars of the objective, in ``panels``, and effective rank and spread of an embedding of ``dimensions``, by
    epoch."""
    row = marks.key_height(["one row"], lines=True)
    heights = [row]
    for panel in panels:
        names = [curve.name for curve in panel.curves]
        heights += [marks.key_height(names, lines=True), 1.9] if len(names) > 1 else [1.3]
    figure = style.chart(sum(heights) + 4.6, title, footer)
    first, *rest, rank, spread = figure.subplots(len(heights) + 2, 1, height_ratios=[*heights, 1.2, 1.2])
    marks.key(first, list(PARTS.values()), [_part(0, part, palette) for part in PARTS])
    remaining, numbers = iter(rest), itertools.count()
    axes_of_panels = [_panel(panel, remaining, numbers, epochs, palette) for panel in panels]
    _curve(rank, epochs["epoch"], epochs["effective_rank"], marks.line(0, palette))
    _curve(spread, epochs["epoch"], epochs["std"], marks.line(0, palette))
    _ranks(rank, dimensions)
    spread.set_title(SPREAD, loc="left")
    for axes in (*axes_of_panels, spread):
        _values(axes)
    _along([*axes_of_panels, rank, spread], "epoch")
    return figure


def _panel(
    panel: Panel, remaining: Iterator[Axes], numbers: Iterator[int], epochs: pd.DataFrame, palette: style.Palette
) -> Axes:
    """Takes the next axes, of two the first for a key where there is more than one curve, and a number for each."""
    above = next(remaining)
    axes = next(remaining) if len(panel.curves) > 1 else above
    numbered = list(zip(panel.curves, numbers, strict=False))
    for curve, k in numbered:
        for part in PARTS:
            _curve(axes, epochs["epoch"], epochs[f"{part}_{curve.key}"], _part(k, part, palette))
    if len(panel.curves) > 1:
        marks.key(above, [curve.name for curve in panel.curves], [_part(k, "train", palette) for _, k in numbered])
    above.set_title(style.wrapped(panel.title, style.BASE, 3.6), loc="left")
    return axes


@style.house
def collapse(
    title: str, histories: Mapping[str, pd.DataFrame], dimensions: int, footer: str, palette: style.Palette
) -> Figure:
    """Effective rank and spread of the embedding by epoch, a line for each run by name. Both, because an embedding may
    shrink towards one point and keep its rank."""
    names = marks.cut(list(histories), marks.LONG)
    row = marks.key_height(names, lines=True)
    figure = style.chart(row + 6.2, title, footer)
    top, rank, spread = figure.subplots(3, 1, height_ratios=[row, 2.6, 2.2])
    marks.key(top, names, [marks.line(k, palette) for k in range(len(names))])
    for k, epochs in enumerate(histories.values()):
        _curve(rank, epochs["epoch"], epochs["effective_rank"], marks.line(k, palette))
        _curve(spread, epochs["epoch"], epochs["std"], marks.line(k, palette))
    _ranks(rank, dimensions)
    spread.set_title(SPREAD, loc="left")
    _values(spread)
    _along([rank, spread], "epoch")
    return figure


@style.house
def spectra(title: str, runs: Mapping[str, Sequence[Axis]], footer: str, palette: style.Palette) -> Figure:
    """How an embedding's variance is spread over its principal axes, of each run by name."""
    names = marks.cut(list(runs), marks.LONG)
    row = marks.key_height(names, lines=True)
    figure = style.chart(row + 4.0, title, footer)
    top, axes = figure.subplots(2, 1, height_ratios=[row, 3.4])
    marks.key(top, names, [marks.line(k, palette) for k in range(len(names))])
    for k, rows in enumerate(runs.values()):
        shown = [row for row in rows if row.share > LEAST_SHARE]  # below is rounding
        _curve(axes, [row.axis for row in shown], [100 * row.share for row in shown], marks.line(k, palette))
    axes.set(xscale="log", yscale="log", ylim=(100 * LEAST_SHARE, 200), xlabel="principal axis, by its share")
    axes.set_title("Share of the variance along each principal axis, %", loc="left")
    for side in (axes.xaxis, axes.yaxis):
        side.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.grid()
    return figure


@style.house
def steps(title: str, rows: pd.DataFrame, curves: Sequence[Curve], footer: str, palette: style.Palette) -> Figure:
    """``curves`` over batches: a column each of ``rows``, beside the number of the ``step``."""
    names = [curve.name for curve in curves]
    height = marks.key_height(names, lines=True)
    figure = style.chart(height + 4.0, title, footer)
    top, axes = figure.subplots(2, 1, height_ratios=[height, 3.4])
    marks.key(top, names, [marks.line(k, palette) for k in range(len(curves))])
    for k, curve in enumerate(curves):
        _curve(axes, rows["step"], rows[curve.key], marks.line(k, palette))
    axes.set_title("Means over adjacent batches", loc="left")
    _values(axes)
    _along([axes], "batch")
    return figure


def _part(k: int, part: str, palette: style.Palette) -> marks.Look:
    """Of test images the line is dashed and its markers are hollow."""
    return marks.point(k, palette) | ({"ls": (0, (3, 1.5)), "mfc": "white"} if part == "test" else {"ls": "-"})


def _curve(axes: Axes, x: Sequence[float], y: Sequence[float], look: marks.Look) -> None:
    """A line with at most about ten markers."""
    axes.plot(x, y, markevery=-(-len(x) // 10), clip_on=False, **look)


def _ranks(axes: Axes, dimensions: int) -> None:
    """The axis of effective ranks between a single direction and all."""
    axes.set(yscale="log", ylim=(0.9, 1.2 * dimensions))
    ticks = [tick for tick in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000) if tick < 0.75 * dimensions]
    axes.set_yticks([*ticks, dimensions], list(map(str, [*ticks, dimensions])))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.set_title(f"Effective rank: directions in use, of {dimensions}", loc="left")
    axes.grid(axis="y")


def _values(axes: Axes) -> None:
    """An axis from 0: linear where values are alike, otherwise logarithmic down to a threshold and linear below it."""
    values = np.concatenate([np.asarray(line.get_ydata(), float) for line in axes.get_lines()])
    least, largest = values.min(), values.max()
    axes.grid(axis="y")
    if largest <= 20 * least or largest <= 0:
        axes.set_ylim(0, None if largest > 0 else 1)
        return
    low, high = (int(np.floor(np.log10(value))) for value in (max(least, DECADES * largest), largest))
    decades = [10.0**k for k in range(low, high + 1)]
    if least >= DECADES * largest:
        axes.set_yscale("log")
    else:
        decades.insert(0, 0)
        axes.set_yscale("symlog", linthresh=10.0**low, linscale=0.5)
        axes.set_ylim(0, None)
    axes.yaxis.set_major_locator(FixedLocator(decades))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def _along(panels: Sequence[Axes], unit: str) -> None:
    """The axes of epochs or batches, from the first to the last."""
    for axes in panels:
        places = np.concatenate([np.asarray(line.get_xdata(), float) for line in axes.get_lines()])
        spare = 0.5 * (places.min() == places.max())
        axes.set_xlim(places.min() - spare, places.max() + spare)
        axes.xaxis.set_major_locator(MaxNLocator(6, steps=[1, 2, 5, 10], integer=True, min_n_ticks=1))
    panels[-1].set_xlabel(unit)
