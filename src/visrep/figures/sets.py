"""What a set of images looks like, training above test."""

import numpy as np
from matplotlib.figure import Figure

from visrep.data.store import ImageSet
from visrep.figures import style
from visrep.figures.sheet import ACROSS, Band, Tile, class_name, in_rows, in_turns, sheet
from visrep.settings.figures import Figures


def examples(title: str, data: ImageSet, settings: Figures) -> Figure:
    """The first images of each class, of both splits."""
    bands = []
    for name, part in (("training", data.train), ("test", data.test)):
        picked = in_turns(part.labels, np.arange(len(part.labels)), settings.examples)
        tiles = [Tile(part.images[i], class_name(data, part.labels[i])) for i in picked]
        bands.append(Band(f"{len(part.labels):,} {name} images, such as these {len(tiles)}:", in_rows(tiles)))
    return sheet(title, bands, ACROSS, f"Data: {data.source}.", style.PALETTES[settings.palette])
