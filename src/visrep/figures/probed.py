"""How a linear probe came about: epoch by epoch, or by the strength that held-out images chose."""

from collections.abc import Mapping
from typing import Any

import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullLocator

from visrep.figures import looks, style

CURVES = {"train_accuracy": "training images", "test_accuracy": "test images"}


@style.house
def probe(title: str, told: Mapping[str, Any], footer: str, palette: style.Palette) -> Figure:
    """What a probe's details tell of its making, with the best constant answer: accuracy on training and test images by
    epoch (sgd), or on held-out images under each strength, the chosen one circled (logistic)."""
    names = [*(CURVES.values() if "history" in told else ["held-out images"]), "always the most frequent class"]
    row = looks.key_height(names, lines=True)
    figure = style.chart(row + 3.2, title, footer)
    top, axes = figure.subplots(2, 1, height_ratios=[row, 2.9])
    chance = {"color": style.INK, "ls": (0, (1, 2)), "marker": ""}
    looks.key(top, names, [*[looks.line(k, palette) for k in range(len(names) - 1)], chance])
    axes.axhline(told["chance"], lw=1.2, **chance)
    if "history" in told:
        _epochs(axes, pd.DataFrame(told["history"]), palette)
    else:
        _strengths(axes, {float(s): right for s, right in told["held_out"].items()}, told["strength"], palette)
    style.percent(axes)
    return figure


def _epochs(axes: Axes, history: pd.DataFrame, palette: style.Palette) -> None:
    for k, column in enumerate(CURVES):
        axes.plot(history["epoch"], history[column], clip_on=False, **looks.line(k, palette))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.set_xlabel("epoch")


def _strengths(axes: Axes, right: Mapping[float, float], chosen: float, palette: style.Palette) -> None:
    axes.set_xlabel("penalty on half the squared weights")
    axes.set_xscale("log")
    if not right:
        axes.text(0.5, 0.6, "nothing to choose by", transform=axes.transAxes, ha="center")
        return
    strengths = sorted(right)
    axes.plot(strengths, [right[s] for s in strengths], clip_on=False, **looks.line(0, palette))
    axes.plot([chosen], [right[chosen]], "o", ms=12, mfc="none", mec=style.INK, mew=1.4, clip_on=False)
    axes.set_xticks(strengths, [f"{s:g}" for s in strengths])
    axes.xaxis.set_minor_locator(NullLocator())
