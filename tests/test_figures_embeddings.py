"""Figures of embeddings: every point in its place and colour, the words that were asked for, nothing that breaks on
collapsed embeddings, few images or many classes."""

import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from itertools import combinations, permutations
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from drawn import legible, words
from visrep.data import store
from visrep.data.store import ImageSet
from visrep.figures import anomalies, cloud, compared, looks, maps, probed, retrieved, style, unlabelled

ROOT = Path(__file__).parents[1]
SOURCE = "drawn by a test: /a/source/with_a_name_that_is_longer_than_a_line_can_be.zip"
LONG = ("ambulance", "automobile, red", "bird", "grasshopper sparrow", "cat", "x", "motor scooter (large)", "W" * 30)
CLASSES = (*LONG, "10", "eleven", "twelve", "WWWWWWWWWW")
COUNT, DPI = 60, 40
OKABE = style.PALETTES["okabe_ito"]
FOOT = style.foot(SOURCE, COUNT, "test images")
TERMS = ("invariance", "variance", "covariance")
CURVES = {name: name for name in ("loss", *TERMS)}


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
        told = {"loss_chance": 6.2, "loss_floor": 3.1, "positive_top1": 40.0, "positive_top1_chance": 0.2}
        table = table.assign(**{f"{part}_{name}": value for name, value in told.items()})
    return table


def probe(epochs: int | None = None, held_out: dict[str, float] | None = None) -> dict[str, Any]:
    """What a probe of ``epochs`` or of strengths tells."""
    if epochs is None:
        return {"chance": 12.5, "strength": 0.01, "held_out": held_out or {}}
    rows = [{"epoch": k, "train_accuracy": 90 - 40 / k, "test_accuracy": 70 - 30 / k} for k in range(1, epochs + 1)]
    return {"chance": 12.5, "history": rows}


STRENGTHS = {"0.1": 30.0, "0.01": 61.0, "1e-05": 55.0}


def spectrum(dimensions: int, collapsed: bool = False) -> pd.DataFrame:
    """Shares that halve, or one direction that holds everything."""
    share = np.eye(1, dimensions)[0] if collapsed else 0.5 ** np.arange(1, dimensions + 1)
    return pd.DataFrame({"axis": np.arange(1, dimensions + 1), "share": share / share.sum()})


def panels(encoders: int, collapsed: bool = False) -> list[compared.Panel]:
    random = np.random.default_rng(4)
    values = [
        [(0.0, 0.0, 0.0) if collapsed else (v, v - 3, v + 3) for v in random.uniform(10, 90, encoders)] * 1
        for _ in "ab"
    ]
    return [
        compared.Panel("Named rightly, %", {"linear probe": values[0], "nearest neighbours": values[1]}, 10.0),
        compared.Panel("Clusters", {"silhouette": values[1]}, None),
    ]


def steps(count: int, zero: bool = False) -> pd.DataFrame:
    rows = [
        {"step": step, "term": name, "value": 0.0 if zero and name != "variance" else 1.0 / step + place}
        for step in range(1, count + 1)
        for place, name in enumerate(("loss", *TERMS))
    ]
    return pd.DataFrame(rows)


def roc(encoders: int, sets: tuple[str, ...] = ("MNIST", "SVHN")) -> tuple[pd.DataFrame, dict[str, dict[str, float]]]:
    """Curves tpr = fpr ** p, whose areas are 1 / (1 + p)."""
    fpr, rows = np.linspace(0, 1, 30), []
    areas: dict[str, dict[str, float]] = {name: {} for name in sets}
    for place, name in enumerate(sets):
        for k in range(encoders):
            power = 0.1 + 0.3 * ((k + place) % encoders)
            rows.append(pd.DataFrame({"encoder": f"encoder {k}", "anomalies": name, "fpr": fpr, "tpr": fpr**power}))
            areas[name][f"encoder {k}"] = 100 / (1 + power)
    return pd.concat(rows), areas


