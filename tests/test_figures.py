"""Figures: the right images under the right words, the same bytes twice, nothing that breaks on odd data."""

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import matplotlib
import numpy as np
import pandas as pd
import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from drawn import legible, words
from visrep.audit.results import Audit, Gate, Line, Signs, Worst
from visrep.data import store
from visrep.data.store import ImageSet
from visrep.digits import swept, table
from visrep.digits.results import Attacked, Sweep
from visrep.digits.sweep import curves
from visrep.digits.swept import Swept
from visrep.figures import attacks, audit, classifier, sheet, style
from visrep.measures import classification, statistics
from visrep.settings.figures import Figures

ROOT = Path(__file__).parents[1]
LONG = ("ambulance", "automobile, red", "bird", "grasshopper sparrow", "cat", "x", "motor scooter (large)")
COUNT, DPI = 60, 40
SETTINGS = Figures(dpi=DPI, examples=10, palette="okabe_ito")
PALETTE = style.PALETTES["okabe_ito"]
RADII = (0.1, 0.3)
WAYS = (("along the gradient", 3.0), ("at random", 0.5))  # and how fast the loss rises
CALLED = {"fgsm": "FGSM", "noise": "random noise", "pgd": "PGD", "mi_fgsm": "MI-FGSM"}


def images(classes: tuple[str, ...], seed: int = 0) -> ImageSet:
    """Image ``i`` of the test split is filled with grey level ``i``, so that a figure's tiles tell which they are."""
    random = np.random.default_rng(seed)
    pixels = np.broadcast_to(np.arange(COUNT, dtype=np.uint8)[:, None, None, None], (COUNT, 32, 32, 3))
    split = store.split(pixels, random.integers(0, len(classes), COUNT))
    return ImageSet(
        split, split, classes, "drawn by a test: /a/source/with_a_name_that_is_longer_than_a_line_can_be.zip", {}
    )


def answers(data: ImageSet, right: float, seed: int = 1) -> Swept:
    """Predictions of which about the share ``right`` is right, for all that a sweep stores; no gradient anywhere."""
    random, labels, count = np.random.default_rng(seed), data.test.labels, len(data.classes)
    names = ["clean", *(f"{attack} {radius:g}" for attack in ("fgsm", "noise", "pgd") for radius in RADII)]
    wrong = {name: random.random(COUNT) >= right for name in [*names, "fgsm 1", "pgd 1", "mi_fgsm 0.1"]}
    moved = {
        name: np.where(off, (labels + random.integers(1, count, COUNT)) % count, labels) for name, off in wrong.items()
    }
    predictions = {name: column.astype(np.int16) for name, column in moved.items()}
    return Swept(predictions, np.zeros((COUNT, 2, 384), np.uint8))


def sweep(found: Swept, data: ImageSet) -> Sweep:
    """What a sweep says of these answers, every accuracy with its interval."""
    rows = []
    for column, predicted in found.predictions.items():
        attack, _, radius = column.partition(" ")
        if radius:
            accuracy = statistics.accuracy(predicted, data.test.labels)
            rows.append(Attacked(attack, CALLED[attack], float(radius), accuracy, charted=attack != "mi_fgsm"))
    clean = statistics.accuracy(found.predictions["clean"], data.test.labels)
    return Sweep({"clean": clean}, COUNT, data.source, 20.0, clean, tuple(rows), 0.1)


def audited(data: ImageSet) -> Audit:
    """An audit that leaves 40 percent at the first radius and 10 at the second."""
    clean, first, second = (statistics.wilson(right, 20) for right in (18, 8, 2))
    curve = tuple(Worst(radius, one) for radius, one in zip(RADII, (first, second), strict=True))
    lines = tuple(Line(way, 0.05 * k, k * loss, 0.5 * k * loss, 2.0 * k * loss) for way, loss in WAYS for k in range(4))
    signs = Signs(False, False, False, 0.0, 0.0, 0.0, 0.0)
    gates = (Gate("order", True, "all is well"),)
    return Audit({}, 20, data.source, 10, clean, first, first, (), curve[:1], curve, (), 0.1, gates, 18, signs, lines)


