"""Figures of embeddings: every point in its place and color, the words that were asked for, nothing that breaks on
collapsed embeddings, few images or many classes."""

import dataclasses
import json
import re
import subprocess
import sys
from collections.abc import Callable, Mapping
from itertools import combinations, permutations
from pathlib import Path

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from drawn import legible, words
from stages import figures_shapes, figures_training
from visrep.data import store
from visrep.data.store import ImageSet
from visrep.evaluations import anomaly, dimensions, maps
from visrep.evaluations import probe as probes
from visrep.evaluations.anomaly import Strange
from visrep.figures import anomalies, cloud, evaluations, marks, representations, style
from visrep.figures.evaluations import Map, Panel
from visrep.records import Interval
from visrep.representations.methods import simclr, vicreg
from visrep.representations.results import Axis, Curve
from visrep.stage import params

ROOT = Path(__file__).parents[1]
PARAMS = ROOT / "params.yaml"
SOURCE = "drawn by a test: /a/source/with_a_name_that_is_longer_than_a_line_can_be.zip"
LONG = ("ambulance", "automobile, red", "bird", "grasshopper sparrow", "cat", "x", "motor scooter (large)", "W" * 30)
CLASSES = (*LONG, "10", "eleven", "twelve", "WWWWWWWWWW")
COUNT, DPI = 60, 40
OKABE = style.PALETTES["okabe_ito"]
FOOT = style.foot(SOURCE, COUNT, "test images")
TERMS = ("invariance", "variance", "covariance")
CURVES = [Curve(name, name) for name in ("loss", *TERMS)]
VICREG = vicreg.reporting(params.read("vicreg", vicreg.Settings, PARAMS, "pretraining")).panels
SIMCLR = simclr.reporting(params.read("simclr", simclr.Settings, PARAMS, "pretraining")).panels


