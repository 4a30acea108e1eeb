"""Anomaly detection by the distance to the training images: objects are normal, other sets are anomalies.

N training images, Q queries, A normal images, B anomalous ones, D dimensions. Anomalies are the positives.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal, NamedTuple, Self

import numpy as np
from pydantic import Field, PositiveInt, model_validator

from visrep.data.store import ImageSet, sample
from visrep.errors import Failure
from visrep.files import significant
from visrep.measures import neighbors, scalings, spread, statistics
from visrep.records import Column, Interval, Number, Tabulated
from visrep.representations import embeddings
from visrep.settings.base import Section
from visrep.settings.evaluations import Validation
from visrep.settings.representations import AnomalousSets

Kind = Literal["raw", "standardised", "unit"]
KINDS: tuple[Kind, ...] = ("raw", "standardised", "unit")
NORMAL = "test"  # the set of the normal images, among scores
SHOWN = 7  # most anomalous images, as in the reports
CHANCE = 50.0  # percent, under the ROC curve of guesses
ALARMS = 5.0  # percent of the normal images, where false alarms are counted by class
CHOSEN, MAHALANOBIS = "chosen", "Mahalanobis"
Scores = dict[str, np.ndarray]  # by set: those of `NORMAL` (A,), and of each anomalous one (B,)


class Ways(NamedTuple):
    """The scores of one way of scoring: of test images, and of the images by which the way is selected."""

    test: Scores
    validation: Scores


class Settings(Section):
    sets: AnomalousSets
    validation: Validation
    score: str
    k: Annotated[tuple[PositiveInt, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _score_is_a_way(self) -> Self:
        if self.score not in (CHOSEN, *ways(self.k)):
            raise ValueError(f"score {self.score!r} is neither {CHOSEN} nor one of {', '.join(ways(self.k))}")
        return self


def ways(k: Sequence[int]) -> list[str]:
    """The names of all ways of scoring: how the embedding is scaled, and what is measured in it."""
    return [f"{kind}, {score}" for kind in KINDS for score in (*(f"{each} nearest" for each in k), MAHALANOBIS)]


@dataclass(frozen=True)
class Separation:
    """Percent: the areas under the ROC and the precision-recall curve, and the false alarms among normal images where
    95 % of the anomalies are detected.

    By chance: 50, the share of anomalies, and 95 (or 100 where all scores are equal).
    """

    auroc: float
    aupr: float
    fpr95: float


@dataclass(frozen=True)
class Scored:
    """How well one ``way`` of scoring separates one set of ``anomalies``; ``scored`` names both. ``validation`` is the
    AUROC on images of that set and training objects that are no test images; 0 where there are none."""

    way: str
    anomalies: str
    scored: str
    auroc: float
    aupr: float
    fpr95: float
    validation: float


@dataclass(frozen=True)
class Strange:
    """An image by its ``set`` and its ``index`` there."""

    set: str
    index: int
    score: float


@dataclass(frozen=True)
class Roc:
    """A curve: shares of false alarms, and of detected anomalies."""

    anomalies: str
    fpr: tuple[float, ...]
    tpr: tuple[float, ...]


@dataclass(frozen=True)
class ClassArea:
    """How well the ``n`` images of one class of a ``set`` stand out: by their area under the ROC curve."""

    set: str
    label: str
    n: int
    auroc: float


@dataclass(frozen=True)
class Alarm:
    """Percent of the ``n`` normal images of a class that are false alarms, where `ALARMS` percent of all are."""

    label: str
    n: int
    percent: float


@dataclass(frozen=True)
class CurvePoint:
    """A row of the chart of all encoders."""

    encoder: str
    anomalies: str
    fpr: float
    tpr: float


@dataclass(frozen=True)
class Anomalous:
    """How well the way of scoring that the metrics hold separates one ``set``, which they call ``key``: ``n`` images of
    ``source``."""

    set: str
    key: str
    n: int
    source: str
    auroc: Interval
    aupr: float
    fpr95: float


@dataclass(frozen=True)
class Result:
    """``n`` normal test images of ``source``. All but ``scores`` is by one ``way`` of scoring, which ``validated``
    images of each set chose (0 where it was given)."""

    CHART: ClassVar = "scores"

    metrics: dict[str, Interval | float]
    n: int
    source: str
    way: str
    validated: int
    anomalous: tuple[Anomalous, ...]
    scores: tuple[Scored, ...]
    by_class: tuple[ClassArea, ...]
    alarms: tuple[Alarm, ...]
    curves: tuple[Roc, ...]
    most_anomalous: tuple[Strange, ...]

    def of(self, name: str) -> Anomalous:
        """How well one set is separated. Raises `LookupError` for another."""
        for one in self.anomalous:
            if one.set == name:
                return one
        raise LookupError(f"{name} is none of the anomalous sets")

    def sets_in_words(self, called: Mapping[str, str] | None = None) -> str:
        """Sources and numbers of the images, set by set."""
        sets = [(NORMAL, self.source, self.n), *((one.set, one.source, one.n) for one in self.anomalous)]
        names = {name: f"{called[name]}: " for name, *_ in sets} if called else {}
        return "; ".join(f"{names.get(name, '')}{source} (n = {count:,})" for name, source, count in sets)


def evaluate(embedded: embeddings.Embeddings, images: Mapping[str, ImageSet], settings: Settings) -> Result:
    """``embedded`` holds the sets of ``settings``; ``images`` by set, those of `NORMAL` among them. Raises `Failure`
    where the way of scoring cannot be chosen, or asks for more neighbors than there are."""
    every = every_way(embedded, settings.validation, settings.k)
    sets, normal = settings.sets.root, images[NORMAL]
    scores = tuple(
        Scored(
            way,
            name,
            f"{way}, {name}",
            **vars(separation(own.test[NORMAL], own.test[name])),
            validation=_validated(own, name),
        )
        for way, own in every.items()
        for name in sets.values()
    )
    way = settings.score if settings.score != CHOSEN else _best(scores)
    if way not in every:
        raise Failure(f"anomaly.score: {way} asks for more than the {len(embedded.train)} training images")
    chosen = every[way].test
    anomalous = tuple(_anomalous(name, key, images[name].source, chosen) for key, name in sets.items())
    return Result(
        metrics=metrics(anomalous),
        n=len(embedded.test),
        source=normal.source,
        way=way,
        validated=settings.validation.images if settings.score == CHOSEN else 0,
        anomalous=anomalous,
        scores=scores,
        by_class=tuple(area for name in sets.values() for area in areas(name, images[name], chosen)),
        alarms=tuple(alarms(normal, chosen[NORMAL])),
        curves=tuple(roc(name, chosen[NORMAL], chosen[name]) for name in sets.values()),
        most_anomalous=ranked(chosen, SHOWN),
    )


def _validated(scores: Ways, name: str) -> float:
    return separation(scores.validation[NORMAL], scores.validation[name]).auroc if len(scores.validation[name]) else 0.0


def _best(scores: Sequence[Scored]) -> str:
    """The way with the largest mean AUROC over the sets on validation images; the first of equals. Raises `Failure`
    where there are no such images."""
    if not any(scored.validation for scored in scores):
        raise Failure(f"anomaly.score is {CHOSEN}, but no anomalous set has training images to choose by; name a way")
    means = {scored.way: 0.0 for scored in scores}
    for scored in scores:
        means[scored.way] += scored.validation
    return max(means, key=lambda way: means[way])


def areas(name: str, images: ImageSet, scores: Scores) -> Iterator[ClassArea]:
    """Of every class that a set shows."""
    for k, label in enumerate(images.classes):
        own = scores[name][images.test.labels == k]
        if len(own):
            yield ClassArea(name, label, len(own), separation(scores[NORMAL], own).auroc)


def alarms(images: ImageSet, scores: np.ndarray) -> Iterator[Alarm]:
    """Of every class of the normal images, whose scores are (A,)."""
    raised = scores > np.quantile(scores, 1 - ALARMS / 100)
    for k, label in enumerate(images.classes):
        own = raised[images.test.labels == k]
        if len(own):
            yield Alarm(label, len(own), float(100 * own.mean()))


def _anomalous(name: str, key: str, source: str, scores: Scores) -> Anomalous:
    normal, own = scores[NORMAL], scores[name]
    measured = separation(normal, own)
    interval = statistics.auroc(measured.auroc, len(own), len(normal))
    return Anomalous(name, key, len(own), source, interval, measured.aupr, measured.fpr95)


def metrics(anomalous: Sequence[Anomalous]) -> dict[str, Number]:
    """The AUROC of each set; of the first also the other two."""
    first = anomalous[0]
    metrics: dict[str, Number] = {f"auroc_{one.key}": one.auroc for one in anomalous}
    return metrics | {f"aupr_{first.key}": first.aupr, f"fpr95_{first.key}": first.fpr95}


def words(name: str) -> str:
    """What tables call a set."""
    return name.replace("_", " ")


def curve_points(encoder: str, result: Result) -> Iterator[CurvePoint]:
    """The ROC curves as rows of a chart, every fourth point of each, and the last."""
    for curve in result.curves:
        points = list(zip(curve.fpr, curve.tpr, strict=True))
        yield from (CurvePoint(encoder, curve.anomalies, *point) for point in [*points[:-1:4], points[-1]])


def tabulated(result: Result) -> Tabulated:
    first = result.anomalous[0]
    return Tabulated(
        title="Anomaly detection",
        text="Objects are the normal images, the other sets are anomalies, which were not used in training. The "
        f"score of an image is its distance to the training images. {_chosen(result)}",
        data=f"Data: {result.sets_in_words()}.",
        columns=(
            *(_column(one) for one in result.anomalous),
            Column(f"aupr_{first.key}", f"AUPR, {words(first.set)}", read=lambda result: result.of(first.set).aupr),
            Column(
                f"fpr95_{first.key}", "false alarms at 95 % detection", read=lambda result: result.of(first.set).fpr95
            ),
        ),
        more="Further numbers, in percent",
    )


def _chosen(result: Result) -> str:
    """How the way of scoring was chosen."""
    if not result.validated:
        return f"The same score for all encoders: {result.way}."
    return (
        "For each encoder the score is selected that is best on validation images: training objects, each without "
        f"itself, and up to {result.validated:,} images of each anomalous set that are no test images. Other scores "
        "may reverse the order of encoders: a table below has all."
    )


def _column(one: Anomalous) -> Column:
    name = words(one.set)
    return Column(
        f"auroc_{one.key}",
        f"AUROC {name}",
        read=lambda result: result.of(one.set).auroc,
        chance=lambda _: CHANCE,
        caption=f"{name.capitalize()}: area under the ROC curve, in percent. Baseline: chance.",
        headline=True,
    )


def features(kind: Kind, train: np.ndarray, *others: np.ndarray) -> tuple[np.ndarray, ...]:
    """The embeddings as they are, each dimension standardised by ``train``, or every row at unit length."""
    if kind == "standardised":
        return scalings.standardised(train, *others)
    return (train, *others) if kind == "raw" else tuple(scalings.unit(x) for x in (train, *others))


def knn_scores(
    train: np.ndarray, queries: np.ndarray, ks: Sequence[int], own: np.ndarray | None = None
) -> dict[int, np.ndarray]:
    """The mean distance (Q,) to the k nearest training embeddings, for each of ``ks``; ``own`` (Q,) is the index of the
    training embedding that a query is and that does not count, -1 for none.

    One search serves all. Of ``ks`` those above N - 1 are left out. Raises `Failure` where none is left.
    """
    possible = [k for k in ks if k < len(train)]
    if not possible:
        raise Failure(f"anomaly.k: {min(ks)} other neighbors are needed of {len(train)} training images")
    near = neighbors.nearest(queries, train, max(possible) + 1)
    counted = near.index != (np.full(len(queries), -1) if own is None else own)[:, None]
    counted[counted.all(1), -1] = False  # one of each row does not count: itself, or the farthest
    sums = near.distance[counted].reshape(len(queries), -1).cumsum(1)
    return {k: sums[:, k - 1] / k for k in possible}


def mahalanobis_scores(train: np.ndarray, queries: np.ndarray) -> np.ndarray:
    """The distance (Q,) from the training mean, measured by the covariance, which is shrunk as Ledoit and Wolf 2004.

    No deviation counts as less than what rounding may make, `ROUNDING` times the embedding's root mean square: in a
    direction in which the training embeddings are equal, a query that differs lies very far, but not infinitely. Where
    nothing varies at all, the order is that of Euclidean distances.
    """
    from sklearn.covariance import ledoit_wolf  # here, since reading results does not need it

    mean = train.mean(0, dtype=np.float64)  # exact for equal rows of float32
    moved = train - mean
    values, vectors = np.linalg.eigh(ledoit_wolf(moved, assume_centered=True)[0] if len(moved) > 1 else moved.T @ moved)
    size = float(np.sqrt(np.mean(np.square(train, dtype=np.float64)))) or 1.0
    deviations = np.sqrt(values.clip((spread.ROUNDING * size) ** 2))
    scores: np.ndarray = np.linalg.norm((queries - mean) @ (vectors / deviations), axis=1)
    return scores


def separation(normal: np.ndarray, anomalous: np.ndarray) -> Separation:
    """How well scores (A,) and (B,) separate anomalies; ties count half."""
    from sklearn.metrics import average_precision_score, roc_auc_score

    truth, scores = _labelled(normal, anomalous)
    needed = -(-95 * len(anomalous) // 100)  # anomalies, rounded up
    threshold = np.sort(anomalous)[-needed]
    return Separation(
        auroc=100 * float(roc_auc_score(truth, scores)),
        aupr=100 * float(average_precision_score(truth, scores)),
        fpr95=100 * float(np.mean(normal >= threshold)),
    )


def roc(name: str, normal: np.ndarray, anomalous: np.ndarray, points: int = 200) -> Roc:
    """Shares from (0, 0) to (1, 1), neither ever falling: at most ``points`` of the curve's own, evenly along it, so
    that a steep rise keeps its shape."""
    from sklearn.metrics import roc_curve

    fpr, tpr, _ = roc_curve(*_labelled(normal, anomalous), drop_intermediate=False)
    way = fpr + tpr  # the length of the curve so far, in steps up and to the right: 0 to 2
    picked = np.unique(np.searchsorted(way, np.linspace(0, way[-1], points)))
    return Roc(name, *(tuple(map(significant, share[picked].tolist())) for share in (fpr, tpr)))


def most_anomalous(scores: np.ndarray, count: int) -> np.ndarray:
    """Indices of the ``count`` highest scores, the highest first, equal ones by index."""
    return np.argsort(-scores, kind="stable")[:count]


def every_way(embedded: embeddings.Embeddings, validation: Validation, ks: Sequence[int]) -> dict[str, Ways]:
    """The scores of all images by every way of scoring them, by its name."""
    held = sample(len(embedded.train), validation.images, validation.seed)
    parts = [embedded.test, *embedded.others.values(), embedded.train[held], *embedded.validation.values()]
    names, ends = [NORMAL, *embedded.others], np.cumsum([len(x) for x in parts])
    own = np.full(ends[-1], -1)
    start = ends[len(embedded.others)]
    own[start : start + len(held)] = held
    by_way: dict[str, Ways] = {}
    for kind in KINDS:
        train, queries = features(kind, embedded.train, np.concatenate(parts))
        scored = {f"{kind}, {k} nearest": scores for k, scores in knn_scores(train, queries, ks, own).items()}
        scored[f"{kind}, {MAHALANOBIS}"] = mahalanobis_scores(train, queries)
        for way, scores in scored.items():
            pieces = np.split(scores, ends[:-1])
            test, held_out = pieces[: len(names)], pieces[len(names) :]
            by_way[way] = Ways(dict(zip(names, test, strict=True)), dict(zip(names, held_out, strict=True)))
    return by_way


def ranked(scores: Scores, count: int) -> tuple[Strange, ...]:
    """The ``count`` most anomalous images of all sets."""
    images = [Strange(name, i, float(score)) for name, part in scores.items() for i, score in enumerate(part)]
    return tuple(images[i] for i in most_anomalous(np.concatenate(list(scores.values())), count))


def _labelled(normal: np.ndarray, anomalous: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(truth, scores), each (A + B,)."""
    if not len(normal) or not len(anomalous):
        raise ValueError(f"{len(normal)} normal and {len(anomalous)} anomalous images: there must be some of both")
    truth = np.repeat([0, 1], [len(normal), len(anomalous)])
    return truth, np.concatenate([normal, anomalous])