DIGITS = images(tuple("0123456789"))


def tiles(figure: Figure) -> list[int]:
    """The grey levels of the images in a sheet: their indices in the test split."""
    return [int(np.asarray(image.get_array())[0, 0, 0]) for image in figure.axes[0].get_images()]


def png(figure: Figure, folder: Path, name: str = "a.png") -> bytes:
    style.save(figure, folder / name, DPI)
    return (folder / name).read_bytes()


def drawings(
    data: ImageSet, right: float, palette: Literal["okabe_ito", "grey"] = "okabe_ito"
) -> dict[str, Callable[[], Figure]]:
    """Every kind of figure of one classifier's answers."""
    found, settings = answers(data, right), Figures(dpi=DPI, examples=6, palette=palette)
    labels, count = data.test.labels, len(data.classes)
    logits = np.eye(count, dtype=np.float32)[found.predictions["clean"]] * 3
    counts = statistics.confusion(labels, found.predictions["clean"], count)
    rows = classification.per_class(labels, found.predictions["clean"], data.classes)
    told, strongest = sweep(found, data), audited(data)
    history = pd.DataFrame(
        [{"epoch": 1, **{f"{part}_{kind}": 1.0 for part in ("train", "val") for kind in ("loss", "accuracy")}}]
    )
    hardened = pd.DataFrame([{"epoch": 1, **dict.fromkeys(attacks.HARDENING, 50.0)}])
    colors, foot = style.PALETTES[palette], style.foot(data.source, COUNT, "test images")
    return {
        "learning": lambda: classifier.learning(history, 1, foot, colors),
        "hardening": lambda: attacks.hardening(hardened, 1, foot, colors),
        "robustness": lambda: attacks.robustness(
            {"one": told, "two": told}, {"one": strongest, "two": strongest}, foot, colors
        ),
        "lines": lambda: audit.lines(strongest, "one", foot, colors),
        "per_class": lambda: attacks.per_class(
            {"one": swept.per_class(found, labels, count, RADII)}, RADII, data.classes, foot, colors
        ),
        "confusion": lambda: classifier.confusion("Confusion", {"one": counts}, data.classes, foot, colors),
        "report": lambda: classifier.report(rows, foot, colors),
        "misclassified": lambda: classifier.misclassified(data, logits, settings),
        "mistakes": lambda: attacks.mistakes(data, found, "one", settings),
        "fallen": lambda: attacks.fallen(data, found, "one", 0.1, settings),
        "before_after": lambda: attacks.before_after(data, found, "one", 0.1, settings),
        "radii": lambda: attacks.radii(data, {"one": found, "two": found}, RADII, settings),
    }


def slow_turns(labels: np.ndarray, found: list[int], count: int) -> list[int]:
    waiting = {k: [i for i in found if labels[i] == k] for k in sorted(set(labels.tolist()))}
    taken: list[int] = []
    while len(taken) < count and any(waiting.values()):
        taken += [waiting[k].pop(0) for k in waiting if waiting[k]]
    return taken[:count]


def test_classes_take_turns() -> None:
    found = [i for i in range(COUNT) if i % 3]
    for count in (1, 7, 25, 100):
        picked = sheet.in_turns(DIGITS.test.labels, np.array(found), count)
        assert picked.tolist() == slow_turns(DIGITS.test.labels, found, count)
    assert sheet.in_turns(DIGITS.test.labels, np.array([], int), 5).tolist() == []


