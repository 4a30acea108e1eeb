"""Images beside the ones that lie nearest to them, and farthest from them, in an embedding.

Q queries, N training images, F found for each query.
"""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from visrep.data.store import ImageSet
from visrep.figures import style
from visrep.figures.sheet import Band, Tile, sheet, tile_width

BESIDE = 5  # found images beside a query: more are too small on a phone
ACROSS = 5  # hubs beside each other
MARK = 0.15  # inches


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


def _band(which: str, data: ImageSet, queries: np.ndarray, found: np.ndarray) -> Band:
    if not found.size:
        return Band(f"No {which} images: there was nothing to ask or to find.", [])
    labels, width = data.train.labels, tile_width(1 + BESIDE)
    same = labels[found] == data.test.labels[queries, None]  # (Q, F)
    rows = []
    for query, line, alike in zip(queries, found, same, strict=True):
        asked = Tile(data.test.images[query], _name(data, data.test.labels[query], width))
        tiles = [
            Tile(data.train.images[i], _name(data, labels[i], width - MARK), bool(a))
            for i, a in zip(line, alike, strict=True)
        ]
        rows.append([asked, *tiles])
    heading = f"The {found.shape[1]} {which} training images, from left to right: {same.sum():,} of {same.size:,} are"
    heading += " of the query's class (✓), the others of another (✗)."
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
    """Training images that come up again and again: ``appearances`` counts by index for how many of ``queries`` test
    images it is among the ``each`` that are ``which``, "nearest" or "farthest"."""
    tiles = []
    for i, count in appearances.items():
        name = _name(data, data.train.labels[i], tile_width(ACROSS))
        tiles.append(Tile(data.train.images[i], f"{name}\n{count:,}\n({100 * count / queries:.2g} %)"))
    mean = queries * each / len(data.train.labels)
    heading = f"The training images that are most often among a test image's {each} {which}. Below each: for how many"
    heading += f" of {queries:,} test images. The average over all training images is {mean:.2g}."
    rows = [tiles[i : i + ACROSS] for i in range(0, len(tiles), ACROSS)]
    footer = style.foot(data.source, len(data.train.labels), "training images")
    bands = [Band(heading if tiles else "There was nothing to ask.", rows)]
    return sheet(title, bands, ACROSS, footer, palette)


def _name(data: ImageSet, k: int, width: float) -> str:
    return style.fitted(data.classes[k], style.SMALL, width)
