"""Embeddings in two dimensions: every image a point, its class or cluster told by colour and marker.

N points, K classes or clusters. The axes of such maps mean nothing, so none are drawn: only who lies near whom counts.
"""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from scipy.optimize import linear_sum_assignment

from visrep.figures import cloud, looks, style

FEW = 10  # points, of which a percentage would say too much
BY_CLUSTER = "By cluster, found without labels, with its most frequent class"


@style.house
def embedding_map(
    title: str,
    points: pd.DataFrame,
    captions: Mapping[str, str],
    classes: Sequence[str],
    footer: str,
    palette: style.Palette,
) -> Figure:
    """Maps below each other, in the order of ``captions``, their words by map. ``points`` has a row for each point of
    each map: map, x, y, class (a name)."""
    names = looks.cut(classes)
    said = [style.wrapped(caption, style.BASE, cloud.ACROSS) for caption in captions.values()]
    words = style.LINE * style.BASE * sum(1 + text.count("\n") for text in said)
    key = looks.key_height(names, lines=False)
    figure = style.chart(key + len(captions) * (cloud.DOWN + 0.15) + words, title, footer)
    top, *panels = figure.subplots(1 + len(captions), 1, height_ratios=[key, *[cloud.DOWN] * len(captions)])
    looks.key(top, names, [looks.point(k, palette) for k in range(len(names))])
    for axes, name, caption in zip(panels, captions, said, strict=True):
        shown = points[points["map"] == name]
        places, kinds = _places(shown), _kinds(shown, classes)
        axes.set_title(caption, loc="left")
        cloud.scatter(axes, places, kinds, palette)
    return figure


@style.house
def clusters(
    title: str,
    points: pd.DataFrame,
    centroids: Mapping[int, int],
    classes: Sequence[str],
    footer: str,
    palette: style.Palette,
) -> Figure:
    """One map twice: by cluster, each with its number and its most frequent class, and by class. ``points`` has x, y,
    class (a name) and cluster (0 to K - 1). ``centroids`` tells by cluster which row is nearest to its centroid, where
    the number stands; a cluster without has it at its median. A cluster looks like the class it is matched with."""
    names, count = looks.cut(classes), max([*centroids, *points["cluster"]]) + 1
    places, kinds, found = _places(points), _kinds(points, classes), points["cluster"].to_numpy(int)
    said = [f"{k}: {_mostly(kinds[found == k], names)}" for k in range(count)]
    order = matched(found, kinds, count, len(names))
    keys = [looks.key_height(words, lines=False) for words in (said, names)]
    figure = style.chart(sum(keys) + 2 * (cloud.DOWN + 0.4), title, footer)
    first, above, second, below = figure.subplots(4, 1, height_ratios=[keys[0], cloud.DOWN, keys[1], cloud.DOWN])
    first.set_title(style.wrapped(BY_CLUSTER, style.BASE, cloud.ACROSS), loc="left")
    second.set_title("The same points by class", loc="left")
    looks.key(first, said, [looks.point(k, palette) for k in order])
    looks.key(second, names, [looks.point(k, palette) for k in range(len(names))])
    if cloud.scatter(above, places, np.take(order, found), palette):
        cloud.numbers(above, places, found, centroids)
    cloud.scatter(below, places, kinds, palette)
    return figure


def matched(found: np.ndarray, kinds: np.ndarray, clusters: int, classes: int) -> list[int]:
    """For each cluster a class of its own, so that as many points as can be are of the class of their cluster; numbers
    beyond the classes where there are more clusters."""
    counts = np.zeros((clusters, max(clusters, classes)), int)
    np.add.at(counts, (found, kinds), 1)
    order: list[int] = linear_sum_assignment(counts, maximize=True)[1].tolist()
    return order


def _places(points: pd.DataFrame) -> np.ndarray:
    """(N, 2)."""
    return np.column_stack([points["x"], points["y"]]).astype(float)


def _kinds(points: pd.DataFrame, classes: Sequence[str]) -> np.ndarray:
    """(N,) the number of each point's class."""
    return np.array([classes.index(name) for name in points["class"]], int)


def _mostly(kinds: np.ndarray, names: Sequence[str]) -> str:
    """The most frequent class; the first of those equally frequent."""
    counts = np.bincount(kinds, minlength=len(names))
    if not len(kinds):
        return "empty"
    share = f"{100 * counts.max() / len(kinds):.0f} %" if len(kinds) >= FEW else f"{counts.max()} of {len(kinds)}"
    return f"{names[int(counts.argmax())]} {share}"