def images(classes: tuple[str, ...]) -> ImageSet:
    """Training image ``i`` is filled with grey level ``i``, test image ``i`` with 100 + ``i``; labels go round, those
    of test images one ahead."""
    levels = np.arange(COUNT, dtype=np.uint8)[:, None, None, None]
    train, test = (
        store.split(
            np.broadcast_to(levels + first, (COUNT, 32, 32, 3)), (np.arange(COUNT) + first // 100) % len(classes)
        )
        for first in (0, 100)
    )
    return ImageSet(train, test, classes, SOURCE, {})


def points(classes: tuple[str, ...], spread: float = 1.0, seed: int = 0) -> pd.DataFrame:
    """Two maps of the same 60 images."""
    random, labels = np.random.default_rng(seed), np.arange(COUNT) % len(classes)
    tables = [
        pd.DataFrame(
            {"map": name, "x": xy[:, 0], "y": xy[:, 1], "class": np.array(classes)[labels], "index": range(COUNT)}
        )
        for name, xy in (
            ("PCA", spread * random.standard_normal((COUNT, 2))),
            ("t-SNE", spread * random.random((COUNT, 2))),
        )
    ]
    return pd.concat(tables, ignore_index=True)


CAPTIONS = {
    "t-SNE": "t-SNE: trustworthiness 0.97",
    "PCA": "PCA: 31 % of the variance, which is not much, so that it wraps",
}


def kinds(table: pd.DataFrame, classes: tuple[str, ...]) -> np.ndarray:
    return np.array([classes.index(name) for name in table["class"]], int)


def mapped(
    table: pd.DataFrame,
    classes: tuple[str, ...],
    captions: Mapping[str, str] = CAPTIONS,
    palette: style.Palette = OKABE,
    title: str = "t",
) -> Figure:
    """The maps of a table, in the order of ``captions``."""
    parts = {name: table[table["map"] == name] for name in captions}
    each = [Map(captions[name], part[["x", "y"]].to_numpy(float)) for name, part in parts.items()]
    return evaluations.embedding_map(title, each, kinds(next(iter(parts.values())), classes), classes, FOOT, palette)


def clustered(
    table: pd.DataFrame,
    centroids: dict[int, int],
    classes: tuple[str, ...],
    palette: style.Palette = OKABE,
    title: str = "t",
) -> Figure:
    """One map of a table with a column ``cluster``."""
    places, found = table[["x", "y"]].to_numpy(float), table["cluster"].to_numpy(int)
    return evaluations.clusters(title, places, kinds(table, classes), found, centroids, classes, FOOT, palette)


def history(epochs: int, seed: int = 0, zero: bool = False) -> pd.DataFrame:
    random = np.random.default_rng(seed)
    table = {"epoch": np.arange(1, epochs + 1), "lr": np.full(epochs, 0.1)}
    for part in ("train", "test"):
        for name in ("loss", *TERMS):
            table[f"{part}_{name}"] = np.zeros(epochs) if zero else random.uniform(0.1, 1.0, epochs)
    table["effective_rank"] = np.ones(epochs) if zero else random.uniform(1, 16, epochs)
    table["std"] = np.zeros(epochs) if zero else random.uniform(0.1, 1.0, epochs)
    return pd.DataFrame(table)


def found_first(epochs: int, zero: bool = False) -> pd.DataFrame:
    """A history of SimCLR."""
    table = history(epochs, zero=zero)
    for part in ("train", "test"):
        told = {"loss_chance": 6.2, "loss_bound": 3.1, "positive_top1": 40.0, "positive_top1_chance": 0.2}
        table = table.assign(**{f"{part}_{name}": value for name, value in told.items()})
    return table


def probe(epochs: int | None = None, held_out: dict[float, float] | None = None) -> probes.Result:
    """What a probe of ``epochs`` or of strengths tells."""
    interval = Interval(50.0, 40.0, 60.0)
    rows = [probes.Epoch(k, 90 - 40 / k, 70 - 30 / k, 1.0) for k in range(1, (epochs or 0) + 1)]
    return probes.Result(
        metrics=probes.Metrics(interval, interval, interval, 50.0),
        n=COUNT,
        source=SOURCE,
        chance=12.5,
        labelled=COUNT,
        method="logistic" if epochs is None else "sgd",
        strength=0.01 if epochs is None else None,
        validated=tuple(probes.Strength(*pair) for pair in (held_out or {}).items()),
        history=tuple(rows),
        per_class=(),
    )


STRENGTHS = {0.1: 30.0, 0.01: 61.0, 1e-05: 55.0}


def spectrum(dimensions: int, collapsed: bool = False) -> list[Axis]:
    """Shares that halve, or one direction that holds everything."""
    share = np.eye(1, dimensions)[0] if collapsed else 0.5 ** np.arange(1, dimensions + 1)
    return [Axis(k, 1.0, float(part)) for k, part in enumerate(share / share.sum(), 1)]


def panels(encoders: int, collapsed: bool = False) -> list[Panel]:
    """Of readings with intervals, and of plain ones."""
    random = np.random.default_rng(4)
    values = [
        [Interval(0.0, 0.0, 0.0) if collapsed else Interval(v, v - 3, v + 3) for v in random.uniform(10, 90, encoders)]
        for _ in "ab"
    ]
    return [
        Panel("Named rightly, %", {"linear probe": values[0], "nearest neighbors": values[1]}, 10.0),
        Panel("Clusters", {"silhouette": [interval.value for interval in values[1]]}, None),
    ]


def steps(count: int, zero: bool = False) -> pd.DataFrame:
    places = {name: 0.0 if zero and name != "variance" else place for place, name in enumerate(("loss", *TERMS))}
    rows = [
        {"step": step} | {name: 0.0 if zero and name != "variance" else 1.0 / step + k for name, k in places.items()}
        for step in range(1, count + 1)
    ]
    return pd.DataFrame(rows)


def roc(encoders: int, sets: tuple[str, ...] = ("handwritten_digits", "street_digits")) -> dict[str, anomaly.Result]:
    """Curves tpr = fpr ** p, whose areas are 1 / (1 + p)."""
    fpr, found = np.linspace(0, 1, 30), {}
    for k in range(encoders):
        powers = {name: 0.1 + 0.3 * ((k + place) % encoders) for place, name in enumerate(sets)}
        areas = {name: 100 / (1 + power) for name, power in powers.items()}
        found[f"encoder {k}"] = anomaly.Result(
            metrics={},
            n=COUNT,
            source=SOURCE,
            way="raw, 2 nearest",
            validated=300,
            anomalous=tuple(
                anomaly.Anomalous(name, name[:4], COUNT, SOURCE, Interval(area, area - 1, area + 1), 50.0, 50.0)
                for name, area in areas.items()
            ),
            scores=(),
            by_class=(),
            alarms=(),
            curves=tuple(
                anomaly.Roc(name, tuple(fpr.tolist()), tuple((fpr**power).tolist())) for name, power in powers.items()
            ),
            most_anomalous=(),
        )
    return found


def by_width(encoders: int) -> dict[str, dimensions.Result]:
    """Encoder k reads 10 + k % in one dimension, and k more in each further; the first has 1,000 besides."""
    found = {}
    for k in range(encoders):
        places = [1, 2, 4, *([1000] if k == 0 else [])]
        points = tuple(dimensions.Point(width, 10.0 + k * width % 90, 5.0, 95.0) for width in places)
        found[f"encoder {k}"] = dimensions.Result({}, COUNT, SOURCE, 10.0, points)
    return found


CALLED = {"test": "objects", "handwritten_digits": "handwritten", "street_digits": "street"}


def ranked(scores: Mapping[str, float]) -> list[Strange]:
    return [Strange(name.split()[0], int(name.split()[1]), score) for name, score in scores.items()]


def drawings(classes: tuple[str, ...], palette: style.Palette, poor: bool = False) -> dict[str, Callable[[], Figure]]:
    """Every kind of figure; ``poor`` are those of a collapsed embedding, of which little is there."""
    data, table = images(classes), points(classes, 0.0 if poor else 1.0)
    chart = table[table["map"] == "t-SNE"].assign(cluster=0 if poor else np.arange(COUNT) % 11)
    results = roc(1, ("handwritten_digits",)) if poor else roc(11)
    found = np.arange(0 if poor else 10).reshape(2, -1)
    pixels = {"test": data.test.images, "handwritten_digits": data.train.images}
    scored = ranked(
        {"test 3": 1.0, "handwritten_digits 5": 1.0} if poor else {"handwritten_digits 2": 3.14159, "test 3": 1e-4}
    )
    epochs, queries, title = 1 if poor else 30, np.array([0, 1]), "A title that goes on for longer than one line can"
    runs = {f"{name} run": history(epochs, seed, poor) for seed, name in enumerate(CLASSES)}
    return {
        "map": lambda: mapped(table, classes, palette=palette, title=title),
        "clusters": lambda: clustered(chart, {} if poor else {0: 7}, classes, palette, title),
        "neighbors": lambda: evaluations.neighbors(title, data, queries, found, found + 20, palette),
        "hubs": lambda: evaluations.hubs(title, data, "farthest", 5, {} if poor else {4: 50, 2: 3}, COUNT, palette),
        "most": lambda: anomalies.most_anomalous(title, "all", scored, pixels, CALLED, FOOT, palette),
        "none": lambda: anomalies.most_anomalous(title, "none", [], pixels, CALLED, FOOT, palette),
        "roc": lambda: anomalies.roc(title, results, ("encoder 0", "encoder 3"), FOOT, palette),
        "widths": lambda: evaluations.by_width(title, by_width(1 if poor else 11), ("encoder 0",), FOOT, palette),
        "rows": lambda: evaluations.rows(title, list(runs), list(runs)[:2], panels(len(runs), poor), FOOT, palette),
        "history": lambda: representations.history(title, history(epochs, zero=poor), VICREG, 16, FOOT, palette),
        "collapse": lambda: representations.collapse(title, runs, 16, FOOT, palette),
        "found": lambda: representations.history(title, found_first(epochs, poor), SIMCLR, 16, FOOT, palette),
        "steps": lambda: representations.steps(title, steps(1 if poor else 150, poor), CURVES, FOOT, palette),
        "sgd": lambda: evaluations.probe(title, probe(epochs), FOOT, palette),
        "logistic": lambda: evaluations.probe(title, probe(held_out={} if poor else STRENGTHS), FOOT, palette),
        "spectra": lambda: representations.spectra(title, {name: spectrum(16, poor) for name in runs}, FOOT, palette),
    }


def unwrapped(figure: Figure) -> str:
    return " ".join(words(figure).split())


def tiles(figure: Figure) -> list[int]:
    """The grey levels of the images in a sheet."""
    return [int(np.asarray(image.get_array())[0, 0, 0]) for image in figure.axes[0].get_images()]


def line(axes: Axes, gid: str) -> Line2D:
    return next(line for line in axes.get_lines() if line.get_gid() == gid)


def ends(line: Line2D) -> np.ndarray:
    """(N, 2)."""
    return np.column_stack([np.asarray(part, float) for part in line.get_data()])


def look(line: Line2D) -> tuple[str, ...]:
    face = line.get_markerfacecolor()
    return (str(line.get_color()), str(line.get_marker()), str(face), str(line.get_linestyle()))


def drawn(axes: Axes, k: int) -> set[tuple[float, float]]:
    """Where the k-th kind of a map has points."""
    parts = [ends(line) for line in axes.get_lines() if line.get_gid() == str(k)]
    return {(float(x), float(y)) for x, y in np.concatenate(parts)}


def key(axes: Axes) -> dict[str, Line2D]:
    """A legend's handles by their words."""
    legend = axes.get_legend()
    assert legend is not None
    handles = [handle for handle in legend.legend_handles if isinstance(handle, Line2D)]
    return {text.get_text(): handle for text, handle in zip(legend.get_texts(), handles, strict=True)}


@pytest.mark.parametrize("classes", [CLASSES[:1], tuple("0123456789"), CLASSES])
def test_points_lie_in_their_places_in_the_looks_that_the_legend_names(classes: tuple[str, ...]) -> None:
    for palette in style.PALETTES.values():
        table = points(classes)
        top, *panels = mapped(table, classes, palette=palette).axes
        assert [axes.get_title(loc="left")[:5] for axes in panels] == ["t-SNE", "PCA: "]
        handles = list(key(top).values())
        assert len({look(handle) for handle in handles}) == len(classes) == len(handles)
        for axes, name in zip(panels, CAPTIONS, strict=True):
            for k, label in enumerate(classes):
                rows = table[(table["map"] == name) & (table["class"] == label)]
                assert drawn(axes, k) == set(zip(rows["x"], rows["y"], strict=True))
                assert look(line(axes, str(k)))[:3] == look(handles[k])[:3]
            (left, right), (low, high) = axes.get_xlim(), axes.get_ylim()
            assert (right - left) / (high - low) == pytest.approx(cloud.ACROSS / cloud.DOWN)
            rows = table[table["map"] == name]
            assert (
                left < rows["x"].min() and rows["x"].max() < right and low < rows["y"].min() and rows["y"].max() < high
            )


def test_no_class_is_drawn_on_top_of_all_others() -> None:
    axes = mapped(points(("a", "b")), ("a", "b"), {"PCA": "PCA"}).axes[1]
    turns = [line.get_gid() for line in axes.get_lines() if line.get_gid()]
    assert turns[:4] == ["0", "1", "0", "1"]


def test_classes_are_named_in_the_key_alone() -> None:
    top, *panels = mapped(points(("left", "right")), ("left", "right")).axes
    assert set(key(top)) == {"left", "right"}
    assert not any(axes.texts for axes in panels)


def test_words_move_up_and_down_until_none_covers_another() -> None:
    random = np.random.default_rng(0)
    crowds = [np.zeros((12, 2)), np.full((12, 2), 3.3), random.normal(1.7, 0.1, (12, 2)), random.random((12, 2)) * 3]
    for starts in crowds:
        widths = random.uniform(0.1, 1.5, 12)
        places = cloud.apart(starts, widths, 0.17, 3.4)
        np.testing.assert_array_equal(places[:, 0], starts[:, 0])
        for i, j in combinations(range(12), 2):
            beside = places[i, 0] + widths[i] <= places[j, 0] or places[j, 0] + widths[j] <= places[i, 0]
            assert beside or abs(places[i, 1] - places[j, 1]) > 0.16
        assert places[:, 1].min() >= 0.08 and places[:, 1].max() <= 3.32
    alone = np.array([[0.0, 1.0], [2.0, 1.0], [0.0, 2.0]])
    np.testing.assert_array_equal(cloud.apart(alone, np.ones(3), 0.17, 3.4), alone)


def test_a_collapsed_map_says_so_and_one_that_is_only_small_does_not() -> None:
    said = words(mapped(points(("a", "b"), 0.0), ("a", "b")))
    assert said.count("all 60 points coincide") == 2
    small = mapped(points(("a", "b"), 1e-9), ("a", "b"))
    assert "coincide" not in words(small)
    for rows, text in ((0, "no points"), (1, "one point")):
        few = mapped(points(("a",))[:rows], ("a",), {"PCA": "PCA"})
        assert text in words(few).split("\n")


def test_clusters_look_like_the_class_they_are_matched_with() -> None:
    classes = ("a", "b", "c")
    table = points(classes)[:COUNT].assign(cluster=(np.arange(COUNT) + 1) % 3)  # class k is cluster k + 1
    table.loc[0, "cluster"] = 0  # class a, among 20 of class c
    figure = clustered(table, {0: 5, 2: 7}, classes)
    first, above, second, below = figure.axes
    said, named = key(first), key(second)
    assert list(said) == ["0: c 95 %", "1: a 100 %", "2: b 100 %"] and list(named) == list(classes)
    for words_, name in zip(said, "cab", strict=True):
        assert look(said[words_]) == look(named[name])
    for cluster, k in ((0, 2), (1, 0), (2, 1)):
        rows = table[table["cluster"] == cluster]
        assert drawn(above, k) == set(zip(rows["x"], rows["y"], strict=True))
    rows = table[table["class"] == "b"]
    assert drawn(below, 1) == set(zip(rows["x"], rows["y"], strict=True))
    places = {text.get_text(): text.get_position() for text in above.texts}
    own = [table.loc[5, ["x", "y"]], table.loc[table["cluster"] == 1, ["x", "y"]].median(), table.loc[7, ["x", "y"]]]
    inch = np.ptp(above.get_xlim()) / cloud.ACROSS
    for number, (x, y) in enumerate(own):  # up or down at most, where another number is in the way
        assert places[str(number)][0] == pytest.approx(x)
        assert abs(places[str(number)][1] - y) < 0.25 * inch


def test_numbers_of_one_place_do_not_cover_each_other() -> None:
    table = points(("a", "b"))[:COUNT].assign(cluster=np.arange(COUNT) % 2)
    above = clustered(table, {0: 5, 1: 5}, ("a", "b")).axes[1]
    (x0, y0), (x1, y1) = (text.get_position() for text in above.texts)
    assert x0 == pytest.approx(x1)
    assert abs(y0 - y1) >= 0.23 * np.ptp(above.get_xlim()) / cloud.ACROSS


def test_clusters_are_matched_as_well_as_any_matching_can() -> None:
    random = np.random.default_rng(1)
    for clusters, classes in ((4, 4), (5, 3), (2, 4), (1, 1)):
        found, own = random.integers(0, clusters, 30), random.integers(0, classes, 30)
        order = evaluations.matched(found, own, clusters, classes)
        assert len(set(order)) == clusters
        ways = [order, *permutations(range(max(clusters, classes)), clusters)]
        agree = [sum(way[c] == k for c, k in zip(found, own, strict=True)) for way in ways]
        assert agree[0] == max(agree)


def test_more_clusters_than_classes_and_empty_ones() -> None:
    table = points(("a", "b"))[:COUNT].assign(cluster=np.arange(COUNT) % 4)
    handles = key(clustered(table, {}, ("a", "b")).axes[0]).values()
    assert len({look(handle) for handle in handles}) == 4
    table = table.assign(cluster=1)
    said = list(key(clustered(table, {3: 0}, ("a", "b")).axes[0]))
    assert said == ["0: empty", "1: a 50 %", "2: empty", "3: empty"]


def test_neighbors_stand_in_order_and_are_marked_by_class() -> None:
    data = images(tuple("0123456789"))
    queries, near = np.array([2, 13]), np.array([[13, 7, 23, 0, 33, 1, 2], [4, 24, 5, 6, 34, 1, 2]])
    figure = evaluations.neighbors("t", data, queries, near, near[:, ::-1] + 1, OKABE)
    row = [102, *near[0, :5], 113, *near[1, :5]]
    assert tiles(figure) == [*row, 102, *(near[0, :1:-1] + 1), 113, *(near[1, :1:-1] + 1)]
    captions = [text.get_text() for text in figure.axes[0].texts]
    assert captions[captions.index("3") :][:6] == ["3", "✓ 3", "✗ 7", "✓ 3", "✗ 0", "✓ 3"]
    said = unwrapped(figure)
    assert "The 5 nearest training images, from left to right: 6 of 10 are of the query's class (✓)" in said
    assert "The 5 farthest training images, from left to right: 1 of 10" in said
    assert "n = 60 training images. Queries: 2 test images." in said
    few = evaluations.neighbors("t", data, queries[:1], near[:1, :2], near[:0], OKABE)
    assert tiles(few) == [102, 13, 7] and "No farthest images" in words(few)


def test_hubs_say_how_often() -> None:
    data = images(tuple("0123456789"))
    figure = evaluations.hubs("t", data, "farthest", 5, {17: 150, 4: 3}, 300, OKABE)
    assert tiles(figure) == [17, 4]
    assert "7\n150\n(50 %)" in words(figure) and "4\n3\n(1 %)" in words(figure)
    assert "for how many of 300 test images. The average over all training images is 25." in unwrapped(figure)
    assert "There are no queries." in words(evaluations.hubs("t", data, "nearest", 5, {}, 0, OKABE))


def test_each_encoder_has_a_line_over_the_dimensions_it_was_read_in() -> None:
    results = by_width(4)
    top, axes = evaluations.by_width("t", results, ("encoder 2",), FOOT, OKABE).axes
    for name, result in results.items():
        assert ends(line(axes, name)).tolist() == [[point.width, point.accuracy] for point in result.points]
    assert [tick.get_text() for tick in axes.get_xticklabels()] == ["1", "2", "4", "1,000"]
    assert line(axes, "encoder 2").get_color() == style.PALE != line(axes, "encoder 1").get_color()
    assert len(top.get_legend().get_texts()) == 4


def test_most_anomalous_are_marked_where_they_are_foreign() -> None:
    data = images(("a",))
    pixels = {"test": data.test.images, "street_digits": data.train.images}
    rows = ranked({"street_digits 5": 31.41592, "test 5": 7.0, "street_digits 1": 0.5})
    figure = anomalies.most_anomalous("t", "all 4,297 images", rows, pixels, CALLED, FOOT, OKABE)
    assert tiles(figure) == [5, 105, 1]
    said = unwrapped(figure)
    assert "The 3 highest scores of all 4,297 images: 2 of anomalies (✓), 1 of objects (✗)." in said
    assert "✓ street\n31.42" in words(figure) and "✗ objects\n7.000" in words(figure)
    assert "equal" not in said
    foreign = anomalies.most_anomalous("t", "the 2 street images", rows[::2], pixels, CALLED, FOOT, OKABE)
    assert tiles(foreign) == [5, 1]
    assert "The 2 highest scores of the 2 street images: 2 of anomalies (✓), 0 of" in unwrapped(foreign)
    for scores in ((2.0, 2.0), (-1.0, -1.0000001), (0.0, 0.0)):
        flat = ranked({"street_digits 5": scores[0], "test 5": scores[1]})
        drawing = anomalies.most_anomalous("t", "both", flat, pixels, CALLED, FOOT, OKABE)
        assert "They are equal, so their order is arbitrary." in unwrapped(drawing)


@pytest.mark.parametrize("palette", style.PALETTES.values())
def test_roc_curves_are_ranked_by_area_and_floors_are_pale(palette: style.Palette) -> None:
    results = roc(10)
    floors = ("encoder 1", "encoder 4", "encoder 5")
    first, handwritten, second, street = anomalies.roc("t", results, floors, FOOT, palette).axes
    titles = [axes.get_title(loc="left").partition(":")[0] for axes in (first, second)]
    assert titles == ["Handwritten digits", "Street digits"]
    for place, (top, axes) in enumerate(((first, handwritten), (second, street))):
        handles = key(top)
        shown = [float(text.split()[0]) for text in handles]
        assert shown == sorted(shown, reverse=True) and "50.0 chance" in handles and len(shown) == 11
        np.testing.assert_array_equal(ends(line(axes, "chance")), [[0, 0], [100, 100]])
        assert len({look(handle) for handle in handles.values()}) == 11
        for k, encoder in enumerate(results):
            power, fpr = 0.1 + 0.3 * ((k + place) % 10), np.linspace(0, 1, 30)
            area = 100 / (1 + power)
            np.testing.assert_allclose(ends(line(axes, encoder)), 100 * np.column_stack([fpr, fpr**power]))
            assert look(line(axes, encoder)) == look(handles[f"{area:.1f} {encoder}"])
            assert (line(axes, encoder).get_color() == style.PALE) == (encoder in floors)
            assert (line(axes, encoder).get_linewidth() == 1) == (encoder in floors)


def test_histories_show_every_curve() -> None:
    epochs = history(12)
    _, loss, second, terms, rank, spread = representations.history("t", epochs, VICREG, 16, FOOT, OKABE).axes
    wanted = [(loss, ["loss"]), (terms, list(TERMS))]
    for axes, names in wanted:
        columns = [f"{part}_{name}" for name in names for part in ("train", "test")]
        for curve, column in zip(axes.get_lines(), columns, strict=True):
            np.testing.assert_array_equal(ends(curve), epochs[["epoch", column]].to_numpy())
            assert (curve.get_linestyle() == "-") == column.startswith("train")
            assert (curve.get_markerfacecolor() == "white") == column.startswith("test")
    handles = key(second)
    assert [handle.get_color() for handle in handles.values()] == [c.get_color() for c in terms.get_lines()[::2]]
    assert list(handles) == list(TERMS)
    np.testing.assert_array_equal(ends(rank.get_lines()[0]), epochs[["epoch", "effective_rank"]].to_numpy())
    np.testing.assert_array_equal(ends(spread.get_lines()[0]), epochs[["epoch", "std"]].to_numpy())
    assert rank.get_yscale() == "log" and rank.get_yticks().tolist() == [1, 2, 5, 10, 16]
    assert loss.get_xlim() == (1, 12)


def test_a_collapse_is_shown_for_each_run() -> None:
    runs = {"one": history(5, 1), "two": history(9, 2)}
    top, rank, spread = representations.collapse("t", runs, 16, FOOT, OKABE).axes
    assert list(key(top)) == ["one", "two"]
    for axes, column in ((rank, "effective_rank"), (spread, "std")):
        for curve, epochs, handle in zip(axes.get_lines(), runs.values(), key(top).values(), strict=True):
            np.testing.assert_array_equal(ends(curve), epochs[["epoch", column]].to_numpy())
            assert look(curve) == look(handle)
        assert axes.get_xlim() == (1, 9)
    assert representations.collapse("t", {"one": history(1)}, 16, FOOT, OKABE).axes[1].get_xlim() == (0.5, 1.5)


@pytest.mark.parametrize(
    ("values", "scale"),
    [((1, 0.5), "linear"), ((1, 0.01), "log"), ((1, 1e-6), "symlog"), ((1, 0), "symlog"), ((0, 0), "linear")],
)
def test_an_axis_is_logarithmic_where_values_differ_much(values: tuple[float, float], scale: str) -> None:
    epochs = history(2).assign(std=values)
    figure = representations.collapse("t", {"one": epochs}, 16, FOOT, OKABE)
    axes = figure.axes[2]
    assert axes.get_yscale() == scale
    low, high = axes.get_ylim()
    assert low <= min(values) and max(values) <= high and low < high
    assert low == 0 or scale == "log"
    figure.draw_without_rendering()
    labels = [label.get_text() for label in axes.get_yticklabels()]
    assert ("0.01" in labels) == (scale in ("log", "symlog")) and ("0" in labels) == (scale == "symlog")


def test_each_panel_has_its_curves_in_looks_of_their_own() -> None:
    epochs = found_first(5)
    figure = representations.history("t", epochs, SIMCLR, 16, FOOT, OKABE)
    _, above, losses, below, first, rank, spread = figure.axes
    assert list(key(above)) == ["loss", "all alike: chance", "lower bound"]
    assert list(key(below)) == ["top-1", "by chance"]
    found = ["positive_top1", "positive_top1_chance"]
    for axes, names in ((losses, ["loss", "loss_chance", "loss_bound"]), (first, found)):
        columns = [f"{part}_{name}" for name in names for part in ("train", "test")]
        for curve, column in zip(axes.get_lines(), columns, strict=True):
            np.testing.assert_array_equal(ends(curve), epochs[["epoch", column]].to_numpy())
    assert len({curve.get_color() for axes in (losses, first) for curve in axes.get_lines()}) == 5
    assert len(rank.get_lines()) == len(spread.get_lines()) == 1


def test_a_probe_shows_its_epochs_or_its_strengths_beside_chance() -> None:
    top, axes = evaluations.probe("t", probe(epochs=30), FOOT, OKABE).axes
    assert list(key(top)) == ["training images", "test images", "always the most frequent class"]
    chance, train, test = axes.get_lines()
    assert ends(chance)[:, 1].tolist() == [12.5, 12.5]
    np.testing.assert_allclose(ends(train), [(k, 90 - 40 / k) for k in range(1, 31)])
    np.testing.assert_allclose(ends(test), [(k, 70 - 30 / k) for k in range(1, 31)])

    top, axes = evaluations.probe("t", probe(held_out=STRENGTHS), FOOT, OKABE).axes
    assert list(key(top)) == ["validation images", "always the most frequent class"]
    _, held_out, chosen = axes.get_lines()
    assert ends(held_out).tolist() == [[1e-5, 55], [0.01, 61], [0.1, 30]]
    assert ends(chosen).tolist() == [[0.01, 61]]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["1e-05", "0.01", "0.1"]
    assert "no validation images" in words(evaluations.probe("t", probe(), FOOT, OKABE))


def test_spectra_are_shown_in_percent_without_what_is_rounding() -> None:
    runs = {"full": spectrum(8), "collapsed": spectrum(8, collapsed=True)}
    top, axes = representations.spectra("t", runs, FOOT, OKABE).axes
    assert list(key(top)) == ["full", "collapsed"]
    full, collapsed = axes.get_lines()
    np.testing.assert_allclose(ends(full), [(k, 100 * 0.5**k / (1 - 0.5**8)) for k in range(1, 9)])
    assert ends(collapsed).tolist() == [[1, 100]]
    assert axes.get_xscale() == axes.get_yscale() == "log"


def test_encoders_stand_in_rows_with_their_intervals() -> None:
    names, (accuracies, clusters) = ["pixels", "VICReg", "SimCLR"], panels(3)
    figure = evaluations.rows("t", names, ["pixels"], [accuracies, clusters], FOOT, OKABE)
    above, first, _, second = figure.axes
    assert list(key(above)) == ["linear probe", "nearest neighbors", "chance"]
    assert [label.get_text() for label in first.get_yticklabels()] == names
    assert [label.get_style() for label in first.get_yticklabels()] == ["italic", "normal", "normal"]
    *shown, chance = first.get_lines()
    for curve, values in zip(shown, accuracies.readings.values(), strict=True):
        assert ends(curve)[:, 0].tolist() == [number.value for number in values if isinstance(number, Interval)]
        np.testing.assert_allclose(ends(curve)[:, 1], range(3), atol=0.2)
    assert ends(chance)[:, 0].tolist() == [10, 10]
    drawn = [segment[:, 0].tolist() for lines in first.collections for segment in lines.get_segments()]
    every = [number for values in accuracies.readings.values() for number in values if isinstance(number, Interval)]
    assert len(every) == 6 and drawn == [[interval.low, interval.high] for interval in every]
    assert first.get_ylim() == (2.5, -0.5)  # the first on top
    assert len(second.get_lines()) == 1 and first.get_xlim()[0] == 0
    silhouettes = clusters.readings["silhouette"]
    assert ends(second.get_lines()[0]).tolist() == [[value, place] for place, value in enumerate(silhouettes)]


def test_steps_show_every_row_of_every_curve() -> None:
    """They are thinned where they are written: see `test_representations`."""
    rows = steps(150)
    top, axes = representations.steps("t", rows, CURVES, FOOT, OKABE).axes
    assert list(key(top)) == ["loss", *TERMS]
    assert len(axes.get_lines()) == len(CURVES)
    for k, curve in enumerate(axes.get_lines()):
        np.testing.assert_array_equal(ends(curve), [(step, 1.0 / step + k) for step in range(1, 151)])


def test_looks_differ_and_repeat_no_pair() -> None:
    for k, face in ((0, OKABE.lines[0]), (7, "white"), (14, OKABE.lines[0])):
        assert marks.point(k, OKABE)["color"] == OKABE.lines[0] and marks.point(k, OKABE)["mfc"] == face
    for palette in style.PALETTES.values():
        for kind in (marks.point, marks.line):
            found = [kind(k, palette) for k in range(20)]
            assert len({(str(one["color"]), one["marker"], one["mfc"]) for one in found}) == 20
        lines = [marks.line(k, palette) for k in range(4 * len(palette.lines))]
        assert len({(one["color"], str(one["ls"])) for one in lines}) == len(lines)


@pytest.mark.parametrize(
    ("classes", "poor", "palette"),
    [(CLASSES, False, "grey"), (CLASSES[:1], True, "tableau")],
)
def test_every_figure_is_legible_inside_its_edges_and_names_its_source(
    classes: tuple[str, ...], poor: bool, palette: str
) -> None:
    for name, make in drawings(classes, style.PALETTES[palette], poor).items():
        figure = make()
        figure.draw_without_rendering()
        said = "".join(words(figure).split())
        assert figure.get_size_inches()[0] == style.WIDTH, name
        assert "/a/source/with_a_name_that_is_longer_than_a_line_can_be.zip;n=60" in said, name
        assert "Atitlethatgoesonforlongerthanonelinecan" in said, name
        legible(figure, name)
        for axes in figure.axes:
            width, height = axes.get_window_extent().size / figure.dpi
            legend = axes.get_legend()
            if legend is None:
                assert width > (2.2 if name == "rows" else 3) and height > 0.8, (name, axes.get_title(loc="left"))
            else:
                assert legend.get_window_extent().height / figure.dpi <= height + 0.1, name


def test_the_same_figure_has_the_same_bytes(tmp_path: Path) -> None:
    drawn = drawings(tuple("0123456789"), OKABE)
    for name in ("clusters", "roc"):
        make = drawn[name]
        style.save(make(), tmp_path / "a.png", DPI)
        first = (tmp_path / "a.png").read_bytes()
        with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "red", "lines.linewidth": 9}):
            style.save(make(), tmp_path / "a.png", DPI)
        assert (tmp_path / "a.png").read_bytes() == first, name


