"""Images with the highest anomaly scores, and ROC curves.

N images.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from visrep.evaluations import anomaly
from visrep.figures import marks, style
from visrep.figures.sheet import TICK, Band, Tile, in_rows, sheet, tile_width

STRANGE = 4  # tiles beside each other: the name of a set fits below one
SIDE = 3.2  # inches of a panel
CHANCE = "chance"
SAME = 1e-5  # of the largest score: closer than that they differ by rounding


def most_anomalous(
    title: str,
    among: str,
    rows: Sequence[anomaly.Strange],
    images: Mapping[str, np.ndarray],
    called: Mapping[str, str],
    footer: str,
    palette: style.Palette,
) -> Figure:
    """The highest scores of all images, ``among`` how many ("all 4,297 images"), first to last. ``images`` (N, H, W, 3)
    and what they are ``called`` by set; those that are not normal are marked as right."""
    width, familiar = tile_width(STRANGE), called[anomaly.NORMAL]
    tiles = []
    for row in rows:
        name = style.fitted(called[row.set], style.SMALL, width - TICK)
        words, foreign = f"{name}\n{row.score:#.4g}", row.set != anomaly.NORMAL
        tiles.append(Tile(images[row.set][row.index], words, foreign))
    strangers = sum(bool(tile.right) for tile in tiles)
    heading = f"The {len(tiles)} highest scores of {among}: {strangers} of anomalies (✓),"
    heading += f" {len(tiles) - strangers} of {familiar} (✗)."
    scores = [row.score for row in rows]
    if len(rows) > 1 and max(scores) - min(scores) <= SAME * abs(max(scores)):
        heading += " They are equal, so their order is arbitrary."
    return sheet(title, [Band(heading, in_rows(tiles, STRANGE))], STRANGE, footer, palette)


@style.house
def roc(
    title: str, results: Mapping[str, anomaly.Result], baselines: Sequence[str], footer: str, palette: style.Palette
) -> Figure:
    """A panel for each set of anomalies, with a line for each encoder by name, largest area first in its legend.
    ``baselines`` are pale and thin."""
    lines = marks.lines(list(results), baselines, palette) | {CHANCE: {"color": style.INK, "lw": 1, "ls": (0, (1, 2))}}
    sets = [one.set for one in next(iter(results.values())).anomalous]
    height = marks.key_height([f"99.9 {name}" for name in marks.cut(list(lines), marks.LONG)], lines=True)
    figure = style.chart(len(sets) * (SIDE + height + 1.0), title, footer)
    panels = figure.subplots(2 * len(sets), 1, height_ratios=[height, SIDE] * len(sets))
    for top, axes, foreign in zip(panels[::2], panels[1::2], sets, strict=True):
        areas = {name: result.of(foreign).auroc.value for name, result in results.items()} | {CHANCE: anomaly.CHANCE}
        ranked = sorted(areas, key=lambda name: -areas[name])
        names = marks.cut(ranked, marks.LONG)
        words = [f"{areas[name]:.1f} {short}" for name, short in zip(ranked, names, strict=True)]
        marks.key(top, words, [lines[name] for name in ranked])
        heading = f"{anomaly.words(foreign).capitalize()}: area under the curve (AUROC, %)"
        top.set_title(style.wrapped(heading, style.BASE, 3.6), loc="left")
        for place, name in enumerate(ranked):
            x, y = ((0.0, 1.0), (0.0, 1.0)) if name == CHANCE else _curve(results[name], foreign)
            every = (0.03 * place, 0.35)  # offsets, so that markers of coinciding lines do not overlap
            axes.plot(100 * np.asarray(x), 100 * np.asarray(y), gid=name, markevery=every, **lines[name])
        style.percent(axes, "detected anomalies (%)")
        axes.set(xlim=(0, 100), xlabel="false alarms among normal images (%)")
    return figure


def _curve(result: anomaly.Result, foreign: str) -> tuple[Sequence[float], Sequence[float]]:
    (curve,) = (curve for curve in result.curves if curve.anomalies == foreign)
    return curve.fpr, curve.tpr
