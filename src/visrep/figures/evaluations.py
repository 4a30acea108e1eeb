"""Figures of evaluations: probes, maps, clusters, nearest and farthest images, and all encoders side by side.

N images or points, K classes or clusters, Q queries, R evaluations.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, cast

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.ticker import MaxNLocator, NullLocator
from scipy.optimize import linear_sum_assignment

from visrep.data.store import ImageSet
from visrep.evaluations import dimensions
from visrep.evaluations.probe import Epoch, Strength
from visrep.evaluations.probe import Result as Probe
from visrep.figures import cloud, marks, style
from visrep.figures.sheet import TICK, Band, Tile, sheet, tile_width
from visrep.records import Interval, Number

CURVES = ("training images", "test images")


@style.house
def probe(title: str, result: Probe, footer: str, palette: style.Palette) -> Figure:
    """Training of a probe: accuracy on training and test images by epoch (sgd), or its selection: accuracy on
    validation images by strength, the selected one circled (logistic)."""
    names = [*(CURVES if result.history else ["validation images"]), "always the most frequent class"]
    row = marks.key_height(names, lines=True)
    figure = style.chart(row + 3.2, title, footer)
    top, axes = figure.subplots(2, 1, height_ratios=[row, 2.9])
    chance = {"color": style.INK, "ls": (0, (1, 2)), "marker": ""}
    marks.key(top, names, [*[marks.line(k, palette) for k in range(len(names) - 1)], chance])
    axes.axhline(result.chance, lw=1.2, **chance)
    if result.history:
        _epochs(axes, result.history, palette)
    else:
        _strengths(axes, result.validated, result.strength, palette)
    style.percent(axes)
    return figure


def _epochs(axes: Axes, history: Sequence[Epoch], palette: style.Palette) -> None:
    epochs = [row.epoch for row in history]
    curves = [[row.train_accuracy for row in history], [row.test_accuracy for row in history]]
    for k, accuracies in enumerate(curves):
        axes.plot(epochs, accuracies, clip_on=False, **marks.line(k, palette))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.set_xlabel("epoch")


def _strengths(axes: Axes, validated: Sequence[Strength], chosen: float | None, palette: style.Palette) -> None:
    axes.set_xlabel("penalty on half the squared weights")
    axes.set_xscale("log")
    if not validated:
        axes.text(0.5, 0.6, "no validation images", transform=axes.transAxes, ha="center")
        return
    rows = sorted(validated, key=lambda row: row.strength)
    axes.plot([r.strength for r in rows], [r.accuracy for r in rows], clip_on=False, **marks.line(0, palette))
    kept = [row for row in rows if row.strength == chosen]
    ring: marks.Look = {"ms": 12, "mfc": "none", "mec": style.INK, "mew": 1.4, "clip_on": False}
    axes.plot([row.strength for row in kept], [row.accuracy for row in kept], "o", **ring)
    axes.set_xticks([row.strength for row in rows], [f"{row.strength:g}" for row in rows])
    axes.xaxis.set_minor_locator(NullLocator())


FEW = 10  # points, of which a percentage would say too much
BY_CLUSTER = "By cluster of k-means, with its most frequent class"


class Map(NamedTuple):
    """``places`` (N, 2) of points, and the ``caption`` above them."""

    caption: str
    places: np.ndarray


@style.house
def embedding_map(
    title: str,
    maps: Sequence[Map],
    kinds: np.ndarray,
    classes: Sequence[str],
    footer: str,
    palette: style.Palette,
) -> Figure:
    """Maps of the same points below each other; ``kinds`` (N,) are the numbers of their classes."""
    names = marks.cut(classes)
    captions = [style.wrapped(each.caption, style.BASE, cloud.ACROSS) for each in maps]
    words = style.LINE * style.BASE * sum(1 + text.count("\n") for text in captions)
    key = marks.key_height(names, lines=False)
    figure = style.chart(key + len(maps) * (cloud.DOWN + 0.15) + words, title, footer)
    top, *panels = figure.subplots(1 + len(maps), 1, height_ratios=[key, *[cloud.DOWN] * len(maps)])
    marks.key(top, names, [marks.point(k, palette) for k in range(len(names))])
    for axes, each, caption in zip(panels, maps, captions, strict=True):
        axes.set_title(caption, loc="left")
        cloud.scatter(axes, each.places, kinds, palette)
    return figure


@style.house
def clusters(
    title: str,
    places: np.ndarray,
    kinds: np.ndarray,
    clusters: np.ndarray,
    centroids: Mapping[int, int],
    classes: Sequence[str],
    footer: str,
    palette: style.Palette,
) -> Figure:
    """One map ``places`` (N, 2) twice: by ``clusters`` (N,) from 0 on, each with its number and its most frequent
    class, and by class ``kinds`` (N,). ``centroids`` holds by cluster the point nearest to its centroid, where its
    number stands; a cluster without one has it at its median. A cluster has the color of the class it is matched
    with."""
    names, count = marks.cut(classes), max([*centroids, *clusters]) + 1
    names_of_clusters = [f"{k}: {_mostly(kinds[clusters == k], names)}" for k in range(count)]
    order = matched(clusters, kinds, count, len(names))
    keys = [marks.key_height(words, lines=False) for words in (names_of_clusters, names)]
    figure = style.chart(sum(keys) + 2 * (cloud.DOWN + 0.4), title, footer)
    first, above, second, below = figure.subplots(4, 1, height_ratios=[keys[0], cloud.DOWN, keys[1], cloud.DOWN])
    first.set_title(style.wrapped(BY_CLUSTER, style.BASE, cloud.ACROSS), loc="left")
    second.set_title("The same points by class", loc="left")
    marks.key(first, names_of_clusters, [marks.point(k, palette) for k in order])
    marks.key(second, names, [marks.point(k, palette) for k in range(len(names))])
    if cloud.scatter(above, places, np.take(order, clusters), palette):
        cloud.numbers(above, places, clusters, centroids)
    cloud.scatter(below, places, kinds, palette)
    return figure


def matched(clusters: np.ndarray, kinds: np.ndarray, count: int, classes: int) -> list[int]:
    """For each cluster a class of its own, so that as many points as can be are of the class of their cluster; numbers
    beyond the classes where there are more clusters."""
    counts = np.zeros((count, max(count, classes)), int)
    np.add.at(counts, (clusters, kinds), 1)
    order: list[int] = linear_sum_assignment(counts, maximize=True)[1].tolist()
    return order


def _mostly(kinds: np.ndarray, names: Sequence[str]) -> str:
    """The most frequent class; the first of those equally frequent."""
    counts = np.bincount(kinds, minlength=len(names))
    if not len(kinds):
        return "empty"
    share = f"{100 * counts.max() / len(kinds):.0f} %" if len(kinds) >= FEW else f"{counts.max()} of {len(kinds)}"
    return f"{names[int(counts.argmax())]} {share}"


BESIDE = 5  # retrieved images beside a query: more are too small on a phone
HUBS = 5  # beside each other


def neighbors(
    title: str, data: ImageSet, queries: np.ndarray, nearest: np.ndarray, farthest: np.ndarray, palette: style.Palette
) -> Figure:
    """A row for each of ``queries`` (Q,), indices of test images: it, and beside it the first five of ``nearest``,
    (Q, F) indices of training images; below, the same of ``farthest``. Marked by whether they are of its class."""
    bands = [
        _band("nearest", data, queries, nearest[:, :BESIDE]),
        _band("farthest", data, queries, farthest[:, :BESIDE]),
    ]
    asked = f"Queries: {len(queries):,} test images."
    footer = style.foot(data.source, len(data.train.labels), "training images", asked)
    return sheet(title, bands, 1 + BESIDE, footer, palette)


def _band(which: str, data: ImageSet, queries: np.ndarray, retrieved: np.ndarray) -> Band:
    if not retrieved.size:
        return Band(f"No {which} images: there are no queries or no training images.", [])
    labels, width = data.train.labels, tile_width(1 + BESIDE)
    same = labels[retrieved] == data.test.labels[queries, None]  # (Q, F)
    rows = []
    for query, line, alike in zip(queries, retrieved, same, strict=True):
        asked = Tile(data.test.images[query], _name(data, data.test.labels[query], width))
        tiles = [
            Tile(data.train.images[i], _name(data, labels[i], width - TICK), bool(a))
            for i, a in zip(line, alike, strict=True)
        ]
        rows.append([asked, *tiles])
    heading = f"The {retrieved.shape[1]} {which} training images, from left to right: {same.sum():,} of {same.size:,} "
    heading += "are of the query's class (✓), the others of another (✗)."
    return Band(heading, rows, tops=("query", which))


def hubs(
    title: str,
    data: ImageSet,
    which: str,
    each: int,
    appearances: Mapping[int, int],
    queries: int,
    palette: style.Palette,
) -> Figure:
    """Training images that are retrieved most often: ``appearances`` counts by index for how many of ``queries`` test
    images it is among the ``each`` that are ``which``, "nearest" or "farthest"."""
    tiles = []
    for i, count in appearances.items():
        name = _name(data, data.train.labels[i], tile_width(HUBS))
        tiles.append(Tile(data.train.images[i], f"{name}\n{count:,}\n({100 * count / queries:.2g} %)"))
    mean = queries * each / len(data.train.labels)
    heading = f"The training images that are most often among a test image's {each} {which}. Below each: for how many"
    heading += f" of {queries:,} test images. The average over all training images is {mean:.2g}."
    rows = [tiles[i : i + HUBS] for i in range(0, len(tiles), HUBS)]
    footer = style.foot(data.source, len(data.train.labels), "training images")
    bands = [Band(heading if tiles else "There are no queries.", rows)]
    return sheet(title, bands, HUBS, footer, palette)


def _name(data: ImageSet, k: int, width: float) -> str:
    return style.fitted(data.classes[k], style.SMALL, width)


@style.house
def by_width(
    title: str,
    results: Mapping[str, dimensions.Result],
    baselines: Sequence[str],
    footer: str,
    palette: style.Palette,
) -> Figure:
    """Accuracy against the number of dimensions, with a line for each encoder by name. The accuracy with all features
    of a baseline is at the end of its line."""
    looks = marks.lines(list(results), baselines, palette)
    names = marks.cut(list(results), marks.LONG)
    height = marks.key_height(names, lines=True)
    figure = style.chart(height + 3.6, title, footer)
    top, axes = figure.subplots(2, 1, height_ratios=[height, 3.4])
    marks.key(top, names, [looks[name] for name in results])
    for name, result in results.items():
        axes.plot([p.width for p in result.points], [p.accuracy for p in result.points], gid=name, **looks[name])
    first = next(iter(results.values()))
    axes.axhline(first.chance, color=style.PALE, ls=(0, (4, 2)), lw=1)
    widths = sorted({point.width for result in results.values() for point in result.points})
    axes.set_xscale("log", base=2)
    axes.set_xticks(widths, [f"{width:,}" for width in widths], rotation=45)
    axes.minorticks_off()
    axes.set(xlabel="dimensions", ylabel="accuracy on test images (%)", ylim=(0, 100))
    return figure


ROW = 0.34  # inches of an encoder
NAMES = 1.45  # inches that names take
TITLE = 0.4  # inches of a panel's title


class Panel(NamedTuple):
    """``readings``: (E,) values by evaluation, those with an interval as `Interval`; ``chance`` is a line."""

    title: str
    readings: Mapping[str, Sequence[Number]]
    chance: float | None


@style.house
def rows(
    title: str,
    names: Sequence[str],
    baselines: Sequence[str],
    panels: Sequence[Panel],
    footer: str,
    palette: style.Palette,
) -> Figure:
    """Panels below each other, the encoders in the order of ``names``, the ``baselines`` in pale italics."""
    heights: list[float] = []
    for panel in panels:
        heights += [TITLE + marks.key_height(_keys(panel), lines=True), 0.45 + ROW * len(names)]
    figure = style.chart(sum(heights) + 0.4, title, footer)
    # Parts of their own, so that a key may reach below the names to the left of its chart.
    parts = cast("Sequence[SubFigure]", figure.subfigures(len(heights), 1, height_ratios=heights, squeeze=False).flat)
    places = [part.subplots() for part in parts]
    for panel, above, axes in zip(panels, places[::2], places[1::2], strict=True):
        _panel(panel, names, baselines, above, axes, palette)
    return figure


def _keys(panel: Panel) -> list[str]:
    return [*panel.readings, *(["chance"] if panel.chance is not None else [])]


def _panel(
    panel: Panel, names: Sequence[str], baselines: Sequence[str], above: Axes, axes: Axes, palette: style.Palette
) -> None:
    chosen = [marks.point(k, palette) for k in range(len(panel.readings))]
    line: marks.Look = {"color": style.PALE, "ls": (0, (4, 2)), "marker": ""}
    marks.key(above, _keys(panel), [*chosen, *([line] if panel.chance is not None else [])])
    above.set_title(panel.title, loc="left")
    shifts = np.linspace(-0.18, 0.18, len(chosen)) if len(chosen) > 1 else [0.0]
    for look, shift, values in zip(chosen, shifts, panel.readings.values(), strict=True):
        places = np.arange(len(names)) + shift
        ends = [value if isinstance(value, Interval) else Interval(value, value, value) for value in values]
        middle, low, high = np.array([(end.value, end.low, end.high) for end in ends]).T
        axes.hlines(places, low, high, color=look["color"], lw=1.2)
        axes.plot(middle, places, **look)
    if panel.chance is not None:
        axes.axvline(panel.chance, color=line["color"], ls=line["ls"], lw=1)
    axes.set(ylim=(len(names) - 0.5, -0.5))
    axes.set_xlim(left=min(0.0, axes.get_xlim()[0]))
    axes.set_yticks(range(len(names)), [_wrapped(name) for name in names])
    for name, label in zip(names, axes.get_yticklabels(), strict=True):
        label.set(style="italic", color=style.PALE) if name in baselines else None
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x")


def _wrapped(name: str) -> str:
    """Broken into lines, each of which fits."""
    return "\n".join(marks.cut(style.wrapped(name, style.SMALL, NAMES).split("\n")))