def test_confident_mistakes_are_wrong_and_sorted() -> None:
    random = np.random.default_rng(3)
    logits, labels = random.standard_normal((COUNT, 10)).astype(np.float32), DIGITS.test.labels
    shares = np.stack([np.exp(row) / np.exp(row).sum() for row in logits.astype(np.float64)])
    sure = {i: max(row) for i, row in enumerate(shares)}
    wrong = [i for i in range(COUNT) if int(np.argmax(logits[i])) != labels[i]]
    wanted = sorted(wrong, key=lambda i: -sure[i])[:10]
    assert classifier.confident_mistakes(labels, shares, 10).tolist() == wanted
    figure = classifier.misclassified(DIGITS, logits, SETTINGS)
    assert tiles(figure) == wanted
    first, second = np.argsort(-logits[wanted[0]])[:2]
    said = [f"{k}: {100 * shares[wanted[0], k]:.1f} %" for k in (first, second)]
    assert "\n".join([f"true: {labels[wanted[0]]}", *said]) in words(figure)
    assert f"{len(wrong)} test images" in words(figure)


def test_fallen_images_stand_below_those_that_survive() -> None:
    found, labels = answers(DIGITS, 0.6), DIGITS.test.labels
    before, after = found.predictions["clean"], found.predictions["fgsm 0.1"]
    survived = [i for i in range(COUNT) if before[i] == labels[i] == after[i]]
    turned = [i for i in range(COUNT) if before[i] == labels[i] != after[i]]
    assert [part.tolist() for part in attacks.split(labels, found, 0.1)] == [survived, turned]
    figure = attacks.fallen(DIGITS, found, "one", 0.1, SETTINGS)
    below = slow_turns(labels, turned, 10)
    assert tiles(figure) == slow_turns(labels, survived, 10) + below
    said = words(figure)
    assert f"{len(survived)} images" in said and f"{len(turned)} images" in said
    assert all(f"✗ {labels[i]} → {after[i]}" in said for i in below)


def test_pairs_are_right_before_and_wrong_after() -> None:
    found, labels = answers(DIGITS, 0.6), DIGITS.test.labels
    _, turned = attacks.split(labels, found, 0.1)
    picked = slow_turns(labels, turned.tolist(), 10)
    shown = tiles(attacks.before_after(DIGITS, found, "one", 0.1, SETTINGS))
    gray = [128] * 5  # no gradient, no change
    assert shown == picked[:5] * 2 + gray + picked[5:] * 2 + gray


def test_what_was_added_is_magnified_to_black_and_white() -> None:
    sign = np.random.default_rng(0).integers(-1, 2, (COUNT, 32, 32, 3))
    middle = DIGITS.test._replace(images=np.full((COUNT, 32, 32, 3), 128, np.uint8))
    found = answers(DIGITS, 0.5)._replace(signs=swept.packed(sign))
    changes = attacks.changes(DIGITS._replace(test=middle), found, 0.1, np.arange(4))
    np.testing.assert_array_equal(changes, np.array([0, 128, 255])[sign[:4] + 1])


def test_the_same_image_at_every_radius() -> None:
    one, two, labels = answers(DIGITS, 0.7, seed=1), answers(DIGITS, 0.7, seed=2), DIGITS.test.labels
    both = [i for i in range(COUNT) if one.predictions["clean"][i] == labels[i] == two.predictions["clean"][i]]
    firsts = {int(labels[i]): i for i in reversed(both)}
    picked = attacks.one_of_each(labels, [one, two], 4).tolist()
    assert len(picked) == 4 and all(firsts[int(labels[i])] == i for i in picked)
    assert attacks.one_of_each(labels, [one, two], 99).tolist() == [firsts[k] for k in sorted(firsts)]
    figure = attacks.radii(DIGITS, {"one": one, "two": two}, RADII, SETTINGS)
    picked = attacks.one_of_each(labels, [one, two], 5).tolist()
    assert tiles(figure) == [i for i in picked for _ in range(2 * 3)]
    marks = [text.get_text()[0] for text in figure.axes[0].texts if text.get_text()[:1] in "✓✗"]
    columns = ["clean", "fgsm 0.1", "fgsm 0.3"]
    right = [found.predictions[name][i] == labels[i] for i in picked for found in (one, two) for name in columns]
    assert marks == ["✓" if good else "✗" for good in right]


