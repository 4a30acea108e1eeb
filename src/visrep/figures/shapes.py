"""Drawn shapes: what encoders find most alike, which factors they keep, how they learned it, and where features lie.

E encoders, Q queries, k neighbors of each, 4 factors; readings in percent.
"""

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from visrep.data.store import ImageSet, Split
from visrep.figures import marks, style
from visrep.figures.sheet import Band, Tile, sheet
from visrep.shapes.results import (
    AGREEMENT,
    CONFIRMED,
    MOVEMENT,
    PROBE,
    REFUTED,
    UNDECIDED,
    Factors,
    Measurement,
    Neighbors,
    Similarity,
)

BESIDE = 5  # neighbors beside a query: more are too small on a phone
TOPS = ("query", "nearest", "2nd", "3rd", "4th", "5th")
NOT = "·"  # a factor that is not shared


def neighbors(
    title: str,
    data: ImageSet,
    shown: Mapping[str, tuple[Split, Sequence[Neighbors]]],
    shares: Mapping[str, Mapping[str, float]],
    footer: str,
    palette: style.Palette,
) -> Figure:
    """A band for each kind of images, by name: their split, and queries with the training images that are ``near``,
    nearest first. Below each neighbor stands what it shares with its query. ``shares`` is the percent of neighbors of
    all images of that kind that share each factor."""
    columns = 1 + min(BESIDE, max(len(query.near) for _, queries in shown.values() for query in queries))
    bands = []
    for kind, (split, queries) in shown.items():
        percentages = ", ".join(f"{name} {share:.0f}\xa0%" for name, share in shares[kind].items())
        heading = f"Queries are {kind}. Of the neighbors of all {len(split.labels):,} this many share: {percentages}."
        rows = [_row(data, split, query, columns - 1) for query in queries]
        bands.append(Band(heading, rows, tops=TOPS[:columns]))
    return sheet(title, bands, columns, footer, palette)


def _row(data: ImageSet, split: Split, query: Neighbors, count: int) -> list[Tile]:
    own = split.factors[query.query]
    near = query.near[:count]
    tiles = [Tile(data.train.images[i], shared(list(data.factors), data.train.factors[i] == own)) for i in near]
    return [Tile(split.images[query.query], "shared:"), *tiles]


def interpolations(
    title: str, lines: Mapping[str, np.ndarray], decoded: Collection[str], footer: str, palette: style.Palette
) -> Figure:
    """A band for each encoder: pictures (P, T, 32, 32, 3) on straight lines between the codes of two images. Those of
    ``decoded`` encoders are their decoder's, the others' are the training images nearest to the codes."""
    bands = []
    for name, pictures in lines.items():
        what = "drawn by its decoder" if name in decoded else "the training image nearest to each code"
        rows = [[Tile(picture) for picture in line] for line in pictures]
        bands.append(Band(f"{name}: {what}", rows))
    return sheet(title, bands, max(pictures.shape[1] for pictures in lines.values()), footer, palette)


def shared(names: Sequence[str], same: np.ndarray) -> str:
    """A line for each factor: its name where it is shared."""
    return "\n".join(name if alike else NOT for name, alike in zip(names, same, strict=True))


MARKS = {CONFIRMED: "✓", REFUTED: "✗", UNDECIDED: "?"}
HEADINGS = {
    AGREEMENT: "Neighbors that share it (%)",
    PROBE: "Linear probes that name it (%)",
    MOVEMENT: "Movement when it changes (%)",
}
CELL = 0.42  # inches


@style.house
def table(title: str, rows: Mapping[str, Sequence[Measurement]], footer: str, palette: style.Palette) -> Figure:
    """A matrix for each reader, encoders by factors: the value, below it what was predicted and whether it came true.
    ``rows`` by encoder; the shade is the share that is kept."""
    every = [row for own in rows.values() for row in own]
    encoders, names = list(rows), list(dict.fromkeys(row.factor for row in every))
    evaluations = [evaluation for evaluation in HEADINGS if any(row.evaluation == evaluation for row in every)]
    figure = style.chart(len(evaluations) * (CELL * len(encoders) + 0.62), title, footer)
    panels = figure.subplots(len(evaluations), 1, squeeze=False)[:, 0]
    for axes, evaluation in zip(panels, evaluations, strict=True):
        own = {encoder: [row for row in each if row.evaluation == evaluation] for encoder, each in rows.items()}
        _matrix(axes, own, names, palette)
        chances = {
            name: np.mean([row.chance for each in own.values() for row in each if row.factor == name]) for name in names
        }
        below = [f"{name}\n({chances[name]:.1f})" for name in names]
        axes.set_xticks(range(len(names)), below)
        axes.set_title(HEADINGS[evaluation], loc="left", fontweight="bold")
    return figure


