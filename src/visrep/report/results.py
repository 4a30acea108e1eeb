"""The numbers of the study with intervals, baselines and the numbers of the reports.

README and report page show these rows; neither reads results by itself. Accuracies and AUROC in percent.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from types import ModuleType
from typing import Any, NamedTuple, TypeVar

from visrep import files, records, registry
from visrep.audit.results import Audit
from visrep.digits import swept
from visrep.digits.results import CLASSIFIERS, Attacked, Classifier, Sweep
from visrep.measures import statistics
from visrep.measures.statistics import Spread
from visrep.records import Column, Interval, Number, Tabulated
from visrep.replicates import results as replicated
from visrep.representations.results import Training
from visrep.stage import params

R = TypeVar("R")
REPORTED = Path("docs/reported.yaml")
PGD = "pgd"  # the attack of the headline, beside FGSM


class Quote(NamedTuple):
    """What a report says, and of which images and settings."""

    report: str
    value: float
    setting: str


class Row(NamedTuple):
    """One number of ours; ``baseline`` is the score reached without any learning; ``runs`` are the number in all runs
    of the training, the main one first, where there is more than that."""

    name: str
    value: float
    low: float | None = None
    high: float | None = None
    baseline: float | None = None
    reported: tuple[Quote, ...] = ()
    runs: tuple[float, ...] = ()

    @property
    def spread(self) -> Spread | None:
        return statistics.spread(self.runs) if self.runs else None


class Evaluation(NamedTuple):
    """How one evaluation is tabulated, and its results by encoder."""

    name: str
    tabulated: Tabulated
    results: Mapping[str, Any]


class StudyResults:
    """The results of a study: the folders ``plots`` and ``replicates``, the reports' numbers, and all parameters."""

    def __init__(
        self, plots: Path, replicates: Path, reported: Mapping[str, Any], parameters: Mapping[str, Any]
    ) -> None:
        self.plots, self._replicates = plots, replicates
        self.reported, self.parameters = reported, parameters

    @cached_property
    def replicates(self) -> replicated.AllRuns:
        return replicated.AllRuns(self._replicates, self.plots, self.parameters)

    @cached_property
    def encoders(self) -> dict[str, str]:
        """Labels by name, baselines first."""
        return dict(self.parameters["encoders"])

    @property
    def baselines(self) -> list[str]:
        """The names of the baselines."""
        return [name for name in self.encoders if name in self.parameters["baselines"]]

    @cached_property
    def evaluations(self) -> dict[str, Evaluation]:
        """All that are made of every encoder, by name, in the order of params.yaml."""
        modules = registry.every("visrep.evaluations")
        return {name: self._evaluation(name, modules[name]) for name in self.parameters if name in modules}

    def _evaluation(self, name: str, module: ModuleType) -> Evaluation:
        by_encoder = {encoder: self.record(f"{name}/{encoder}", module.Result) for encoder in self.encoders}
        return Evaluation(name, module.tabulated(next(iter(by_encoder.values()))), by_encoder)

    @property
    def repeated(self) -> bool:
        """Whether there are replicates."""
        return bool(self.replicates.seeds)

    @cached_property
    def trainings(self) -> dict[str, Training]:
        """Of every encoder that a method trained, by the place of its results."""
        places = ["vicreg", "no_generated_neighbors"]
        places += [f"methods/{name}" for name in self.parameters["methods"]]
        places += [f"ablations/{name}" for name in self.parameters["ablations"]]
        return {place: self.record(place, Training) for place in places}

    @cached_property
    def classifier(self) -> Classifier:
        return self.record("train_cnn", Classifier)

    @cached_property
    def sweeps(self) -> dict[str, Sweep]:
        """By the name of the classifier's weights."""
        return {model: self.record(f"fgsm_sweep/{model}", Sweep) for model in CLASSIFIERS}

    @cached_property
    def classifiers(self) -> dict[str, str]:
        """What all that are attacked are called, by the name of their weights."""
        return dict(self.parameters["classifiers"])

    @cached_property
    def audits(self) -> dict[str, Audit]:
        """By the name of the classifier's weights."""
        return {model: self.record(f"audit/{model}", Audit) for model in self.classifiers}

    def record(self, name: str, kind: type[R]) -> R:
        return records.read(self.plots / name / "details.json", kind)

    def picture(self, name: str) -> bytes:
        """The content of ``plots/<name>.png``."""
        return files.read_bytes(self.plots / f"{name}.png")

    def quotes(self, name: str, key: str) -> tuple[Quote, ...]:
        """What the reports say of a number of ``metrics/<name>.json``."""
        entry = self.reported["numbers"].get(name, {}).get(key, {"values": {}})
        return tuple(Quote(str(report), value, entry["setting"]) for report, value in entry["values"].items())