def test_accuracy_is_drawn_up_to_the_largest_radius_with_its_intervals() -> None:
    figure = drawings(DIGITS, 0.9)["robustness"]()
    axes = figure.axes[0]
    found = answers(DIGITS, 0.9)
    wanted = [
        statistics.accuracy(found.predictions[name], DIGITS.test.labels) for name in ("clean", "pgd 0.1", "pgd 0.3")
    ]
    line = next(line for line in axes.get_lines() if line.get_label() == "PGD, two")
    np.testing.assert_allclose(np.asarray(line.get_xdata(), float), np.array([0, *RADII]))
    np.testing.assert_allclose(np.asarray(line.get_ydata(), float), np.array([interval.value for interval in wanted]))
    labels = [line.get_label() for line in axes.get_lines() if not str(line.get_label()).startswith("_")]
    shown = (*(CALLED[attack] for attack in ("fgsm", "noise", "pgd")), attacks.AUDIT)
    assert labels == [f"{attack}, {name}" for name in ("one", "two") for attack in shown]
    worst = next(line for line in axes.get_lines() if line.get_label() == f"{attacks.AUDIT}, two")
    np.testing.assert_allclose(np.asarray(worst.get_ydata(), float), np.array([90, 40, 10]))
    edges = [np.asarray(band.get_paths()[0].vertices)[:, 1] for band in axes.collections]
    assert any(
        {round(i.low, 6) for i in wanted} | {round(i.high, 6) for i in wanted} == set(np.round(e, 6)) for e in edges
    )


def test_the_kept_epoch_is_circled_where_each_held_out_curve_passes() -> None:
    rows = [{"epoch": k, "val_clean": 90 + k, "val_fgsm": 50 + k, "val_pgd": 40 - k} for k in (1, 2, 3)]
    history = pd.DataFrame([{**row, "train_attacked_accuracy": 20.0} for row in rows])
    axes = attacks.hardening(history, 2, "", PALETTE).axes[0]
    circles = [line for line in axes.get_lines() if line.get_markersize() > 10]
    assert [(line.get_xdata()[0], line.get_ydata()[0]) for line in circles] == [(2, 92), (2, 52), (2, 38)]
    drawn = {str(line.get_label()): list(line.get_ydata()) for line in axes.get_lines()}
    assert drawn["PGD, validation"] == [39, 38, 37] and drawn["clean, validation"] == [91, 92, 93]


def test_the_loss_is_drawn_along_each_direction_with_its_quartiles() -> None:
    axes = drawings(DIGITS, 0.9)["lines"]().axes[0]
    drawn = {str(line.get_label()): np.asarray(line.get_ydata(), float) for line in axes.get_lines()}
    for way, loss in WAYS:
        np.testing.assert_allclose(drawn[way], np.arange(4) * loss)
    edges = [np.asarray(band.get_paths()[0].vertices)[:, 1] for band in axes.collections]
    assert [edge.max() for edge in edges] == pytest.approx([6.0 * loss for _, loss in WAYS])


def test_names_at_the_ends_of_lines_do_not_overlap() -> None:
    random = np.random.default_rng(0)
    for count in (1, 2, 10):
        values = random.uniform(0, 100, count) ** 2 / 100
        places = attacks.spread(values, 6.5, 0, 100)
        assert np.all(np.diff(np.sort(places)) >= 6.5 - 1e-9)
        assert places.min() >= 0 and places.max() <= 100
        assert (np.argsort(places) == np.argsort(values)).all()
    np.testing.assert_array_equal(attacks.spread(np.array([90.0, 10.0, 50.0]), 6.5, 0, 100), [90, 10, 50])


def test_confusion_shows_every_count() -> None:
    counts = np.array([[20, 3], [0, 41]])
    axes: Axes = classifier.confusion("t", {"h": counts}, ("a", "b"), "f", PALETTE).axes[0]
    assert [text.get_text() for text in axes.texts] == ["20", "3", "0", "41"]
    np.testing.assert_allclose(
        np.asarray(axes.get_images()[0].get_array()), counts / counts.sum(1, keepdims=True) * 100
    )


