"""The classifier: learning curves, confusion matrices, scores by class, confident mistakes.

N images, K classes; accuracies in percent.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.ticker import MaxNLocator
from scipy.special import softmax

from visrep.data.store import ImageSet
from visrep.figures import style
from visrep.figures.sheet import ACROSS, Band, Tile, class_name, in_rows, sheet
from visrep.measures.classification import MACRO, WEIGHTED, ClassScore
from visrep.settings.figures import Figures

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
        image = _matrix(axes, table, palette)
        axes.set_xticks(range(len(names)), names, rotation=90 if label > cell else 0)
        axes.set_yticks(range(len(names)), names)
        axes.set(xlabel="predicted", ylabel="true")
        axes.set_title(heading, loc="left", fontweight="bold")
    bar = figure.colorbar(image, ax=panels[-1], location="bottom", fraction=0.04, aspect=40, pad=0.02)
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
def report(rows: Sequence[ClassScore], footer: str, palette: style.Palette) -> Figure:
    """Precision, recall and F1 of each class with its support; the means, if any, come last."""
    table = pd.DataFrame([vars(row) for row in rows])
    figure = style.chart(0.27 * len(table) + 1.1, "Precision, recall and F1 by class", footer)
    axes = figure.subplots()
    places = np.arange(len(table))
    values = table[list(SCORES)]
    axes.hlines(places, values.min(axis=1), values.max(axis=1), color="#bbbbbb", lw=2)
    for place, (score, marker) in enumerate(SCORES.items()):
        color = palette.lines[place]
        face = color if score == "f1" else "white"
        name = "F1" if score == "f1" else score
        axes.plot(table[score], places, marker, color=color, mfc=face, mew=1.5, ms=6, label=name, clip_on=False)
    means = table.label.isin([MACRO, WEIGHTED])
    if means.any():
        axes.axhline(len(table) - means.sum() - 0.5, color=style.PALE, lw=1)
    axes.set_yticks(places, [style.fitted(name, style.SMALL, 1.2) for name in table.label])
    axes.set(ylim=(len(table) - 0.5, -0.5), xlim=(min(90, 10 * (values.min(axis=None) // 10)), 100), xlabel="percent")
    axes.grid(axis="x")
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1), ncols=3, borderaxespad=0, handlelength=1, columnspacing=1.2)
    beside: dict[str, Any] = {"ha": "right", "fontsize": style.SMALL, "annotation_clip": False}
    axes.annotate("images", (1.2, 1), (0, 4), xycoords="axes fraction", textcoords="offset points", **beside)
    for row, support in enumerate(table.support):
        axes.annotate(f"{support:,}", (1.2, row), xycoords=("axes fraction", "data"), va="center_baseline", **beside)
    return figure


@style.house
def learning(history: pd.DataFrame, chosen: int, footer: str, palette: style.Palette) -> Figure:
    """Loss and accuracy on training and validation images by epoch; ``chosen`` is the selected epoch."""
    kept = history[history.epoch == chosen].iloc[0]
    figure = style.chart(5.4, f"Learning curves: epoch {chosen} is selected", footer)
    above, below = figure.subplots(2, 1, sharex=True)
    for axes, kind in ((above, "loss"), (below, "accuracy")):
        for part, name, color, marker, dash in (
            ("train", "training", palette.lines[0], "o", style.DASHES[0]),
            ("val", "validation", palette.lines[1], "s", style.DASHES[1]),
        ):
            look = {"color": color, "marker": marker, "ls": dash, "clip_on": False}
            axes.plot(history.epoch, history[f"{part}_{kind}"], label=name, **look)
        axes.axvline(chosen, color=style.PALE, lw=1, ls=":", zorder=1)
        axes.plot([chosen], [kept[f"val_{kind}"]], "o", ms=12, mfc="none", mec=style.INK, mew=1.4, clip_on=False)
    above.set_title(f"Loss: {kept.val_loss:.3f} on validation images, epoch {chosen}", loc="left")
    below.set_title(f"Accuracy: {kept.val_accuracy:.1f} % on validation images, epoch {chosen}", loc="left")
    above.set(ylabel="cross entropy (nats)", ylim=(0, None))
    above.grid(axis="y")
    style.percent(below)
    below.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    below.set_xlabel("epoch")
    above.legend(loc="best", frameon=True, edgecolor="none")
    return figure


def confident_mistakes(labels: np.ndarray, shares: np.ndarray, count: int) -> np.ndarray:
    """Indices of at most ``count`` wrong answers of ``shares`` (N, K), the most confident first."""
    wrong = np.flatnonzero(shares.argmax(1) != labels)
    return wrong[np.argsort(-shares[wrong].max(1), kind="stable")[:count]]


def misclassified(data: ImageSet, logits: np.ndarray, settings: Figures) -> Figure:
    """The most confident wrong answers of ``logits`` (N, K), with the two highest probabilities."""
    labels, shares = data.test.labels, softmax(logits.astype(np.float64), axis=1)
    picked = confident_mistakes(labels, shares, settings.examples)
    wrong = int((shares.argmax(1) != labels).sum())
    tiles = []
    for i in picked:
        first, second = np.argsort(-shares[i], kind="stable")[:2]
        lines = [
            ("true", class_name(data, labels[i])),
            *((class_name(data, k), _percent(shares[i, k])) for k in (first, second)),
        ]
        tiles.append(Tile(data.test.images[i], "\n".join(_pair(data, *line) for line in lines)))
    heading = f"{wrong:,} test images are wrong; these {len(picked)} with the most confidence."
    heading += " Below each: the true class, then the two most probable ones."
    bands = [Band(heading if wrong else "No test image is wrong.", in_rows(tiles))]
    footer = style.foot(data.source, len(labels), "test images")
    return sheet("Confident mistakes", bands, ACROSS, footer, style.PALETTES[settings.palette])


def _pair(data: ImageSet, left: str, right: str) -> str:
    """``left: right``, on two lines where the classes have long names."""
    return f"{left}:{' ' if max(map(len, data.classes)) <= 2 else chr(10)}{right}"


def _percent(share: float) -> str:
    return "> 99.9 %" if share > 0.9995 else "< 0.1 %" if share < 0.0005 else f"{100 * share:.1f} %"
