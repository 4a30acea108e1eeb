"""A sheet of small images with words, as long as it needs to be. All places are in inches from the top left."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from visrep.data.store import ImageSet
from visrep.figures import style

ACROSS = 5  # tiles beside each other: more are too small on a phone
TICK = 0.15  # inches, of the mark before a caption
MARGIN, GAP, SIDE = 0.08, 0.07, 0.22  # around everything, between tiles, for the name of a row
MARKS = {True: "✓ ", False: "✗ ", None: ""}


class Tile(NamedTuple):
    """``image`` (H, W, 3) uint8 over its caption; framed and marked where it stands for a right or a wrong answer."""

    image: np.ndarray
    caption: str = ""
    right: bool | None = None


class Band(NamedTuple):
    """Rows of tiles below a heading; ``sides`` name the rows and ``tops`` the columns."""

    heading: str
    rows: Sequence[Sequence[Tile]]
    sides: Sequence[str] = ()
    tops: Sequence[str] = ()


def tile_width(columns: int, sided: bool = False) -> float:
    """Inches."""
    return (style.WIDTH - 2 * MARGIN - SIDE * sided + GAP) / columns - GAP


@style.house
def sheet(title: str, bands: Sequence[Band], columns: int, footer: str, palette: style.Palette) -> Figure:
    """Bands below each other, ``columns`` tiles across."""
    page = _Page(palette)
    page.write(title, style.TITLE, bold=True)
    for band in bands:
        page.y += 1.5 * GAP
        page.write(band.heading, style.BASE)
        page.tops(band.tops, columns, bool(band.sides))
        for place, row in enumerate(band.rows):
            page.row(row, columns, band.sides[place] if band.sides else None)
    page.y += GAP
    page.write(footer, style.SMALL, color=style.PALE)
    return page.finished()


class _Page:
    """A figure whose axes count inches, written from the top; ``y`` is how far down it is."""

    def __init__(self, palette: style.Palette) -> None:
        self.figure = Figure(figsize=(style.WIDTH, 1))
        self.axes = self.figure.add_axes((0, 0, 1, 1))
        self.axes.axis("off")
        self.palette = palette
        self.y = MARGIN

    def write(self, text: str, size: float, bold: bool = False, color: str = style.INK) -> None:
        """A paragraph over the whole width, if there is text."""
        if not text:
            return
        text = style.wrapped(text, size, style.WIDTH - 2 * MARGIN, bold)
        weight = "bold" if bold else "normal"
        self.axes.text(MARGIN, self.y, text, size=size, weight=weight, color=color, va="top", linespacing=1.2)
        self.y += style.LINE * size * (1 + text.count("\n")) + 0.04

    def tops(self, names: Sequence[str], columns: int, sided: bool) -> None:
        """A name above each column."""
        for place, name in enumerate(names):
            centre = self._left(place, columns, sided) + tile_width(columns, sided) / 2
            self.axes.text(centre, self.y, name, size=style.SMALL, ha="center", va="top")
        if names:
            self.y += style.LINE * style.SMALL * (1 + max(name.count("\n") for name in names)) + 0.03

    def row(self, tiles: Sequence[Tile], columns: int, side: str | None) -> None:
        """Tiles beside each other, with the name of the row turned at their left."""
        width = tile_width(columns, side is not None)
        if side:
            self.axes.text(MARGIN, self.y + width / 2, side, size=style.SMALL, rotation=90, va="center", ha="left")
        for place, tile in enumerate(tiles):
            self._tile(tile, self._left(place, columns, side is not None), width)
        lines = max((1 + tile.caption.count("\n") for tile in tiles if tile.caption), default=0)
        self.y += width + style.LINE * style.SMALL * lines + GAP

    def finished(self) -> Figure:
        """The figure, cut to what was written."""
        height = self.y + MARGIN / 2
        self.figure.set_size_inches(style.WIDTH, height)
        self.axes.set(xlim=(0, style.WIDTH), ylim=(height, 0))
        return self.figure

    def _left(self, place: int, columns: int, sided: bool) -> float:
        return MARGIN + SIDE * sided + place * (tile_width(columns, sided) + GAP)

    def _tile(self, tile: Tile, x: float, width: float) -> None:
        place = (x, x + width, self.y + width, self.y)
        self.axes.imshow(tile.image, extent=place, aspect="auto", interpolation="nearest")
        if tile.right is not None:
            color, dash = (self.palette.right, "-") if tile.right else (self.palette.wrong, (0, (2, 1)))
            self.axes.add_patch(Rectangle((x, self.y), width, width, fill=False, ec=color, ls=dash, lw=2))
        words, below = MARKS[tile.right] + tile.caption, self.y + width + 0.03
        self.axes.text(x + width / 2, below, words, size=style.SMALL, ha="center", va="top", linespacing=1.15)


def in_rows(tiles: Sequence[Tile], across: int = ACROSS) -> list[Sequence[Tile]]:
    return [tiles[i : i + across] for i in range(0, len(tiles), across)]


def in_turns(labels: np.ndarray, indices: np.ndarray, count: int) -> np.ndarray:
    """At most ``count`` of the ascending ``indices``: the first of each class, the second of each, and so on."""
    classes, ranks = labels[indices], np.zeros(len(indices), int)
    for k in np.unique(classes):
        ranks[classes == k] = np.arange((classes == k).sum())
    return indices[np.lexsort((classes, ranks))[:count]]


def class_name(data: ImageSet, k: int, across: int = ACROSS) -> str:
    """A class's name, cut to fit below a tile and leave room for a mark."""
    return style.fitted(data.classes[k], style.SMALL, tile_width(across) - TICK)