AXES = {"<DVC_METRIC_X>", "<DVC_METRIC_Y>"}


@pytest.mark.parametrize(
    ("name", "row", "written", "made"),
    [
        ("maps", maps.Point, {"label", "pca_x", "pca_y", "tsne_x", "tsne_y"}, {"map", "shown_x", "shown_y"}),
        ("roc", anomaly.CurvePoint, {"encoder", "anomalies"}, {"share"}),
        ("steps", None, set(), {"shown"}),
        ("ranks", figures_training.Rank, {"encoder"}, set()),
        ("learnt", figures_shapes.Shared, {"encoder", "factor"}, set()),
    ],
)
def test_templates_read_the_fields_that_stages_write(
    name: str, row: type | None, written: set[str], made: set[str]
) -> None:
    """``written`` are fields of a ``row``; the template itself has ``made`` others of these."""
    text = (ROOT / f".dvc/plots/{name}.json").read_text()
    template = json.loads(text)

    def found(part: object) -> set[str]:
        if isinstance(part, dict):
            own = {part["field"]} if "field" in part else set()
            own |= set(part.get("fold", ()))
            own |= set(re.findall(r"datum\.(\w+)", str(part.get("calculate", "")))) - {"across"}
            return own.union(*(found(value) for value in part.values()))
        return set().union(*(found(value) for value in part)) if isinstance(part, list) else set()

    axes = set() if name == "maps" else {"<DVC_METRIC_X>"} if name == "steps" else AXES
    assert found(template) == {"rev"} | written | made | axes
    assert row is None or written <= {field.name for field in dataclasses.fields(row)}
    assert template["data"] == {"values": "<DVC_METRIC_DATA>"} and "<DVC_METRIC_TITLE>" in text
    assert name != "roc" or '"interpolate": "linear"' in text
    assert name == "maps" or "<DVC_METRIC_X_LABEL>" in text


def test_drawing_imports_no_torch_and_no_learner() -> None:
    modules, absent = (
        "anomalies, cloud, evaluations, representations, shapes",
        ("torch", "matplotlib.pyplot", "sklearn"),
    )
    probe = f"import sys\nfrom visrep.figures import {modules}\n"
    probe += f"print([name for name in {absent!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", probe], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
