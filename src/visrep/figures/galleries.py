"""Images in rows: which ones are shown, and with what words.

N images, K classes. Nothing is picked by hand: where no order is better, classes take turns, each in the order of the
test set.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from visrep.data.pixels import LEVELS
from visrep.data.store import ImageSet
from visrep.figures import style
from visrep.figures.sheet import Band, Tile, sheet, tile_width
from visrep.robustness import swept
from visrep.robustness.swept import Attack, Swept
from visrep.settings.figures import Figures

ACROSS = 5  # tiles beside each other: more are too small on a phone
TURNS = "Shown: classes in turn, each in the order of the test set."


def confident_mistakes(labels: np.ndarray, shares: np.ndarray, count: int) -> np.ndarray:
    """Indices of at most ``count`` wrong answers of ``shares`` (N, K), the most confident first."""
    wrong = np.flatnonzero(shares.argmax(1) != labels)
    return wrong[np.argsort(-shares[wrong].max(1), kind="stable")[:count]]


def in_turns(labels: np.ndarray, found: np.ndarray, count: int) -> np.ndarray:
    """At most ``count`` of the ascending indices ``found``: the first of each class, the second of each, and so on."""
    classes, ranks = labels[found], np.zeros(len(found), int)
    for k in np.unique(classes):
        ranks[classes == k] = np.arange((classes == k).sum())
    return found[np.lexsort((classes, ranks))[:count]]


def softmax(logits: np.ndarray) -> np.ndarray:
    """(N, K) to (N, K), in float64."""
    powers = np.exp(logits.astype(np.float64) - logits.max(1, keepdims=True))
    shares: np.ndarray = powers / powers.sum(1, keepdims=True)
    return shares


def misclassified(data: ImageSet, logits: np.ndarray, settings: Figures) -> Figure:
    """The most confident wrong answers of ``logits`` (N, K), with the two highest probabilities."""
    labels, shares = data.test.labels, softmax(logits)
    picked = confident_mistakes(labels, shares, settings.examples)
    wrong = int((shares.argmax(1) != labels).sum())
    tiles = []
    for i in picked:
        first, second = np.argsort(-shares[i], kind="stable")[:2]
        lines = [("true", _name(data, labels[i])), *((_name(data, k), _percent(shares[i, k])) for k in (first, second))]
        tiles.append(Tile(data.test.images[i], "\n".join(_pair(data, *line) for line in lines)))
    heading = f"{wrong:,} test images are read wrongly; these {len(picked)} with the most confidence."
    heading += " Below each: the true label, then the two answers held most likely."
    bands = [Band(heading if wrong else "No test image is read wrongly.", _lines(tiles))]
    footer = style.foot(data.source, len(labels), "test images")
    return sheet("Confident mistakes", bands, ACROSS, footer, style.PALETTES[settings.palette])


def mistakes(data: ImageSet, answers: Swept, model: str, settings: Figures) -> Figure:
    """Clean images that a model reads wrongly."""
    labels, clean = data.test.labels, answers.predictions["clean"]
    wrong = np.flatnonzero(clean != labels)
    picked = in_turns(labels, wrong, settings.examples)
    tiles = [Tile(data.test.images[i], _turn(data, labels[i], clean[i])) for i in picked]
    heading = f"{len(wrong):,} images are read wrongly, such as these {len(tiles)} (true → predicted):"
    bands = [Band(heading if tiles else "No test image is read wrongly.", _lines(tiles))]
    footer = style.foot(data.source, len(labels), "test images, none attacked", TURNS)
    title = f"What the {model} classifier misreads, without any attack"
    return sheet(title, bands, ACROSS, footer, style.PALETTES[settings.palette])


def split(labels: np.ndarray, answers: Swept, epsilon: float) -> tuple[np.ndarray, np.ndarray]:
    """Indices of images read rightly before FGSM: those still right after it, and those turned wrong."""
    after = answers.predictions[str(Attack("fgsm", epsilon))] == labels
    before = answers.predictions["clean"] == labels
    return np.flatnonzero(before & after), np.flatnonzero(before & ~after)


def fallen(data: ImageSet, answers: Swept, model: str, epsilon: float, settings: Figures) -> Figure:
    """Attacked images: first those still right, then those turned wrong."""
    labels, name = data.test.labels, str(Attack("fgsm", epsilon))
    bands = []
    for picked, right in zip(split(labels, answers, epsilon), (True, False), strict=True):
        tiles = [
            Tile(image, _turn(data, labels[i], answers.predictions[name][i]), right)
            for i, image in _attacked(data, answers, epsilon, in_turns(labels, picked, settings.examples))
        ]
        said = "Still read rightly" if right else "Turned wrong (true → predicted)"
        bands.append(Band(f"{said}: {len(picked):,} images" if tiles else f"{said}: none.", _lines(tiles)))
    title = f"FGSM at {_radius(epsilon)} against the {model} classifier"
    footer = style.foot(data.source, _right(labels, answers), "test images read rightly before", TURNS)
    return sheet(title, bands, ACROSS, footer, style.PALETTES[settings.palette])


def before_after(data: ImageSet, answers: Swept, model: str, epsilon: float, settings: Figures) -> Figure:
    """Images right before and wrong after FGSM: clean, attacked, and what was added."""
    labels, name = data.test.labels, str(Attack("fgsm", epsilon))
    _, turned = split(labels, answers, epsilon)
    picked = in_turns(labels, turned, settings.examples)
    clean = [Tile(data.test.images[i], _name(data, labels[i]), True) for i in picked]
    attacked = _attacked(data, answers, epsilon, picked)
    after = [Tile(image, _name(data, answers.predictions[name][i]), False) for i, image in attacked]
    change = [Tile(image) for image in changes(data, answers, epsilon, picked)]
    sides = ("clean", "attacked", "change")
    starts = range(0, len(picked), ACROSS)
    bands = [Band("", [part[i : i + ACROSS] for part in (clean, after, change)], sides) for i in starts]
    heading = f"Right before, wrong after: {len(turned):,} images. Below each: what the classifier reads."
    heading += f" The change is shown {1 / epsilon:.3g} times as strong, grey is no change."
    bands.insert(0, Band(heading if len(turned) else "The attack turns no image from right to wrong.", []))
    title = f"What FGSM at {_radius(epsilon)} does to the {model} classifier"
    footer = style.foot(data.source, _right(labels, answers), "test images read rightly before", TURNS)
    return sheet(title, bands, ACROSS, footer, style.PALETTES[settings.palette])


def changes(data: ImageSet, answers: Swept, epsilon: float, picked: np.ndarray) -> np.ndarray:
    """What FGSM adds to the ``picked`` images, so magnified that epsilon is white and -epsilon black: uint8."""
    images, bits = data.test.images[picked], answers.signs[picked]
    return swept.shown((swept.fgsm(images, bits, epsilon) - swept.scaled(images)) / epsilon)


def one_of_each(labels: np.ndarray, answers: Sequence[Swept], count: int) -> np.ndarray:
    """Indices of at most ``count`` images that every model reads rightly: the first of its class, for classes spread
    evenly over all that have one."""
    right = np.logical_and.reduce([found.predictions["clean"] == labels for found in answers])
    _, places = np.unique(labels[right], return_index=True)
    firsts: np.ndarray = np.flatnonzero(right)[places]
    spread: np.ndarray = np.linspace(0, len(firsts) - 1, min(count, len(firsts))).round().astype(int)
    return firsts.take(spread)


def radii(data: ImageSet, answers: Mapping[str, Swept], epsilons: Sequence[float], settings: Figures) -> Figure:
    """The same images at every radius, each attacked against each model by name, with what that model reads."""
    labels = data.test.labels
    picked = one_of_each(labels, list(answers.values()), (settings.examples + 1) // 2)
    tops = ["clean", *(f"ε {epsilon:g}" for epsilon in epsilons)]
    bands = []
    for i in picked:
        rows = [_at_every_radius(data, found, epsilons, i) for found in answers.values()]
        bands.append(Band(f"True: {data.classes[labels[i]]}", rows, tuple(answers), tops))
    heading = "FGSM at growing radius ε, from left to right. Each row is attacked through the classifier named"
    heading += " at its left; below each image, what that classifier reads."
    bands.insert(0, Band(heading if len(picked) else "No image is read rightly by every classifier.", []))
    shown = "Shown: of some classes the first image that all classifiers read rightly."
    footer = style.foot(data.source, len(labels), "test images", shown)
    title = "How far can you still read them, and how far can the classifiers?"
    return sheet(title, bands, len(tops), footer, style.PALETTES[settings.palette])


def _at_every_radius(data: ImageSet, answers: Swept, epsilons: Sequence[float], i: int) -> list[Tile]:
    """One image, clean and attacked at each radius."""
    columns = ("clean", *(str(Attack("fgsm", epsilon)) for epsilon in epsilons))
    label, width = data.test.labels[i], tile_width(len(columns), sided=True)
    images = [image for epsilon in (0.0, *epsilons) for _, image in _attacked(data, answers, epsilon, np.array([i]))]
    said = [answers.predictions[column][i] for column in columns]
    return [
        Tile(image, style.fitted(data.classes[k], style.SMALL, width - 0.15), bool(k == label))
        for image, k in zip(images, said, strict=True)
    ]


def _attacked(data: ImageSet, answers: Swept, epsilon: float, picked: np.ndarray) -> list[tuple[int, np.ndarray]]:
    """(index, attacked image) of each of the ``picked``."""
    images = swept.shown(swept.fgsm(data.test.images[picked], answers.signs[picked], epsilon))
    return list(zip(picked.tolist(), images, strict=True))


def _lines(tiles: Sequence[Tile]) -> list[Sequence[Tile]]:
    return [tiles[i : i + ACROSS] for i in range(0, len(tiles), ACROSS)]


def _right(labels: np.ndarray, answers: Swept) -> int:
    return int((answers.predictions["clean"] == labels).sum())


def _radius(epsilon: float) -> str:
    return f"ε {epsilon:g} ({epsilon * LEVELS:.4g} of 255 grey levels)"


def _pair(data: ImageSet, left: str, right: str) -> str:
    """``left: right``, on two lines where the classes have long names."""
    return f"{left}:{' ' if max(map(len, data.classes)) <= 2 else chr(10)}{right}"


def _percent(share: float) -> str:
    return "> 99.9 %" if share > 0.9995 else "< 0.1 %" if share < 0.0005 else f"{100 * share:.1f} %"


def _name(data: ImageSet, k: int) -> str:
    """A class's name, cut to leave room for a mark."""
    return style.fitted(data.classes[k], style.SMALL, tile_width(ACROSS) - 0.15)


def _turn(data: ImageSet, true: int, predicted: int) -> str:
    """What is true and what is read, on two lines where names are long; one name where they agree."""
    if true == predicted:
        return _name(data, true)
    both = f"{data.classes[true]} → {data.classes[predicted]}"
    return both if len(both) <= 7 else f"{_name(data, true)}\n→ {_name(data, predicted)}"