def here() -> StudyResults:
    """The results in the current folder."""
    return StudyResults(Path("plots"), replicated.FOLDER, params.load(REPORTED), params.load())


def row(study: StudyResults, name: str, number: Number, file: str, key: str, baseline: float | None = None) -> Row:
    """A number by its ``key`` in ``metrics/<file>.json``, with all that is known of it."""
    value = number.value if isinstance(number, Interval) else number
    low, high = (number.low, number.high) if isinstance(number, Interval) else (None, None)
    runs = tuple(study.replicates.runs(file, key, value).values())
    return Row(name, value, low, high, baseline, study.quotes(file, key), runs if len(runs) > 1 else ())


def classifier(study: StudyResults) -> list[Row]:
    """Accuracy of the classifier on each split."""
    result = study.classifier
    metrics, epoch = result.metrics, f"epoch {result.epoch}"
    return [
        row(study, "test images", metrics.test_accuracy, "train_cnn", "test_accuracy", result.chance),
        row(study, f"validation images, {epoch}", metrics.val_accuracy, "train_cnn", "val_accuracy"),
        row(study, f"training images, {epoch}", metrics.train_accuracy, "train_cnn", "train_accuracy"),
        row(study, "macro F1, test images", metrics.macro_f1, "train_cnn", "macro_f1"),
    ]


def attacked(study: StudyResults, model: str) -> list[Row]:
    """Accuracy of ``model`` on clean images and under every attack that was run."""
    sweep = study.sweeps[model]
    clean = row(study, "clean images", sweep.clean, f"fgsm_sweep/{model}", "clean", sweep.chance)
    return [clean, *(_attacked(study, model, one) for one in sweep.attacks)]


def _attacked(study: StudyResults, model: str, one: Attacked) -> Row:
    key = swept.key(one.attack, one.epsilon)
    named = f"{one.name}, ε {one.epsilon:g}"
    return row(study, named, one.accuracy, f"fgsm_sweep/{model}", key, study.sweeps[model].chance)


def headline(study: StudyResults) -> list[Row]:
    """Both classifiers at the radius at which the gates compare: clean, under FGSM and PGD, and what is robust."""
    rows = []
    for model, name in {"cnn": "Classifier", "adv_cnn": "Defended classifier"}.items():
        sweep = study.sweeps[model]
        rows.append(attacked(study, model)[0]._replace(name=f"{name}, clean images"))
        for attack in (swept.FGSM, PGD):
            (one,) = (o for o in sweep.attacks if (o.attack, o.epsilon) == (attack, sweep.gate_epsilon))
            under = _attacked(study, model, one)
            rows.append(under._replace(name=f"{name} under {under.name}"))
        rows.append(robust(study, model, f"{name}, robust at ε {sweep.gate_epsilon:g}"))
    return rows


def robust(study: StudyResults, model: str, name: str) -> Row:
    """Robust accuracy at the radius of the gates."""
    audited = study.audits[model]
    return row(study, name, audited.left(audited.gate_epsilon), f"audit/{model}", "worst", study.sweeps[model].chance)


def reading(study: StudyResults, evaluation: Evaluation, column: Column) -> list[Row]:
    """One number of every encoder, baselines first."""
    return [
        row(study, label, column.read(result), f"{evaluation.name}/{name}", column.key, column.chance(result))
        for (name, label), result in zip(study.encoders.items(), evaluation.results.values(), strict=True)
    ]


def readings(study: StudyResults) -> list[tuple[Column, Sequence[Row]]]:
    """The numbers of every encoder that a glance should hold."""
    return [
        (column, reading(study, evaluation, column))
        for evaluation in study.evaluations.values()
        for column in evaluation.tabulated.columns
        if column.headline
    ]


def interval(plots: Path, name: str, key: str) -> Interval | None:
    """How sure ``key`` of ``metrics/<name>.json`` is, as the stage that measured it says; None where it does not."""
    path = plots / name / "details.json"
    number = files.read_json(path).get("metrics", {}).get(key) if path.exists() else None
    return Interval(**number) if isinstance(number, dict) else None