def ranked(scores: Mapping[str, float]) -> list[dict[str, Any]]:
    return [{"set": name.split()[0], "index": int(name.split()[1]), "score": score} for name, score in scores.items()]


def drawings(classes: tuple[str, ...], palette: style.Palette, poor: bool = False) -> dict[str, Callable[[], Figure]]:
    """Every kind of figure; ``poor`` are those of a collapsed embedding, of which little is there."""
    data, table = images(classes), points(classes, 0.0 if poor else 1.0)
    chart = table[table["map"] == "t-SNE"].assign(cluster=0 if poor else np.arange(COUNT) % 11)
    curves, areas = roc(1, ("MNIST",)) if poor else roc(11)
    found = np.arange(0 if poor else 10).reshape(2, -1)
    pixels = {"CIFAR-10": data.test.images, "MNIST": data.train.images}
    scored = ranked({"CIFAR-10 3": 1.0, "MNIST 5": 1.0} if poor else {"MNIST 2": 3.14159, "CIFAR-10 3": 1e-4})
    epochs, queries, title = 1 if poor else 30, np.array([0, 1]), "A title that goes on for longer than one line can"
    runs = {f"{name} run": history(epochs, seed, poor) for seed, name in enumerate(CLASSES)}
    return {
        "map": lambda: maps.embedding_map(title, table, CAPTIONS, classes, FOOT, palette),
        "clusters": lambda: maps.clusters(title, chart, {} if poor else {0: 7}, classes, FOOT, palette),
        "neighbors": lambda: retrieved.neighbors(title, data, queries, found, found + 20, palette),
        "hubs": lambda: retrieved.hubs(title, data, "farthest", 5, {} if poor else {4: 50, 2: 3}, COUNT, palette),
        "most": lambda: anomalies.most_anomalous(title, {"all": scored, "none": []}, pixels, "CIFAR-10", FOOT, palette),
        "roc": lambda: anomalies.roc(title, curves, areas, ("encoder 0", "encoder 3"), FOOT, palette),
        "rows": lambda: compared.rows(title, list(runs), list(runs)[:2], panels(len(runs), poor), FOOT, palette),
        "history": lambda: unlabelled.history(title, history(epochs, zero=poor), unlabelled.VICREG, 16, FOOT, palette),
        "collapse": lambda: unlabelled.collapse(title, runs, 16, FOOT, palette),
        "found": lambda: unlabelled.history(title, found_first(epochs, poor), unlabelled.SIMCLR, 16, FOOT, palette),
        "steps": lambda: unlabelled.steps(title, steps(1 if poor else 700, poor), CURVES, FOOT, palette),
        "sgd": lambda: probed.probe(title, probe(epochs), FOOT, palette),
        "logistic": lambda: probed.probe(title, probe(held_out={} if poor else STRENGTHS), FOOT, palette),
        "spectra": lambda: unlabelled.spectra(title, {name: spectrum(16, poor) for name in runs}, FOOT, palette),
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
        top, *panels = maps.embedding_map("t", table, CAPTIONS, classes, FOOT, palette).axes
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
    axes = maps.embedding_map("t", points(("a", "b")), {"PCA": "PCA"}, ("a", "b"), FOOT, OKABE).axes[1]
    turns = [line.get_gid() for line in axes.get_lines() if line.get_gid()]
    assert turns[:4] == ["0", "1", "0", "1"]


def test_classes_are_named_in_the_key_alone() -> None:
    top, *panels = maps.embedding_map("t", points(("left", "right")), CAPTIONS, ("left", "right"), FOOT, OKABE).axes
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
    said = words(maps.embedding_map("t", points(("a", "b"), 0.0), CAPTIONS, ("a", "b"), FOOT, OKABE))
    assert said.count("all 60 points coincide") == 2
    small = maps.embedding_map("t", points(("a", "b"), 1e-9), CAPTIONS, ("a", "b"), FOOT, OKABE)
    assert "coincide" not in words(small)
    for rows, text in ((0, "no points"), (1, "one point")):
        few = maps.embedding_map("t", points(("a",))[:rows], {"PCA": "PCA"}, ("a",), FOOT, OKABE)
        assert text in words(few).split("\n")


def test_clusters_look_like_the_class_they_are_matched_with() -> None:
    classes = ("a", "b", "c")
    table = points(classes)[:COUNT].assign(cluster=(np.arange(COUNT) + 1) % 3)  # class k is cluster k + 1
    table.loc[0, "cluster"] = 0  # class a, among 20 of class c
    figure = maps.clusters("t", table, {0: 5, 2: 7}, classes, FOOT, OKABE)
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
    above = maps.clusters("t", table, {0: 5, 1: 5}, ("a", "b"), FOOT, OKABE).axes[1]
    (x0, y0), (x1, y1) = (text.get_position() for text in above.texts)
    assert x0 == pytest.approx(x1)
    assert abs(y0 - y1) >= 0.23 * np.ptp(above.get_xlim()) / cloud.ACROSS


def test_clusters_are_matched_as_well_as_any_matching_can() -> None:
    random = np.random.default_rng(1)
    for clusters, classes in ((4, 4), (5, 3), (2, 4), (1, 1)):
        found, kinds = random.integers(0, clusters, 30), random.integers(0, classes, 30)
        order = maps.matched(found, kinds, clusters, classes)
        assert len(set(order)) == clusters
        ways = [order, *permutations(range(max(clusters, classes)), clusters)]
        agree = [sum(way[c] == k for c, k in zip(found, kinds, strict=True)) for way in ways]
        assert agree[0] == max(agree)


def test_more_clusters_than_classes_and_empty_ones() -> None:
    table = points(("a", "b"))[:COUNT].assign(cluster=np.arange(COUNT) % 4)
    assert (
        len({look(handle) for handle in key(maps.clusters("t", table, {}, ("a", "b"), FOOT, OKABE).axes[0]).values()})
        == 4
    )
    table = table.assign(cluster=1)
    said = list(key(maps.clusters("t", table, {3: 0}, ("a", "b"), FOOT, OKABE).axes[0]))
    assert said == ["0: empty", "1: a 50 %", "2: empty", "3: empty"]


def test_neighbors_stand_in_order_and_are_marked_by_class() -> None:
    data = images(tuple("0123456789"))
    queries, near = np.array([2, 13]), np.array([[13, 7, 23, 0, 33, 1, 2], [4, 24, 5, 6, 34, 1, 2]])
    figure = retrieved.neighbors("t", data, queries, near, near[:, ::-1] + 1, OKABE)
    row = [102, *near[0, :5], 113, *near[1, :5]]
    assert tiles(figure) == [*row, 102, *(near[0, :1:-1] + 1), 113, *(near[1, :1:-1] + 1)]
    captions = [text.get_text() for text in figure.axes[0].texts]
    assert captions[captions.index("3") :][:6] == ["3", "✓ 3", "✗ 7", "✓ 3", "✗ 0", "✓ 3"]
    said = unwrapped(figure)
    assert "The 5 nearest training images, from left to right: 6 of 10 are of the query's class (✓)" in said
    assert "The 5 farthest training images, from left to right: 1 of 10" in said
    assert "n = 60 training images. Queries: 2 test images." in said
    few = retrieved.neighbors("t", data, queries[:1], near[:1, :2], near[:0], OKABE)
    assert tiles(few) == [102, 13, 7] and "No farthest images" in words(few)


def test_hubs_say_how_often() -> None:
    data = images(tuple("0123456789"))
    figure = retrieved.hubs("t", data, "farthest", 5, {17: 150, 4: 3}, 300, OKABE)
    assert tiles(figure) == [17, 4]
    assert "7\n150\n(50 %)" in words(figure) and "4\n3\n(1 %)" in words(figure)
    assert "for how many of 300 test images. The average over all training images is 25." in unwrapped(figure)
    assert "There was nothing to ask." in words(retrieved.hubs("t", data, "nearest", 5, {}, 0, OKABE))


def test_most_anomalous_are_marked_where_they_are_foreign() -> None:
    data = images(("a",))
    pixels = {"CIFAR-10": data.test.images, "SVHN": data.train.images}
    rows = ranked({"SVHN 5": 31.41592, "CIFAR-10 5": 7.0, "SVHN 1": 0.5})
    lists = {"all 4,297 images": rows, "the 2 SVHN images": rows[::2]}
    figure = anomalies.most_anomalous("t", lists, pixels, "CIFAR-10", FOOT, OKABE)
    assert tiles(figure) == [5, 105, 1, 5, 1]
    said = unwrapped(figure)
    assert "The 3 highest scores of all 4,297 images: 2 of foreign images (✓), 1 of CIFAR-10 (✗)." in said
    assert "The 2 highest scores of the 2 SVHN images: 2 of foreign images (✓), 0 of" in said
    assert "✓ SVHN\n31.42" in words(figure) and "✗ CIFAR-10\n7.000" in words(figure)
    assert "equal" not in said
    for scores in ((2.0, 2.0), (-1.0, -1.0000001), (0.0, 0.0)):
        flat = ranked({"SVHN 5": scores[0], "CIFAR-10 5": scores[1]})
        drawing = anomalies.most_anomalous("t", {"both": flat}, pixels, "CIFAR-10", FOOT, OKABE)
        assert "They are equal, so their order means nothing." in unwrapped(drawing)


@pytest.mark.parametrize("palette", style.PALETTES.values())
def test_roc_curves_are_ranked_by_area_and_floors_are_pale(palette: style.Palette) -> None:
    curves, areas = roc(10)
    floors = ("encoder 1", "encoder 4", "encoder 5")
    first, handwritten_digits, second, street_digits = anomalies.roc("t", curves, areas, floors, FOOT, palette).axes
    assert [axes.get_title(loc="left")[:5] for axes in (first, second)] == ["MNIST", "SVHN:"]
    for top, axes, name in ((first, handwritten_digits, "MNIST"), (second, street_digits, "SVHN")):
        handles = key(top)
        shown = [float(text.split()[0]) for text in handles]
        assert shown == sorted(shown, reverse=True) and "50.0 chance" in handles and len(shown) == 11
        np.testing.assert_array_equal(ends(line(axes, "chance")), [[0, 0], [100, 100]])
        assert len({look(handle) for handle in handles.values()}) == 11
        for encoder, area in areas[name].items():
            rows = curves[(curves["encoder"] == encoder) & (curves["anomalies"] == name)]
            np.testing.assert_allclose(ends(line(axes, encoder)), 100 * rows[["fpr", "tpr"]].to_numpy())
            assert look(line(axes, encoder)) == look(handles[f"{area:.1f} {encoder}"])
            assert (line(axes, encoder).get_color() == style.PALE) == (encoder in floors)
            assert (line(axes, encoder).get_linewidth() == 1) == (encoder in floors)


def test_histories_show_every_curve() -> None:
    epochs = history(12)
    _, loss, second, terms, rank, spread = unlabelled.history("t", epochs, unlabelled.VICREG, 16, FOOT, OKABE).axes
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
    top, rank, spread = unlabelled.collapse("t", runs, 16, FOOT, OKABE).axes
    assert list(key(top)) == ["one", "two"]
    for axes, column in ((rank, "effective_rank"), (spread, "std")):
        for curve, epochs, handle in zip(axes.get_lines(), runs.values(), key(top).values(), strict=True):
            np.testing.assert_array_equal(ends(curve), epochs[["epoch", column]].to_numpy())
            assert look(curve) == look(handle)
        assert axes.get_xlim() == (1, 9)
    assert unlabelled.collapse("t", {"one": history(1)}, 16, FOOT, OKABE).axes[1].get_xlim() == (0.5, 1.5)


@pytest.mark.parametrize(
    ("values", "scale"),
    [((1, 0.5), "linear"), ((1, 0.01), "log"), ((1, 1e-6), "symlog"), ((1, 0), "symlog"), ((0, 0), "linear")],
)
def test_an_axis_is_logarithmic_where_values_differ_much(values: tuple[float, float], scale: str) -> None:
    epochs = history(2).assign(std=values)
    figure = unlabelled.collapse("t", {"one": epochs}, 16, FOOT, OKABE)
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
    figure = unlabelled.history("t", epochs, unlabelled.SIMCLR, 16, FOOT, OKABE)
    _, above, losses, below, first, rank, spread = figure.axes
    assert list(key(above)) == ["loss", "all alike: chance", "floor"]
    assert list(key(below)) == ["found first", "by chance"]
    found = ["positive_top1", "positive_top1_chance"]
    for axes, names in ((losses, ["loss", "loss_chance", "loss_floor"]), (first, found)):
        columns = [f"{part}_{name}" for name in names for part in ("train", "test")]
        for curve, column in zip(axes.get_lines(), columns, strict=True):
            np.testing.assert_array_equal(ends(curve), epochs[["epoch", column]].to_numpy())
    assert len({curve.get_color() for axes in (losses, first) for curve in axes.get_lines()}) == 5
    assert len(rank.get_lines()) == len(spread.get_lines()) == 1


def test_a_probe_shows_its_epochs_or_its_strengths_beside_chance() -> None:
    top, axes = probed.probe("t", probe(epochs=30), FOOT, OKABE).axes
    assert list(key(top)) == ["training images", "test images", "always the most frequent class"]
    chance, train, test = axes.get_lines()
    assert ends(chance)[:, 1].tolist() == [12.5, 12.5]
    np.testing.assert_allclose(ends(train), [(k, 90 - 40 / k) for k in range(1, 31)])
    np.testing.assert_allclose(ends(test), [(k, 70 - 30 / k) for k in range(1, 31)])

    top, axes = probed.probe("t", probe(held_out=STRENGTHS), FOOT, OKABE).axes
    assert list(key(top)) == ["held-out images", "always the most frequent class"]
    _, held_out, chosen = axes.get_lines()
    assert ends(held_out).tolist() == [[1e-5, 55], [0.01, 61], [0.1, 30]]
    assert ends(chosen).tolist() == [[0.01, 61]]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["1e-05", "0.01", "0.1"]
    assert "nothing to choose by" in words(probed.probe("t", probe(), FOOT, OKABE))


def test_spectra_are_shown_in_percent_without_what_is_rounding() -> None:
    runs = {"full": spectrum(8), "collapsed": spectrum(8, collapsed=True)}
    top, axes = unlabelled.spectra("t", runs, FOOT, OKABE).axes
    assert list(key(top)) == ["full", "collapsed"]
    full, collapsed = axes.get_lines()
    np.testing.assert_allclose(ends(full), np.column_stack([runs["full"]["axis"], 100 * runs["full"]["share"]]))
    assert ends(collapsed).tolist() == [[1, 100]]
    assert axes.get_xscale() == axes.get_yscale() == "log"


def test_encoders_stand_in_rows_with_their_intervals() -> None:
    names, (accuracies, clusters) = ["pixels", "VICReg", "SimCLR"], panels(3)
    figure = compared.rows("t", names, ["pixels"], [accuracies, clusters], FOOT, OKABE)
    above, first, _, second = figure.axes
    assert list(key(above)) == ["linear probe", "nearest neighbours", "chance"]
    assert [label.get_text() for label in first.get_yticklabels()] == names
    assert [label.get_style() for label in first.get_yticklabels()] == ["italic", "normal", "normal"]
    *shown, chance = first.get_lines()
    for curve, values in zip(shown, accuracies.readings.values(), strict=True):
        assert ends(curve)[:, 0].tolist() == [value for value, _, _ in values]
        np.testing.assert_allclose(ends(curve)[:, 1], range(3), atol=0.2)
    assert ends(chance)[:, 0].tolist() == [10, 10]
    drawn = [segment[:, 0].tolist() for lines in first.collections for segment in lines.get_segments()]
    assert drawn == [[low, high] for values in accuracies.readings.values() for _, low, high in values]
    assert first.get_ylim() == (2.5, -0.5)  # the first on top
    assert len(second.get_lines()) == 1 and first.get_xlim()[0] == 0


def test_steps_are_thinned_to_means() -> None:
    rows = steps(700).sample(frac=1, random_state=0)  # in no order
    top, axes = unlabelled.steps("t", rows, CURVES, FOOT, OKABE).axes
    assert list(key(top)) == ["loss", *TERMS]
    for k, curve in enumerate(axes.get_lines()):
        values = [1.0 / step + k for step in range(1, 701)]
        means = [(np.mean(range(i + 1, i + 6)), np.mean(values[i : i + 5])) for i in range(0, 700, 5)]
        np.testing.assert_allclose(ends(curve), means)
    whole = unlabelled.steps("t", steps(150), CURVES, FOOT, OKABE).axes[1].get_lines()[0]
    np.testing.assert_allclose(ends(whole)[:, 0], np.arange(1, 151))


def test_looks_differ_and_repeat_no_pair() -> None:
    for k, face in ((0, OKABE.lines[0]), (7, "white"), (14, OKABE.lines[0])):
        assert looks.point(k, OKABE)["color"] == OKABE.lines[0] and looks.point(k, OKABE)["mfc"] == face
    for palette in style.PALETTES.values():
        for kind in (looks.point, looks.line):
            found = [kind(k, palette) for k in range(20)]
            assert len({(str(one["color"]), one["marker"], one["mfc"]) for one in found}) == 20
        lines = [looks.line(k, palette) for k in range(4 * len(palette.lines))]
        assert len({(one["color"], str(one["ls"])) for one in lines}) == len(lines)


@pytest.mark.parametrize(
    ("classes", "poor", "palette"),
    [(CLASSES, False, "grey"), (CLASSES[:1], True, "tableau")],
)
def test_every_figure_is_legible_inside_its_edges_and_names_its_source(
    classes: tuple[str, ...], poor: bool, palette: str
) -> None:
    for name, draw in drawings(classes, style.PALETTES[palette], poor).items():
        figure = draw()
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
        draw = drawn[name]
        style.save(draw(), tmp_path / "a.png", DPI)
        first = (tmp_path / "a.png").read_bytes()
        with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "red", "lines.linewidth": 9}):
            style.save(draw(), tmp_path / "a.png", DPI)
        assert (tmp_path / "a.png").read_bytes() == first, name


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("maps", {"map", "class", "rev", "<DVC_METRIC_X>", "<DVC_METRIC_Y>"}),
        ("roc", {"encoder", "anomalies", "rev", "share", "<DVC_METRIC_X>", "<DVC_METRIC_Y>"}),
        ("steps", {"term", "rev", "shown", "<DVC_METRIC_X>"}),
    ],
)
def test_templates_read_the_fields_that_stages_write(name: str, fields: set[str]) -> None:
    text = (ROOT / f".dvc/plots/{name}.json").read_text()
    template = json.loads(text)

    def found(part: object) -> set[str]:
        if isinstance(part, dict):
            own = {part["field"]} if "field" in part else set()
            return own.union(*(found(value) for value in part.values()))
        return set().union(*(found(value) for value in part)) if isinstance(part, list) else set()

    assert found(template) == fields
    assert template["data"] == {"values": "<DVC_METRIC_DATA>"} and "<DVC_METRIC_TITLE>" in text
    assert name != "roc" or '"interpolate": "linear"' in text
    assert name == "maps" or "<DVC_METRIC_X_LABEL>" in text


def test_drawing_imports_no_torch() -> None:
    probe = "import sys\nfrom visrep.figures import anomalies, maps, retrieved, unlabelled\n"
    probe += "print([name for name in ('torch', 'sklearn', 'matplotlib.pyplot') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", probe], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
