"""The numbers of the study beside what they are to be held against: interval, floor, and what the reports say.

README and report page show these rows; neither reads metrics by itself. Accuracies and AUROC in percent.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from visrep.readers.statistics import Interval, auroc, wilson
from visrep.stage import artifacts, params

REPORTED = Path("docs/reported.yaml")
AREA_BY_CHANCE = 50.0  # percent, under a ROC curve
NEW = "new images"  # of which metrics/similarity tells
CLASSIFIERS = {"cnn": "Classifier", "adv_cnn": "Defended classifier"}
ATTACKS = {  # in the order of tables; "<name> <radius>" in plots/fgsm_sweep
    "clean": "clean images",
    "noise": "random noise",
    "fgsm": "FGSM",
    "pgd": "PGD",
    "pgd_more_steps": "PGD, more steps",
    "transfer_fgsm": "FGSM of the undefended",
    "transfer_pgd": "PGD of the undefended",
}


class Quote(NamedTuple):
    """What a report says, and of which images and settings."""

    report: str
    value: float
    setting: str


class Row(NamedTuple):
    """One number of ours; ``floor`` is what no learning reaches as well."""

    name: str
    value: float
    low: float | None = None
    high: float | None = None
    floor: float | None = None
    reported: tuple[Quote, ...] = ()


class Reading(NamedTuple):
    """What is read from an embedding: ``key`` of ``metrics/<stage>/<encoder>.json``."""

    stage: str
    key: str
    name: str
    digits: int = 1


PROBE = Reading("probe", "linear_accuracy", "linear probe")
KNN = Reading("probe", "knn_accuracy", "k-NN")
PRECISION = Reading("retrieval", "precision_at_5", "precision at 5")
AUROC_DIGITS = Reading("anomaly", "auroc_mnist", "AUROC digits")
AUROC_STREET = Reading("anomaly", "auroc_svhn", "AUROC street digits")
SILHOUETTE = Reading("clustering", "silhouette", "silhouette", 3)
NMI = Reading("clustering", "nmi", "NMI", 3)
READINGS = (PROBE, KNN, PRECISION, AUROC_DIGITS, AUROC_STREET, SILHOUETTE, NMI)


class Found:
    """The results of a study: folders ``metrics`` and ``plots``, the reports' numbers, and all parameters."""

    def __init__(self, metrics: Path, plots: Path, reported: Mapping[str, Any], parameters: Mapping[str, Any]) -> None:
        self.metrics, self.plots = metrics, plots
        self.reported, self.parameters = reported, parameters

    @cached_property
    def encoders(self) -> dict[str, str]:
        """Labels by name, floors first."""
        return dict(self.parameters["encoders"])

    def numbers(self, name: str) -> dict[str, float]:
        values: dict[str, float] = artifacts.read_json(self.metrics / f"{name}.json")
        return values

    def details(self, name: str) -> dict[str, Any]:
        values: dict[str, Any] = artifacts.read_json(self.plots / name / "details.json")
        return values

    def picture(self, name: str) -> bytes:
        """The content of ``plots/<name>.png``."""
        return artifacts.read_bytes(self.plots / f"{name}.png")

    def quotes(self, name: str, key: str) -> tuple[Quote, ...]:
        """What the reports say of a number of ``metrics/<name>.json``."""
        entry = self.reported["numbers"].get(name, {}).get(key, {"values": {}})
        return tuple(Quote(str(report), value, entry["setting"]) for report, value in entry["values"].items())


def here() -> Found:
    """The results in the current folder."""
    return Found(Path("metrics"), Path("plots"), params.load(REPORTED), params.load())


def interval(found: Found, name: str, key: str) -> Interval | None:
    """How sure ``key`` of ``metrics/<name>.json`` is: Wilson's interval where it is a share of images, Hanley and
    McNeil's where it is an area under a ROC curve, None elsewhere."""
    stage = name.partition("/")[0]
    if stage == "anomaly" and key.startswith("auroc_"):
        n = found.details(name)["n"]
        return auroc(found.numbers(name)[key], n[key.removeprefix("auroc_")], n["test"])
    if stage == "adv_train" and key.startswith("val_"):
        n = found.details(name)["n"]
        return wilson(round(found.numbers(name)[key] * n / 100), n)
    if stage == "train_cnn" and key.endswith("_accuracy"):
        return _of_classifier(found, key.removesuffix("_accuracy"))
    if stage == "similarity":
        return _of_factor(found, name.partition("/")[2], *key.partition("_")[::2])
    if stage in ("probe", "fgsm_sweep"):
        told = found.details(name)["accuracies"]
        column = key.removesuffix("_accuracy") if stage == "probe" else _attack(key)
        return Interval(**told[column]) if column in told else None
    return None


