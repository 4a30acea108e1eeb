"""Scatter plots: colors and markers by kind, and numbers that do not overlap.

N points, K kinds (classes or clusters); places in units of the map.
"""

from collections.abc import Mapping

import numpy as np
from matplotlib.axes import Axes

from visrep.figures import marks, style

ACROSS, DOWN = style.WIDTH - 0.15, 3.4  # inches of a map
ROUNDS = 5  # in which kinds are plotted by turns, so that none covers all others


def scatter(axes: Axes, places: np.ndarray, kinds: np.ndarray, palette: style.Palette) -> bool:
    """Plot ``places`` (N, 2); where they are a single point, print that and return False."""
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set(visible=True, color="#dddddd")
    size = float(np.interp(len(places), (100, 1000, 10_000), (5, 3.4, 1.6)))  # points
    for start in range(ROUNDS):
        for k in np.unique(kinds).tolist():
            x, y = places[kinds == k][start::ROUNDS].T
            axes.plot(x, y, gid=str(k), alpha=0.8, ms=size, mew=0.5, **marks.point(k, palette))
    low, high = (places.min(0), places.max(0)) if len(places) else (np.zeros(2), np.zeros(2))
    several = bool((high > low).any())
    if not several:
        text = ("no points", "one point", f"all {len(places):,} points coincide")[min(len(places), 2)]
        axes.text(0.5, 0.6, text, transform=axes.transAxes, ha="center")
    inch = 1.08 * max((high - low) / (ACROSS, DOWN)) if several else 1.0  # in units of the map
    (left, right), (bottom, top) = ((low + high) / 2 + np.outer((-0.5, 0.5), (ACROSS, DOWN)) * inch).T
    axes.set(xlim=(left, right), ylim=(bottom, top))
    return several


def apart(starts: np.ndarray, widths: np.ndarray, height: float, top: float) -> np.ndarray:
    """Where words of ``widths`` (K,) begin that would begin at ``starts`` (K, 2): moved up or down until none covers
    another, between 0 and ``top``."""
    places, middles = starts.astype(float), starts[:, 0] + widths / 2
    meet = np.abs(np.subtract.outer(middles, middles)) < np.add.outer(widths, widths) / 2  # (K, K)
    np.fill_diagonal(meet, False)
    first = np.tri(len(places), k=-1, dtype=bool)  # of words at one height the later goes up
    for _ in range(1000):
        gaps = np.subtract.outer(places[:, 1], places[:, 1])
        ways = np.where((gaps > 0) | ((gaps == 0) & first), 1, -1)
        push = meet * ways * np.clip(height - np.abs(gaps), 0, None)
        if np.abs(push).max() < 1e-3:
            break
        places[:, 1] = np.clip(places[:, 1] + push.sum(1) / 2, height / 2, top - height / 2)
    return places


def numbers(axes: Axes, places: np.ndarray, clusters: np.ndarray, centroids: Mapping[int, int]) -> None:
    """The number of each cluster where its centroid is, or beside it where another stands there."""
    box = {"boxstyle": "circle,pad=0.2", "fc": "white", "ec": style.INK}
    shown = np.unique(clusters).tolist()
    at = [places[centroids[k]] if k in centroids else np.median(places[clusters == k], axis=0) for k in shown]
    (left, right), (bottom, _) = axes.get_xlim(), axes.get_ylim()
    inch = (right - left) / ACROSS
    starts = (np.array(at) - (left, bottom)) / inch
    written = apart(starts, np.full(len(shown), 0.24), 0.24, DOWN) * inch + (left, bottom)
    for k, (x, y) in zip(shown, written, strict=True):
        axes.text(x, y, str(k), ha="center", va="center", fontweight="bold", fontsize=style.SMALL, bbox=box, zorder=4)