def _matrix(
    axes: Axes, rows: Mapping[str, Sequence[Measurement]], names: Sequence[str], palette: style.Palette
) -> None:
    shade = np.zeros((len(rows), len(names)))
    for y, readings in enumerate(rows.values()):
        for row in readings:
            x = names.index(row.factor)
            shade[y, x] = row.share_kept
            ink = "white" if row.share_kept > 0.55 else style.INK
            axes.text(x, y - 0.2, f"{row.value:.1f}", ha="center", va="center", fontweight="bold", color=ink)
            text = f"{row.prediction} {MARKS[row.verdict]}"
            axes.text(x, y + 0.22, text, ha="center", va="center", fontsize=style.SMALL, color=ink)
    axes.imshow(shade, cmap=palette.shade, vmin=0, vmax=1, aspect="auto")
    axes.set_yticks(range(len(rows)), [style.fitted(name, style.SMALL, 1.1) for name in rows])
    axes.tick_params(length=0)
    axes.spines[:].set_visible(False)


@style.house
def losses(
    title: str,
    histories: Mapping[str, pd.DataFrame],
    results: Mapping[str, Similarity],
    footer: str,
    palette: style.Palette,
) -> Figure:
    """A panel for each encoder: its loss on training and validation images by epoch, between chance and its bound."""
    figure, top, panels = _panels(title, len(histories), 1.75, ["training images", "validation images"], footer)
    parts = {"train_loss": marks.line(0, palette), "validation_loss": marks.line(1, palette)}
    marks.key(top, ["training images", "validation images"], list(parts.values()))
    for axes, (name, history) in zip(panels, histories.items(), strict=True):
        about = results[name]
        highest = about.chance
        for column, look in parts.items():
            axes.plot(history["epoch"], history[column], clip_on=False, **look)
            highest = max(highest, float(history[column].max()))
        for bound in (about.chance, about.bound):
            axes.axhline(bound, color=style.PALE, lw=1.2, ls=(0, (1, 2)), zorder=1)
        axes.set(ylim=(0, 1.1 * highest), ylabel=about.loss.replace("squared ", "squared\n"))
        bounds = f"chance {about.chance:.2g}, bound {about.bound:.2g}"
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
    """A panel for each encoder: for each factor how many validation images have a nearest neighbor that shares it."""
    figure, top, panels = _panels(title, len(histories), 1.9, names, footer)
    marks.key(top, names, [marks.line(k, palette) for k in range(len(names))])
    for axes, (name, history) in zip(panels, histories.items(), strict=True):
        for k, factor in enumerate(names):
            axes.plot(history["epoch"], history[factor], clip_on=False, **marks.line(k, palette))
        style.percent(axes, "shared (%)")
        axes.set_title(name, loc="left", fontweight="bold")
    return figure


def _panels(
    title: str, count: int, height: float, names: Sequence[str], footer: str
) -> tuple[Figure, Axes, Sequence[Axes]]:
    """(figure, room for a key, a panel for each encoder over the same epochs)."""
    row = marks.key_height(names, lines=True)
    figure = style.chart(row + height * count, title, footer)
    top, *panels = figure.subplots(1 + count, 1, height_ratios=[row, *[height] * count])
    for axes in panels:
        axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
        axes.grid(axis="y")
    panels[-1].set_xlabel("epoch")
    return figure, top, panels


@style.house
def sets(title: str, results: Mapping[str, Factors], footer: str, palette: style.Palette) -> Figure:
    """For each encoder the diameters of its invariance sets and the margins around them: median and the middle 80 %."""
    names = list(results)
    keys = ["diameter of a set", "margin to the next set"]
    row = marks.key_height(keys, lines=True)
    figure = style.chart(row + 0.5 * len(names) + 0.6, title, footer)
    top, axes = figure.subplots(2, 1, height_ratios=[row, 0.5 * len(names) + 0.5])
    marks.key(top, keys, [marks.line(k, palette) for k in (0, 1)])
    for place, name in enumerate(names):
        for k, quantiles in enumerate((results[name].diameter, results[name].margin)):
            y, look = place + 0.3 * k - 0.15, marks.line(k, palette)
            axes.plot([quantiles.q10, quantiles.q90], [y, y], color=look["color"], ls=look["ls"], lw=2)
            axes.plot([quantiles.q50], [y], color=look["color"], marker=look["marker"], ms=8)
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
            look: marks.Look = {"ls": (0, (1.5, 1.5)), "lw": 0.8} if behind else {"ls": "-", "lw": 1.4}
            axes.plot(x[[i, j], 0], x[[i, j], 1], color=palette.lines[0], **look)
    for front, face, order in ((False, "white", 3), (True, palette.lines[3 % len(palette.lines)], 4)):
        own = x[(x[:, 2] >= 0) == front]
        axes.plot(own[:, 0], own[:, 1], "o", ms=7, mfc=face, mec=style.INK, zorder=order)
    axes.set(xlim=(-1.1, 1.1), ylim=(-1.1, 1.1), aspect="equal")