def _of_classifier(found: Found, split: str) -> Interval:
    told = found.details("train_cnn")
    if split == "test":
        return Interval(**told["accuracy"])
    n = told[{"val": "held_out", "train": "trained"}[split]]
    return wilson(round(found.numbers("train_cnn")[f"{split}_accuracy"] * n / 100), n)


def _of_factor(found: Found, family: str, factor: str, reader: str) -> Interval | None:
    """Of how many new images a reader finds a factor."""
    for row in found.details(f"factors/{family}")["rows"]:
        if (row["images"], row["factor"], row["reader"]) == (NEW, factor, reader):
            return Interval(row["value"], row["low"], row["high"])
    return None


def row(found: Found, name: str, key: str, called: str, floor: float | None = None) -> Row:
    """``key`` of ``metrics/<name>.json`` with all that it is to be held against."""
    value, spread = found.numbers(name)[key], interval(found, name, key)
    low, high = (spread.low, spread.high) if spread else (None, None)
    return Row(called, value, low, high, floor, found.quotes(name, key))


def classifier(found: Found) -> list[Row]:
    """How many images of each split the classifier reads."""
    told = found.details("train_cnn")
    epoch = f"epoch {told['epoch']}"
    return [
        row(found, "train_cnn", "test_accuracy", "test images", told["chance"]),
        row(found, "train_cnn", "val_accuracy", f"held-out images, {epoch}"),
        row(found, "train_cnn", "train_accuracy", f"training images, {epoch}"),
        row(found, "train_cnn", "macro_f1", "macro F1, test images"),
    ]


def attacked(found: Found, model: str, attacks: Sequence[str] | None = None) -> list[Row]:
    """Accuracy of ``model`` under each of ``attacks`` ("fgsm 0.1"; all that were run where it is None)."""
    place = f"fgsm_sweep/{model}"
    told = found.details(place)
    return [
        Row(
            _called(attack),
            *Interval(**told["accuracies"][attack]),
            floor=told["chance"],
            reported=found.quotes(place, _key(attack)),
        )
        for attack in (sorted(told["accuracies"], key=_place) if attacks is None else attacks)
    ]


def headline(found: Found) -> list[Row]:
    """Both classifiers, clean and at the radius at which the gates look."""
    rows = []
    for model, name in CLASSIFIERS.items():
        gate = found.details(f"fgsm_sweep/{model}")["gate_epsilon"]
        seen = attacked(found, model, ("clean", f"fgsm {gate:g}", f"pgd {gate:g}"))
        names = [f"{name}{', ' if place == 0 else ' under '}{one.name}" for place, one in enumerate(seen)]
        rows += [one._replace(name=said) for one, said in zip(seen, names, strict=True)]
    return rows


def failed_gates(found: Found, model: str) -> list[dict[str, Any]]:
    return [gate for gate in found.details(f"fgsm_sweep/{model}")["gates"] if not gate["passed"]]


def reading(found: Found, what: Reading) -> list[Row]:
    """One number of every encoder, floors first."""
    rows = []
    for name, label in found.encoders.items():
        place = f"{what.stage}/{name}"
        floor = AREA_BY_CHANCE if what.stage == "anomaly" else found.details(place).get("chance")
        rows.append(row(found, place, what.key, label, floor))
    return rows


def _place(attack: str) -> tuple[int, float]:
    """Where tables show "fgsm 0.1"."""
    name, _, radius = attack.partition(" ")
    return list(ATTACKS).index(name), float(radius or 0)


def _called(attack: str) -> str:
    """ "fgsm 0.1" as tables call it."""
    name, _, radius = attack.partition(" ")
    return f"{ATTACKS[name]}, ε {radius}" if radius else ATTACKS[name]


def _key(attack: str) -> str:
    """ "fgsm 0.1" as metrics call it."""
    name, _, radius = attack.partition(" ")
    return f"{name}_eps_{radius.replace('.', '_')}" if radius else name


def _attack(key: str) -> str:
    """The inverse of `_key`."""
    name, _, radius = key.partition("_eps_")
    return f"{name} {radius.replace('_', '.', 1)}" if radius else name
