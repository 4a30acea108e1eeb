"""The numbers of the study beside what they are to be held against: interval, floor, and what the reports say.

README and report page show these rows; neither reads metrics by itself. Accuracies and AUROC in percent.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from visrep import artifacts, params
from visrep.statistics import Interval, auroc

REPORTED = Path("docs/reported.yaml")
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


def classifier(found: Found) -> Row:
    """How many test images the classifier reads."""
    told = found.details("train_cnn")
    return _row("test images", told["accuracy"], told["chance"], found.quotes("train_cnn", "test_accuracy"))


def attacked(found: Found, model: str, attacks: Sequence[str] | None = None) -> list[Row]:
    """Accuracy of ``model`` under each of ``attacks`` ("fgsm 0.1"; all that were run where it is None)."""
    told = found.details(f"fgsm_sweep/{model}")
    place = f"fgsm_sweep/{model}"
    return [
        _row(_called(attack), told["accuracies"][attack], told["chance"], found.quotes(place, _key(attack)))
        for attack in (sorted(told["accuracies"], key=_place) if attacks is None else attacks)
    ]


def headline(found: Found) -> list[Row]:
    """Both classifiers, clean and at the radius at which the gates look."""
    rows = []
    for model, name in CLASSIFIERS.items():
        gate = found.details(f"fgsm_sweep/{model}")["gate_epsilon"]
        seen = attacked(found, model, ("clean", f"fgsm {gate:g}", f"pgd {gate:g}"))
        names = [f"{name}{', ' if place == 0 else ' under '}{row.name}" for place, row in enumerate(seen)]
        rows += [row._replace(name=said) for row, said in zip(seen, names, strict=True)]
    return rows


def failed_gates(found: Found, model: str) -> list[dict[str, Any]]:
    return [gate for gate in found.details(f"fgsm_sweep/{model}")["gates"] if not gate["passed"]]


def reading(found: Found, what: Reading) -> list[Row]:
    """One number of every encoder, floors first."""
    return [_read(found, what, name, label) for name, label in found.encoders.items()]


def _read(found: Found, what: Reading, name: str, label: str) -> Row:
    value, told = found.numbers(f"{what.stage}/{name}")[what.key], found.details(f"{what.stage}/{name}")
    row = Row(label, value, reported=found.quotes(f"{what.stage}/{name}", what.key))
    match what:
        case Reading("probe", key):
            spread = told["accuracies"][key.removesuffix("_accuracy")]
            return row._replace(low=spread["low"], high=spread["high"], floor=told["chance"])
        case Reading("anomaly", key):
            spread = auroc(value, told["n"][key.removeprefix("auroc_")], told["n"]["test"])
            return row._replace(low=spread.low, high=spread.high, floor=50.0)
        case Reading("retrieval"):
            return row._replace(floor=told["chance"])
    return row


def _row(name: str, told: Mapping[str, float], floor: float, reported: tuple[Quote, ...]) -> Row:
    return Row(name, *Interval(told["value"], told["low"], told["high"]), floor, reported)


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
