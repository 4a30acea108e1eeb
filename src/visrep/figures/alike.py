"""Images of drawn shapes beside the ones that an encoder finds most alike, and what they have in common.

Q queries, k neighbours of each, 4 factors.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.figure import Figure

from visrep.data.store import ImageSet, Split
from visrep.figures import style
from visrep.figures.sheet import Band, Tile, sheet

BESIDE = 5  # neighbours beside a query: more are too small on a phone
TOPS = ("query", "nearest", "2nd", "3rd", "4th", "5th")
NOT = "·"  # a factor that is not shared


def neighbors(
    title: str,
    data: ImageSet,
    shown: Mapping[str, tuple[Split, Sequence[Mapping[str, Any]]]],
    shares: Mapping[str, Mapping[str, float]],
    footer: str,
    palette: style.Palette,
) -> Figure:
    """A band for each kind of images, by name: their split, and queries with the training images that are ``near``,
    nearest first. Below each neighbour stands what it shares with its query. ``shares`` is the percent of neighbours of
    all images of that kind that share each factor."""
    columns = 1 + min(BESIDE, max(len(query["near"]) for _, queries in shown.values() for query in queries))
    bands = []
    for kind, (split, queries) in shown.items():
        said = ", ".join(f"{name} {share:.0f}\xa0%" for name, share in shares[kind].items())
        heading = f"Queries are {kind}. Of the neighbours of all {len(split.labels):,} this many share: {said}."
        rows = [_row(data, split, query, columns - 1) for query in queries]
        bands.append(Band(heading, rows, tops=TOPS[:columns]))
    return sheet(title, bands, columns, footer, palette)


def _row(data: ImageSet, split: Split, query: Mapping[str, Any], count: int) -> list[Tile]:
    own = split.factors[query["query"]]
    near = query["near"][:count]
    tiles = [Tile(data.train.images[i], shared(list(data.factors), data.train.factors[i] == own)) for i in near]
    return [Tile(split.images[query["query"]], "shared:"), *tiles]


def shared(names: Sequence[str], same: np.ndarray) -> str:
    """A line for each factor: its name where it is shared."""
    return "\n".join(name if alike else NOT for name, alike in zip(names, same, strict=True))
