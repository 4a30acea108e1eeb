"""Classifiers under attack: accuracy, classes, and attacked images.

N images, K classes, R radii; accuracies in percent; epsilon in the units of the network's input, [-1, 1]. Images are
not picked by hand: classes take turns, each in the order of the test set.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from visrep.audit.results import Audit
from visrep.data.pixels import LEVELS
from visrep.data.store import ImageSet
from visrep.digits import swept
from visrep.digits.results import Sweep
from visrep.digits.swept import FGSM, Swept
from visrep.figures import style
from visrep.figures.sheet import ACROSS, Band, Tile, class_name, in_rows, in_turns, sheet, tile_width
from visrep.settings.figures import Figures

TRAINING = "train_attacked_accuracy"
HARDENING = {  # columns of the history of a defence
    "val_clean": "clean, validation",
    "val_fgsm": "FGSM, validation",
    "val_pgd": "PGD, validation",
    TRAINING: "attacked, training",
}
AUDIT = "audit"
EPSILON = "radius ε of the attack (inputs lie in [-1, 1])"
GREY_LEVELS = "ε in grey levels of 255"


@style.house
def hardening(history: pd.DataFrame, chosen: int, footer: str, palette: style.Palette) -> Figure:
    """Accuracy of a classifier in defence training by epoch, on validation images, clean and attacked, and on attacked
    training images; ``chosen`` is the selected epoch."""
    kept = history[history.epoch == chosen].iloc[0]
    figure = style.chart(4.4, f"Adversarial training: epoch {chosen} is selected", footer)
    axes, below = figure.subplots(2, 1, height_ratios=[8, 1.5])
    for place, (column, name) in enumerate(HARDENING.items()):
        dash, marker = style.DASHES[place % len(style.DASHES)], style.MARKERS[place]
        look = {"color": palette.lines[place % len(palette.lines)], "ls": dash, "marker": marker, "clip_on": False}
        axes.plot(history.epoch, history[column], label=name, **look)
        if column != TRAINING:
            axes.plot([chosen], [kept[column]], "o", ms=12, mfc="none", mec=style.INK, mew=1.4, clip_on=False)
    axes.axvline(chosen, color=style.PALE, lw=1, ls=":", zorder=1)
    style.percent(axes)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.set_xlabel("epoch")
    below.axis("off")
    below.legend(*axes.get_legend_handles_labels(), loc="upper center", ncols=2, borderpad=0, columnspacing=1)
    return figure


@style.house
def robustness(sweeps: Mapping[str, Sweep], audits: Mapping[str, Audit], footer: str, palette: style.Palette) -> Figure:
    """Accuracy against radius of each classifier by name, under noise, the attacks of the charts and those of the
    audit, with 95 % intervals and the most frequent class."""
    curves = {name: _curves(sweep, audits[name]) for name, sweep in sweeps.items()}
    height = 1.2 * style.LINE * style.SMALL * (1 + max(map(len, curves.values())))  # inches of the key
    figure = style.chart(4.2 + height, "Accuracy under attack against its radius", footer)
    axes, below = figure.subplots(2, 1, height_ratios=[4.2, height])
    reach = max(epsilon for sweep in sweeps.values() for epsilon in sweep.radii("noise"))
    for place, (name, every) in enumerate(curves.items()):
        for k, (attack, points) in enumerate(every.items()):
            color = palette.lines[place % len(palette.lines)]
            look = {"color": color, "ls": style.DASHES[k % len(style.DASHES)], "marker": style.MARKERS[k]}
            near = [point for point in points if point[0] <= reach]
            epsilons, values, lows, highs = zip(*near, strict=True)
            face = color if place == 0 else "white"
            wide = {"lw": 2.8} if attack == AUDIT else {}
            axes.plot(epsilons, values, label=f"{attack}, {name}", mfc=face, clip_on=False, **look, **wide)
            axes.fill_between(epsilons, lows, highs, color=color, alpha=0.2, lw=0)
    chance = max(sweep.chance for sweep in sweeps.values())
    _radii(axes, reach)
    below.axis("off")
    handles, names = axes.get_legend_handles_labels()
    first = len(next(iter(curves.values())))  # columns are filled one after the other, the first with one line more
    constant = axes.axhline(chance, color=style.INK, lw=1.2, ls=(0, (1, 2)), marker="")
    handles.insert(first, constant)
    names.insert(first, f"most frequent class: {chance:.1f}")
    below.legend(handles, names, loc="upper center", ncols=len(curves), borderpad=0, columnspacing=1, handlelength=2.6)
    return figure


def _curves(sweep: Sweep, audit: Audit) -> dict[str, list[tuple[float, float, float, float]]]:
    """Points (epsilon, accuracy, low, high) of the attacks of the charts and of the audit, by name, each from the clean
    accuracy on."""
    clean = (0.0, sweep.clean.value, sweep.clean.low, sweep.clean.high)
    curves: dict[str, list[tuple[float, float, float, float]]] = {}
    for row in sorted((row for row in sweep.attacks if row.charted), key=lambda row: row.epsilon):
        point = (row.epsilon, row.accuracy.value, row.accuracy.low, row.accuracy.high)
        curves.setdefault(row.name, [clean]).append(point)
    audited = [(0.0, audit.clean), *((one.epsilon, one.accuracy) for one in audit.curve)]
    curves[AUDIT] = [(epsilon, right.value, right.low, right.high) for epsilon, right in audited]
    return curves


def _radii(axes: Axes, reach: float) -> None:
    """Axes of accuracy against radius, in input units below and grey levels above."""
    style.percent(axes)
    axes.set_xlim(0, reach)
    axes.margins(x=0.02)
    axes.set_xlabel(EPSILON)
    top = axes.secondary_xaxis("top", functions=(lambda x: np.multiply(x, LEVELS), lambda x: np.divide(x, LEVELS)))
    top.set_xlabel(GREY_LEVELS)


@style.house
def per_class(
    shares: Mapping[str, np.ndarray],
    radii: Sequence[float],
    classes: Sequence[str],
    footer: str,
    palette: style.Palette,
) -> Figure:
    """Accuracy of each class against radius, one panel a classifier, by name; ``shares`` (1 + R, K), clean first."""
    figure = style.chart(3.1 * len(shares) + 0.3, "Accuracy of each class under FGSM", footer)
    panels = figure.subplots(len(shares), 1, sharex=True, squeeze=False)[:, 0]
    for axes, (name, table) in zip(panels, shares.items(), strict=True):
        for k, line in enumerate(table.T):
            axes.plot((0, *radii), line, **_line(k, palette), clip_on=False)
        _ends(axes, max(radii), table[-1], [style.fitted(label, style.SMALL, 1.2) for label in classes], palette)
        style.percent(axes)
        axes.set_xlim(0, max(radii))
        axes.set_title(f"{name} classifier", loc="left", fontweight="bold")
    panels[-1].set_xlabel(EPSILON)
    return figure


def _line(k: int, palette: style.Palette) -> dict[str, Any]:
    """Color, dash and marker of the k-th line: no two of the first ten agree in all three."""
    cycles = {"color": palette.lines, "ls": style.DASHES, "marker": style.MARKERS}
    return {"ms": 4.5} | {name: cycle[k % len(cycle)] for name, cycle in cycles.items()}


def _ends(axes: Axes, x: float, values: np.ndarray, names: Sequence[str], palette: style.Palette) -> None:
    """The marker and name of each line at its end, pushed apart where they would overlap."""
    shown = [k for k in range(len(names)) if np.isfinite(values[k])]
    near, far = 1.06 * x, 1.09 * x
    for k, y in zip(shown, spread(values[shown], 6.5, 0, 100), strict=True):
        axes.plot((x, near), (values[k], y), color="#bbbbbb", lw=0.7, clip_on=False, zorder=1)
        axes.plot([near], [y], clip_on=False, **_line(k, palette))
        axes.text(far, y, names[k], va="center_baseline", fontsize=style.SMALL)


def spread(values: np.ndarray, gap: float, low: float, high: float) -> np.ndarray:
    """(K,) places near ``values``, at least ``gap`` apart where K of them fit between ``low`` and ``high``."""
    order = np.argsort(values, kind="stable")
    places = values[order].astype(float)
    for i in range(len(places)):
        places[i] = max(places[i], low if i == 0 else places[i - 1] + gap)
    for i in reversed(range(len(places))):
        places[i] = min(places[i], high if i == len(places) - 1 else places[i + 1] - gap)
    return places[np.argsort(order)]


TURNS = "Shown: classes in turn, each in the order of the test set."


def mistakes(data: ImageSet, answers: Swept, model: str, settings: Figures) -> Figure:
    """Clean images that a model gets wrong."""
    labels, clean = data.test.labels, answers.clean
    wrong = np.flatnonzero(clean != labels)
    picked = in_turns(labels, wrong, settings.examples)
    tiles = [Tile(data.test.images[i], _turn(data, labels[i], clean[i])) for i in picked]
    heading = f"{len(wrong):,} images are wrong, such as these {len(tiles)} (true → predicted):"
    bands = [Band(heading if tiles else "No test image is wrong.", in_rows(tiles))]
    footer = style.foot(data.source, len(labels), "test images, none attacked", TURNS)
    title = f"Mistakes of the {model} classifier on clean images"
    return sheet(title, bands, ACROSS, footer, style.PALETTES[settings.palette])


def split(labels: np.ndarray, answers: Swept, epsilon: float) -> tuple[np.ndarray, np.ndarray]:
    """Indices of images that are right before FGSM: those that stay right, and those that become wrong."""
    after = answers.under(FGSM, epsilon) == labels
    before = answers.clean == labels
    return np.flatnonzero(before & after), np.flatnonzero(before & ~after)


def fallen(data: ImageSet, answers: Swept, model: str, epsilon: float, settings: Figures) -> Figure:
    """Attacked images: first those that stay right, then those that become wrong."""
    labels = data.test.labels
    bands = []
    for picked, right in zip(split(labels, answers, epsilon), (True, False), strict=True):
        tiles = [
            Tile(image, _turn(data, labels[i], answers.under(FGSM, epsilon)[i]), right)
            for i, image in _attacked(data, answers, epsilon, in_turns(labels, picked, settings.examples))
        ]
        heading = "Still right" if right else "Now wrong (true → predicted)"
        bands.append(Band(f"{heading}: {len(picked):,} images" if tiles else f"{heading}: none.", in_rows(tiles)))
    title = f"FGSM at {_radius(epsilon)} against the {model} classifier"
    footer = style.foot(data.source, _right(labels, answers), "test images that are right when clean", TURNS)
    return sheet(title, bands, ACROSS, footer, style.PALETTES[settings.palette])


def before_after(data: ImageSet, answers: Swept, model: str, epsilon: float, settings: Figures) -> Figure:
    """Images right before and wrong after FGSM: clean, attacked, and what was added."""
    labels = data.test.labels
    _, turned = split(labels, answers, epsilon)
    picked = in_turns(labels, turned, settings.examples)
    clean = [Tile(data.test.images[i], class_name(data, labels[i]), True) for i in picked]
    attacked = _attacked(data, answers, epsilon, picked)
    after = [Tile(image, class_name(data, answers.under(FGSM, epsilon)[i]), False) for i, image in attacked]
    change = [Tile(image) for image in changes(data, answers, epsilon, picked)]
    sides = ("clean", "attacked", "change")
    starts = range(0, len(picked), ACROSS)
    bands = [Band("", [part[i : i + ACROSS] for part in (clean, after, change)], sides) for i in starts]
    heading = f"Right before, wrong after: {len(turned):,} images. Below each: the prediction."
    heading += f" The change is shown {1 / epsilon:.3g} times as strong, grey is no change."
    bands.insert(0, Band(heading if len(turned) else "The attack changes no right prediction.", []))
    title = f"FGSM at {_radius(epsilon)} against the {model} classifier: before and after"
    footer = style.foot(data.source, _right(labels, answers), "test images that are right when clean", TURNS)
    return sheet(title, bands, ACROSS, footer, style.PALETTES[settings.palette])


def changes(data: ImageSet, answers: Swept, epsilon: float, picked: np.ndarray) -> np.ndarray:
    """What FGSM adds to the ``picked`` images, so magnified that epsilon is white and -epsilon black: uint8."""
    images, bits = data.test.images[picked], answers.signs[picked]
    return swept.shown((swept.fgsm(images, bits, epsilon) - swept.scaled(images)) / epsilon)


def one_of_each(labels: np.ndarray, answers: Sequence[Swept], count: int) -> np.ndarray:
    """Indices of at most ``count`` images that all models get right: the first of its class, for classes spread
    evenly over all that have one."""
    right = np.logical_and.reduce([one.clean == labels for one in answers])
    _, places = np.unique(labels[right], return_index=True)
    firsts: np.ndarray = np.flatnonzero(right)[places]
    spread: np.ndarray = np.linspace(0, len(firsts) - 1, min(count, len(firsts))).round().astype(int)
    return firsts.take(spread)


def radii(data: ImageSet, answers: Mapping[str, Swept], epsilons: Sequence[float], settings: Figures) -> Figure:
    """The same images at every radius, each attacked against each model by name, with its predictions."""
    labels = data.test.labels
    picked = one_of_each(labels, list(answers.values()), (settings.examples + 1) // 2)
    tops = ["clean", *(f"ε {epsilon:g}" for epsilon in epsilons)]
    bands = []
    for i in picked:
        rows = [_at_every_radius(data, one, epsilons, i) for one in answers.values()]
        bands.append(Band(f"True: {data.classes[labels[i]]}", rows, tuple(answers), tops))
    heading = "FGSM at growing radius ε, from left to right. Each row is attacked through the classifier named"
    heading += " at its left; below each image, its prediction."
    bands.insert(0, Band(heading if len(picked) else "No image is right for all classifiers.", []))
    shown = "Shown: the first image of some classes that all classifiers get right."
    footer = style.foot(data.source, len(labels), "test images", shown)
    title = "The same images at every radius"
    return sheet(title, bands, len(tops), footer, style.PALETTES[settings.palette])


def _at_every_radius(data: ImageSet, answers: Swept, epsilons: Sequence[float], i: int) -> list[Tile]:
    """One image, clean and attacked at each radius."""
    label, width = data.test.labels[i], tile_width(1 + len(epsilons), sided=True)
    images = [image for epsilon in (0.0, *epsilons) for _, image in _attacked(data, answers, epsilon, np.array([i]))]
    predictions = [answers.clean[i], *(answers.under(FGSM, epsilon)[i] for epsilon in epsilons)]
    return [
        Tile(image, style.fitted(data.classes[k], style.SMALL, width - 0.15), bool(k == label))
        for image, k in zip(images, predictions, strict=True)
    ]


def _attacked(data: ImageSet, answers: Swept, epsilon: float, picked: np.ndarray) -> list[tuple[int, np.ndarray]]:
    """(index, attacked image) of each of the ``picked``."""
    images = swept.shown(swept.fgsm(data.test.images[picked], answers.signs[picked], epsilon))
    return list(zip(picked.tolist(), images, strict=True))


def _right(labels: np.ndarray, answers: Swept) -> int:
    return int((answers.clean == labels).sum())


def _radius(epsilon: float) -> str:
    return f"ε {epsilon:g} ({epsilon * LEVELS:.4g} of 255 grey levels)"


def _turn(data: ImageSet, true: int, predicted: int) -> str:
    """The true and the predicted class, on two lines where names are long; one name where they agree."""
    if true == predicted:
        return class_name(data, true)
    both = f"{data.classes[true]} → {data.classes[predicted]}"
    return both if len(both) <= 7 else f"{class_name(data, true)}\n→ {class_name(data, predicted)}"
