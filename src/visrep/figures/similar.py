"""What encoders of drawn shapes keep, how they learned it, and where features lie.

E encoders, 4 factors; readings in percent.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from visrep.figures import looks, style

MARKS = {"confirmed": "✓", "refuted": "✗", "undecided": "?"}
HEADINGS = {
    "agreement": "Neighbours that share it (%)",
    "probe": "Linear probes that name it (%)",
    "movement": "Movement when it changes (%)",
}
CELL = 0.42  # inches


@style.house
def table(title: str, rows: Sequence[Mapping[str, Any]], footer: str, palette: style.Palette) -> Figure:
    """A matrix for each reader, encoders by factors: the value, below it what was predicted and whether it came true.
    ``rows`` as `factors.row` makes them, each with its ``encoder``; the shade is the share that is kept."""
    every = pd.DataFrame(rows)
    encoders, names = (list(dict.fromkeys(every[column])) for column in ("encoder", "factor"))
    readers = [reader for reader in HEADINGS if (every["reader"] == reader).any()]
    figure = style.chart(len(readers) * (CELL * len(encoders) + 0.62), title, footer)
    panels = figure.subplots(len(readers), 1, squeeze=False)[:, 0]
    for axes, reader in zip(panels, readers, strict=True):
        own = every[every["reader"] == reader]
        _matrix(axes, own, encoders, names, palette)
        chances = own.groupby("factor")["chance"].mean()
        below = [f"{name}\n({chances[name]:.1f})" for name in names]
        axes.set_xticks(range(len(names)), below)
        axes.set_title(HEADINGS[reader], loc="left", fontweight="bold")
    return figure


def _matrix(
    axes: Axes, rows: pd.DataFrame, encoders: Sequence[str], names: Sequence[str], palette: style.Palette
) -> None:
    shade = np.zeros((len(encoders), len(names)))
    for row in rows.to_dict("records"):
        place = encoders.index(row["encoder"]), names.index(row["factor"])
        shade[place] = row["share_kept"]
        ink = "white" if row["share_kept"] > 0.55 else style.INK
        y, x = place
        axes.text(x, y - 0.2, f"{row['value']:.1f}", ha="center", va="center", fontweight="bold", color=ink)
        said = f"{row['prediction']} {MARKS[row['verdict']]}"
        axes.text(x, y + 0.22, said, ha="center", va="center", fontsize=style.SMALL, color=ink)
    axes.imshow(shade, cmap=palette.shade, vmin=0, vmax=1, aspect="auto")
    axes.set_yticks(range(len(encoders)), [style.fitted(name, style.SMALL, 1.1) for name in encoders])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


@style.house
def losses(
    title: str,
    histories: Mapping[str, pd.DataFrame],
    told: Mapping[str, Mapping[str, Any]],
    footer: str,
    palette: style.Palette,
) -> Figure:
    """A panel for each encoder: its loss on training and held-out images by epoch, between chance and floor."""
    figure, top, panels = _panels(title, len(histories), 1.75, ["training images", "held out"], footer)
    parts = {"train_loss": looks.line(0, palette), "held_out_loss": looks.line(1, palette)}
    looks.key(top, ["training images", "held out"], list(parts.values()))
    for axes, (name, history) in zip(panels, histories.items(), strict=True):
        about = told[name]
        highest = float(about["chance"])
        for column, look in parts.items():
            axes.plot(history["epoch"], history[column], clip_on=False, **look)
            highest = max(highest, float(history[column].max()))
        for bound in (about["chance"], about["floor"]):
            axes.axhline(bound, color=style.PALE, lw=1.2, ls=(0, (1, 2)), zorder=1)
        axes.set(ylim=(0, 1.1 * highest), ylabel=str(about["loss"]).replace("squared ", "squared\n"))
        bounds = f"chance {about['chance']:.2g}, floor {about['floor']:.2g}"
        axes.set_title(f"{name}: {bounds}", loc="left", fontsize=style.SMALL)
    return figure


@style.house
def learning(
    title: str,
    histories: Mapping[str, pd.DataFrame],
    names: Sequence[str],
    footer: str,
    palette: style.Palette,
) -> Figure:
    """A panel for each encoder: for each factor how many held-out images have a nearest neighbour that shares it."""
    figure, top, panels = _panels(title, len(histories), 1.9, names, footer)
    looks.key(top, names, [looks.line(k, palette) for k in range(len(names))])
    for axes, (name, history) in zip(panels, histories.items(), strict=True):
        for k, factor in enumerate(names):
            axes.plot(history["epoch"], history[factor], clip_on=False, **looks.line(k, palette))
        style.percent(axes, "shared (%)")
        axes.set_title(name, loc="left", fontweight="bold")
    return figure


def _panels(
    title: str, count: int, height: float, names: Sequence[str], footer: str
) -> tuple[Figure, Axes, Sequence[Axes]]:
    """(figure, room for a key, a panel for each encoder over the same epochs)."""
    row = looks.key_height(names, lines=True)
    figure = style.chart(row + height * count, title, footer)
    top, *panels = figure.subplots(1 + count, 1, height_ratios=[row, *[height] * count])
    for axes in panels:
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        axes.grid(axis="y")
    panels[-1].set_xlabel("epoch")
    return figure, top, panels


@style.house
def sets(title: str, told: Mapping[str, Mapping[str, Any]], footer: str, palette: style.Palette) -> Figure:
    """For each encoder the diameters of its invariance sets and the margins around them: median and the middle 80 %."""
    names = list(told)
    keys = ["diameter of a set", "margin to the next set"]
    row = looks.key_height(keys, lines=True)
    figure = style.chart(row + 0.5 * len(names) + 0.6, title, footer)
    top, axes = figure.subplots(2, 1, height_ratios=[row, 0.5 * len(names) + 0.5])
    looks.key(top, keys, [looks.line(k, palette) for k in (0, 1)])
    for place, name in enumerate(names):
        for k, which in enumerate(("diameter", "margin")):
            found, y, look = told[name][which], place + 0.3 * k - 0.15, looks.line(k, palette)
            axes.plot([found["q10"], found["q90"]], [y, y], color=look["color"], ls=look["ls"], lw=2)
            axes.plot([found["q50"]], [y], color=look["color"], marker=look["marker"], ms=8)
    axes.set_yticks(range(len(names)), [style.fitted(name, style.SMALL, 1.2) for name in names])
    axes.set(ylim=(len(names) - 0.5, -0.5), xlim=(0, None), xlabel="distance of unit features (at most 2)")
    axes.grid(axis="x")
    return figure


@style.house
def tammes(
    title: str, points: Mapping[str, np.ndarray], captions: Sequence[str], footer: str, palette: style.Palette
) -> Figure:
    """Points (N, 3) on spheres, seen from the front: those behind are hollow, and the nearest pairs are joined."""
    figure = style.chart(1.95 * -(-len(points) // 2), title, footer)
    panels = figure.subplots(-(-len(points) // 2), 2, squeeze=False).ravel()
    for axes, (name, x), caption in zip(panels, points.items(), captions, strict=False):
        _sphere(axes, x, palette)
        axes.set_title(f"{name}\n{caption}", fontsize=style.SMALL)
    for axes in panels:
        axes.axis("off")
    return figure


def _sphere(axes: Axes, x: np.ndarray, palette: style.Palette) -> None:
    turn = np.linspace(0, 2 * np.pi, 100)
    axes.plot(np.cos(turn), np.sin(turn), color=style.PALE, lw=1)
    distances = np.linalg.norm(x[:, None] - x[None], axis=2)
    np.fill_diagonal(distances, np.inf)
    for i, j in np.argwhere(distances < distances.min() * 1.001):
        if i < j:
            behind = x[i, 2] + x[j, 2] < 0
            look: looks.Look = {"ls": (0, (1.5, 1.5)), "lw": 0.8} if behind else {"ls": "-", "lw": 1.4}
            axes.plot(x[[i, j], 0], x[[i, j], 1], color=palette.lines[0], **look)
    for front, face, order in ((False, "white", 3), (True, palette.lines[3 % len(palette.lines)], 4)):
        own = x[(x[:, 2] >= 0) == front]
        axes.plot(own[:, 0], own[:, 1], "o", ms=7, mfc=face, mec=style.INK, zorder=order)
    axes.set(xlim=(-1.1, 1.1), ylim=(-1.1, 1.1), aspect="equal")