@pytest.mark.parametrize(("classes", "right"), [(LONG, 1.0), (LONG, 0.4), (tuple("0123456789"), 0.6)])
def test_every_figure_is_legible_inside_its_edges_and_names_its_source(classes: tuple[str, ...], right: float) -> None:
    for name, make in drawings(images(classes), right, "grey").items():
        figure = make()
        figure.draw_without_rendering()
        width, height = figure.get_size_inches()
        said = "".join(words(figure).split())
        assert width >= style.WIDTH and height > 1, name
        assert "/a/source/with_a_name_that_is_longer_than_a_line_can_be.zip" in said and "n=" in said, name
        legible(figure, name)


def test_nothing_to_show_is_said() -> None:
    perfect, hopeless = drawings(DIGITS, 1.0), drawings(DIGITS, 0.0)
    assert "No test image is wrong." in words(perfect["misclassified"]())
    assert "No test image is wrong." in words(perfect["mistakes"]())
    assert "Now wrong (true → predicted): none." in words(perfect["fallen"]())
    assert "changes no right prediction" in words(perfect["before_after"]())
    assert "Still right: none." in words(hopeless["fallen"]())
    assert "No image is right for all classifiers." in words(hopeless["radii"]())


def test_the_same_figure_has_the_same_bytes(tmp_path: Path) -> None:
    drawn = drawings(DIGITS, 0.6)
    for name in ("robustness", "report", "fallen"):
        make = drawn[name]
        first = png(make(), tmp_path)
        with matplotlib.rc_context({"font.size": 30, "axes.facecolor": "red", "savefig.dpi": 10}):
            assert png(make(), tmp_path) == first, name
        assert first.startswith(b"\x89PNG") and b"Software" not in first and b"Date" not in first


def test_palettes_differ_in_lightness_where_two_lines_meet() -> None:
    for palette in style.PALETTES.values():
        one, two = (matplotlib.colors.to_rgb(color) for color in palette.lines[:2])
        light = [0.2126 * r + 0.7152 * g + 0.0722 * b for r, g, b in (one, two)]
        assert abs(light[0] - light[1]) > 0.15
        looks = [tuple(map(str, attacks._line(k, palette).values())) for k in range(10)]
        assert len(set(looks)) == 10


def test_wrapped_text_and_sheets_hold_their_width() -> None:
    assert max(len(line) for line in style.wrapped("word " * 100, 9, 4).split("\n")) <= 60
    assert style.fitted("short", 9, 2) == "short"
    assert style.fitted("long name", 9, 0.3).endswith("…")
    assert style.fitted("long name", 9, 0) == "…"
    letters = {
        text: max(k for k in range(len(text) + 1) if style.fitted(text[:k], 9, 0.5) == text[:k])
        for text in ("i" * 40, "W" * 40)
    }
    assert letters["i" * 40] > 2 * letters["W" * 40]  # as wide as it is drawn, not as its letters are many
    for columns in (1, 5, 7):
        for sided in (False, True):
            across = columns * sheet.tile_width(columns, sided) + (columns - 1) * sheet.GAP + sheet.SIDE * sided
            assert across == pytest.approx(style.WIDTH - 2 * sheet.MARGIN)


def test_drawing_imports_no_torch() -> None:
    probe = "import sys, stages.figures_digits, stages.figures_attacks\n"
    probe += "print([name for name in ('torch', 'torchvision', 'matplotlib.pyplot') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", probe], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_the_chart_of_attacks_names_none_of_them() -> None:
    """So that one more is one more row; and it reads what the rows of a sweep have."""
    text = (ROOT / ".dvc/plots/attacks.json").read_text()
    assert not [attack.name for attack in table.ATTACKS if f"'{attack.name}'" in text or f'"{attack.name}"' in text]
    fields = set(re.findall(r'"field": "(\w+)"', text)) - {"filename", "rev"}
    assert fields <= set(curves("cnn", sweep(answers(DIGITS, 0.5), DIGITS))[0])
