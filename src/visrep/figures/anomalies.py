"""Which images look foreign, and how well scores tell foreign images from familiar ones.

N images.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from visrep.figures import looks, style
from visrep.figures.sheet import Band, Tile, sheet, tile_width

ACROSS = 4  # tiles beside each other: the name of a set fits below one
MARK = 0.15  # inches
SIDE = 3.2  # inches of a panel
CHANCE = "chance"
KINDS = {"mnist": "Handwritten digits", "svhn": "Street digits"}  # what the sets of foreign images are of
SAME = 1e-5  # of the largest score: closer than that they differ by rounding


def most_anomalous(
    title: str,
    ranked: Mapping[str, Sequence[Mapping[str, Any]]],
    images: Mapping[str, np.ndarray],
    familiar: str,
    footer: str,
    palette: style.Palette,
) -> Figure:
    """A band for each list of ``ranked``, by words for what it ranks ("all 4,297 images"): the highest scores first, as
    set, index and score. ``images`` (N, H, W, 3) by set; those not of ``familiar`` are marked as right."""
    width, bands = tile_width(ACROSS), []
    for among, rows in ranked.items():
        tiles = []
        for row in rows:
            name = style.fitted(row["set"], style.SMALL, width - MARK)
            words, foreign = f"{name}\n{row['score']:#.4g}", row["set"] != familiar
            tiles.append(Tile(images[row["set"]][row["index"]], words, foreign))
        strangers = sum(bool(tile.right) for tile in tiles)
        heading = f"The {len(tiles)} highest scores of {among}: {strangers} of foreign images (✓),"
        heading += f" {len(tiles) - strangers} of {familiar} (✗)."
        scores = [row["score"] for row in rows]
        if len(rows) > 1 and max(scores) - min(scores) <= SAME * abs(max(scores)):
            heading += " They are equal, so their order means nothing."
        bands.append(Band(heading, [tiles[i : i + ACROSS] for i in range(0, len(tiles), ACROSS)]))
    return sheet(title, bands, ACROSS, footer, palette)


@style.house
def roc(
    title: str,
    curves: pd.DataFrame,
    areas: Mapping[str, Mapping[str, float]],
    floors: Sequence[str],
    footer: str,
    palette: style.Palette,
) -> Figure:
    """A panel for each set of anomalies, with a line for each encoder, largest area first in its legend. ``curves`` has
    a row for each threshold: encoder, anomalies, fpr, tpr (shares; anomalies are the positives). ``areas`` holds the
    AUROC in percent by set and encoder. ``floors`` names those encoders that learned nothing: pale and thin."""
    lines = _lines_of(list(dict.fromkeys(curves["encoder"])), floors, palette)
    height = looks.key_height([f"99.9 {name}" for name in looks.cut(list(lines), looks.LONG)], lines=True)
    figure = style.chart(len(areas) * (SIDE + height + 1.0), title, footer)
    panels = figure.subplots(2 * len(areas), 1, height_ratios=[height, SIDE] * len(areas))
    for top, axes, (foreign, found) in zip(panels[::2], panels[1::2], areas.items(), strict=True):
        values = {**found, CHANCE: 50.0}
        ranked = sorted(values, key=lambda name: -values[name])
        names = looks.cut(ranked, looks.LONG)
        words = [f"{values[name]:.1f} {short}" for name, short in zip(ranked, names, strict=True)]
        looks.key(top, words, [lines[name] for name in ranked])
        said = f"{KINDS.get(foreign, foreign)}: area under the curve (AUROC, %)"
        top.set_title(style.wrapped(said, style.BASE, 3.6), loc="left")
        for place, name in enumerate(ranked):
            rows = curves[(curves["anomalies"] == foreign) & (curves["encoder"] == name)]
            x, y = ((0, 1), (0, 1)) if name == CHANCE else (rows["fpr"], rows["tpr"])
            marks = (0.03 * place, 0.35)  # along the line: markers of lines that run together do not meet
            axes.plot(100 * np.asarray(x), 100 * np.asarray(y), gid=name, markevery=marks, **lines[name])
        style.percent(axes, "foreign images found (%)")
        axes.set(xlim=(0, 100), xlabel="false alarms among familiar images (%)")
    return figure


def _lines_of(names: Sequence[str], floors: Sequence[str], palette: style.Palette) -> dict[str, looks.Look]:
    """The look of each encoder's line."""
    learned = [name for name in names if name not in floors]
    found = {name: looks.line(k, palette) for k, name in enumerate(learned)}
    pale: looks.Look = {"color": style.PALE, "lw": 1, "mfc": "white"}
    rest = [name for name in names if name in floors]
    found |= {name: looks.line(k + 1, palette) | pale for k, name in enumerate(rest)}
    return found | {CHANCE: {"color": style.INK, "lw": 1, "ls": (0, (1, 2))}}
