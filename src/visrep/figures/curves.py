"""Lines: what changes over epochs and over radii.

K classes, R radii; accuracies in percent; epsilon in the units of the network's input, [-1, 1].
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from visrep.data.pixels import LEVELS
from visrep.figures import style

ATTACKS = {"noise": "noise", "fgsm": "FGSM", "pgd": "PGD"}
TRAINING = "train_attacked_accuracy"
HARDENING = {  # columns of the history of a defence
    "val_clean": "clean, held out",
    "val_fgsm": "FGSM, held out",
    "val_pgd": "PGD, held out",
    TRAINING: "attacked, training",
}
EPSILON = "radius ε of the attack (inputs lie in [-1, 1])"
GREY_LEVELS = "ε in grey levels of 255"


@style.house
def learning(history: pd.DataFrame, chosen: int, footer: str, palette: style.Palette) -> Figure:
    """Loss and accuracy on training and held-out images by epoch; ``chosen`` is the epoch that was kept."""
    kept = history[history.epoch == chosen].iloc[0]
    figure = style.chart(5.4, f"Learning curves: epoch {chosen} is kept", footer)
    above, below = figure.subplots(2, 1, sharex=True)
    for axes, kind in ((above, "loss"), (below, "accuracy")):
        for part, name, color, marker, dash in (
            ("train", "training", palette.lines[0], "o", style.DASHES[0]),
            ("val", "held out", palette.lines[1], "s", style.DASHES[1]),
        ):
            look = {"color": color, "marker": marker, "ls": dash, "clip_on": False}
            axes.plot(history.epoch, history[f"{part}_{kind}"], label=name, **look)
        axes.axvline(chosen, color=style.PALE, lw=1, ls=":", zorder=1)
        axes.plot([chosen], [kept[f"val_{kind}"]], "o", ms=12, mfc="none", mec=style.INK, mew=1.4, clip_on=False)
    above.set_title(f"Loss: {kept.val_loss:.3f} held out at epoch {chosen}", loc="left")
    below.set_title(f"Accuracy: {kept.val_accuracy:.1f} % held out at epoch {chosen}", loc="left")
    above.set(ylabel="cross entropy (nats)", ylim=(0, None))
    above.grid(axis="y")
    style.percent(below)
    below.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    below.set_xlabel("epoch")
    above.legend(loc="best", frameon=True, edgecolor="none")
    return figure


@style.house
def hardening(history: pd.DataFrame, chosen: int, footer: str, palette: style.Palette) -> Figure:
    """Accuracy of a classifier in defence training by epoch, on held-out images that are clean and attacked and on the
    attacked images it learns from; ``chosen`` is the epoch that was kept."""
    kept = history[history.epoch == chosen].iloc[0]
    figure = style.chart(4.4, f"Learning to withstand: epoch {chosen} is kept", footer)
    axes, below = figure.subplots(2, 1, height_ratios=[8, 1.5])
    for place, (column, name) in enumerate(HARDENING.items()):
        dash, marker = style.DASHES[place % len(style.DASHES)], style.MARKERS[place]
        look = {"color": palette.lines[place % len(palette.lines)], "ls": dash, "marker": marker, "clip_on": False}
        axes.plot(history.epoch, history[column], label=name, **look)
        if column != TRAINING:
            axes.plot([chosen], [kept[column]], "o", ms=12, mfc="none", mec=style.INK, mew=1.4, clip_on=False)
    axes.axvline(chosen, color=style.PALE, lw=1, ls=":", zorder=1)
    style.percent(axes)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.set_xlabel("epoch")
    below.axis("off")
    below.legend(*axes.get_legend_handles_labels(), loc="upper center", ncols=2, borderpad=0, columnspacing=1)
    return figure


@style.house
def robustness(
    curves: Mapping[str, pd.DataFrame], details: Mapping[str, Mapping[str, Any]], footer: str, palette: style.Palette
) -> Figure:
    """Accuracy against radius of each classifier by name, under noise, FGSM and PGD, with 95 % intervals, the chance
    line, and the gates that failed. ``curves`` and ``details`` are the files that the sweep wrote."""
    figure = style.chart(5.2, "Accuracy as noise and attacks grow", footer)
    axes, below = figure.subplots(2, 1, height_ratios=[8, 2.5])
    reach = max(float(curve[curve.attack == "noise"].epsilon.max()) for curve in curves.values())
    for place, (name, curve) in enumerate(curves.items()):
        color, filled = palette.lines[place % len(palette.lines)], place == 0
        for attack, dash, marker in zip(ATTACKS, style.DASHES, style.MARKERS, strict=False):
            rows = curve[(curve.attack == attack) & (curve.epsilon <= reach)]
            look = {"color": color, "ls": dash, "marker": marker, "mfc": color if filled else "white", "clip_on": False}
            axes.plot(rows.epsilon, rows.accuracy, label=f"{ATTACKS[attack]}, {name}", **look)
            axes.fill_between(rows.epsilon, rows.low, rows.high, color=color, alpha=0.2, lw=0)
    chance = max(detail["chance"] for detail in details.values())
    floor = axes.axhline(chance, color=style.INK, lw=1.2, ls=(0, (1, 2)), marker="")
    _radii(axes, reach)
    failed = [line for name, detail in details.items() for line in _failed(name, detail["gates"])]
    if failed:
        verdict = style.wrapped("\n".join(failed), style.SMALL, style.WIDTH - 0.9)
        box = {"edgecolor": palette.wrong, "facecolor": "white", "lw": 1.5}
        axes.set_title(verdict, loc="left", fontsize=style.SMALL, x=0, pad=12, bbox=box)
        figure.set_figheight(figure.get_figheight() + style.LINE * style.SMALL * (verdict.count("\n") + 3))
    below.axis("off")
    tight: dict[str, Any] = {"borderpad": 0, "columnspacing": 1}
    below.add_artist(below.legend(*axes.get_legend_handles_labels(), loc="upper center", ncols=len(curves), **tight))
    below.legend([floor], [f"always the most frequent class: {chance:.1f}"], loc="lower center", **tight)
    return figure


def _failed(name: str, gates: Iterable[Mapping[str, Any]]) -> list[str]:
    """A line for each gate that failed."""
    return [
        f"GATE FAILED, {name} classifier: {gate['name'].replace('_', ' ')}: {gate['says']}"
        for gate in gates
        if not gate["passed"]
    ]


def _radii(axes: Axes, reach: float) -> None:
    """Axes of accuracy against radius, in input units below and grey levels above."""
    style.percent(axes)
    axes.set_xlim(0, reach)
    axes.margins(x=0.02)
    axes.set_xlabel(EPSILON)
    top = axes.secondary_xaxis("top", functions=(lambda x: np.multiply(x, LEVELS), lambda x: np.divide(x, LEVELS)))
    top.set_xlabel(GREY_LEVELS)


@style.house
def per_class(
    shares: Mapping[str, np.ndarray],
    radii: Sequence[float],
    classes: Sequence[str],
    footer: str,
    palette: style.Palette,
) -> Figure:
    """Accuracy of each class against radius, one panel a classifier, by name; ``shares`` (1 + R, K), clean first."""
    figure = style.chart(3.1 * len(shares) + 0.3, "Which classes withstand FGSM, and how far", footer)
    panels = figure.subplots(len(shares), 1, sharex=True, squeeze=False)[:, 0]
    for axes, (name, table) in zip(panels, shares.items(), strict=True):
        for k, line in enumerate(table.T):
            axes.plot((0, *radii), line, **_line(k, palette), clip_on=False)
        _ends(axes, max(radii), table[-1], [style.fitted(label, style.SMALL, 1.2) for label in classes], palette)
        style.percent(axes)
        axes.set_xlim(0, max(radii))
        axes.set_title(f"{name} classifier", loc="left", fontweight="bold")
    panels[-1].set_xlabel(EPSILON)
    return figure


def _line(k: int, palette: style.Palette) -> dict[str, Any]:
    """Colour, dash and marker of the k-th line: no two of the first ten agree in all three."""
    cycles = {"color": palette.lines, "ls": style.DASHES, "marker": style.MARKERS}
    return {"ms": 4.5} | {name: cycle[k % len(cycle)] for name, cycle in cycles.items()}


def _ends(axes: Axes, x: float, values: np.ndarray, names: Sequence[str], palette: style.Palette) -> None:
    """The marker and name of each line at its end, pushed apart where they would overlap."""
    shown = [k for k in range(len(names)) if np.isfinite(values[k])]
    near, far = 1.06 * x, 1.09 * x
    for k, y in zip(shown, spread(values[shown], 6.5, 0, 100), strict=True):
        axes.plot((x, near), (values[k], y), color="#bbbbbb", lw=0.7, clip_on=False, zorder=1)
        axes.plot([near], [y], clip_on=False, **_line(k, palette))
        axes.text(far, y, names[k], va="center_baseline", fontsize=style.SMALL)


def spread(values: np.ndarray, gap: float, low: float, high: float) -> np.ndarray:
    """(K,) places near ``values``, at least ``gap`` apart where K of them fit between ``low`` and ``high``."""
    order = np.argsort(values, kind="stable")
    places = values[order].astype(float)
    for i in range(len(places)):
        places[i] = max(places[i], low if i == 0 else places[i - 1] + gap)
    for i in reversed(range(len(places))):
        places[i] = min(places[i], high if i == len(places) - 1 else places[i + 1] - gap)
    return places[np.argsort(order)]
