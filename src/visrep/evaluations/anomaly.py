"""Objects are normal, other sets are not: does the distance to the training images tell? Scores that rise with the
distance, and how well they separate.

N training images, Q queries, A normal images, B anomalous ones, D dimensions. Anomalies are the positives.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
from pydantic import PositiveInt

from visrep.errors import Failure
from visrep.files import significant
from visrep.measures import neighbors, scalings, spread, statistics
from visrep.records import Column, Interval, Number, Tabulated
from visrep.representations import embeddings
from visrep.settings.base import Section
from visrep.settings.representations import AnomalousSets

Kind = Literal["raw", "standardised", "unit"]
KINDS: tuple[Kind, ...] = ("raw", "standardised", "unit")
NORMAL = "test"  # the set of the normal images, among scores
SHOWN = 7  # most anomalous images, as in the reports
CHANCE = 50.0  # percent, under the ROC curve of guesses
Scores = dict[str, np.ndarray]  # by set: those of `NORMAL` (A,), and of each anomalous one (B,)


class Settings(Section):
    sets: AnomalousSets
    score: Literal["knn", "mahalanobis"]  # the one in the metrics; the details hold all
    features: Kind
    k: PositiveInt  # nearest training images whose mean distance is the score
    other_k: tuple[PositiveInt, ...]  # for the details

    @property
    def way(self) -> str:
        """The name, in `every_way`, of the way of scoring that the metrics hold."""
        return f"{self.features}, " + (f"{self.k} nearest" if self.score == "knn" else "Mahalanobis")


@dataclass(frozen=True)
class Separation:
    """Percent: the areas under the ROC and the precision-recall curve, and how many of the normal images are taken for
    anomalies where 95 % of the anomalies are found.

    By chance: 50, the share of anomalies, and 95 (or 100 where all scores are equal).
    """

    auroc: float
    aupr: float
    fpr95: float


@dataclass(frozen=True)
class Scored:
    """How well one ``way`` of scoring separates one set of ``anomalies``; ``scored`` names both."""

    way: str
    anomalies: str
    scored: str
    auroc: float
    aupr: float
    fpr95: float


@dataclass(frozen=True)
class Strange:
    """An image by its ``set`` and its ``index`` there."""

    set: str
    index: int
    score: float


@dataclass(frozen=True)
class Roc:
    """A curve: shares of normal images that raise the alarm, and of anomalies found."""

    anomalies: str
    fpr: tuple[float, ...]
    tpr: tuple[float, ...]


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
    """``n`` normal test images of ``source``. The metrics, ``anomalous`` sets and curves are by one ``way`` of scoring,
    ``scores`` are by all."""

    CHART: ClassVar = "scores"

    metrics: dict[str, Interval | float]
    n: int
    source: str
    way: str
    anomalous: tuple[Anomalous, ...]
    scores: tuple[Scored, ...]
    curves: tuple[Roc, ...]
    most_anomalous: tuple[Strange, ...]

    def of(self, name: str) -> Anomalous:
        """How well one set is separated. Raises `LookupError` for another."""
        for one in self.anomalous:
            if one.set == name:
                return one
        raise LookupError(f"{name} is none of the anomalous sets")

    def told(self, called: Mapping[str, str] | None = None) -> str:
        """Where the images come from and how many there are, set by set."""
        sets = [(NORMAL, self.source, self.n), *((one.set, one.source, one.n) for one in self.anomalous)]
        names = {name: f"{called[name]}: " for name, *_ in sets} if called else {}
        return "; ".join(f"{names.get(name, '')}{source} (n = {count:,})" for name, source, count in sets)


def evaluate(embedded: embeddings.Embeddings, sources: Mapping[str, str], settings: Settings) -> Result:
    """``embedded`` holds the sets of ``settings``; ``sources`` by set, `NORMAL` among them."""
    ways = every_way(embedded, settings.k, settings.other_k)
    chosen, sets = ways[settings.way], settings.sets.root
    anomalous = tuple(_anomalous(name, key, sources[name], chosen) for key, name in sets.items())
    scores = (
        Scored(way, name, f"{way}, {name}", **vars(separation(scores[NORMAL], scores[name])))
        for way, scores in ways.items()
        for name in sets.values()
    )
    return Result(
        metrics=metrics(anomalous),
        n=len(embedded.test),
        source=sources[NORMAL],
        way=settings.way,
        anomalous=anomalous,
        scores=tuple(scores),
        curves=tuple(roc(name, chosen[NORMAL], chosen[name]) for name in sets.values()),
        most_anomalous=ranked(chosen, SHOWN),
    )


def _anomalous(name: str, key: str, source: str, scores: Scores) -> Anomalous:
    normal, own = scores[NORMAL], scores[name]
    found = separation(normal, own)
    interval = statistics.auroc(found.auroc, len(own), len(normal))
    return Anomalous(name, key, len(own), source, interval, found.aupr, found.fpr95)


def metrics(anomalous: Sequence[Anomalous]) -> dict[str, Number]:
    """The AUROC of each set; of the first also the other two."""
    first = anomalous[0]
    areas: dict[str, Number] = {f"auroc_{one.key}": one.auroc for one in anomalous}
    return areas | {f"aupr_{first.key}": first.aupr, f"fpr95_{first.key}": first.fpr95}


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
        title="Do other images stand out among objects?",
        text="Objects are normal here, the other images are not; none of these was seen in training. What lies far "
        f"from the training images raises the alarm ({result.way}).",
        data=f"Data: {result.told()}.",
        columns=(
            *(_column(one) for one in result.anomalous),
            Column(f"aupr_{first.key}", f"AUPR, {words(first.set)}", read=lambda result: result.of(first.set).aupr),
            Column(f"fpr95_{first.key}", "false alarms at 95 % found", read=lambda result: result.of(first.set).fpr95),
        ),
        more="Further numbers of the anomalies, in percent",
    )


def _column(one: Anomalous) -> Column:
    name = words(one.set)
    return Column(
        f"auroc_{one.key}",
        f"AUROC {name}",
        read=lambda result: result.of(one.set).auroc,
        chance=lambda _: CHANCE,
        says=f"{name.capitalize()}: area under the ROC curve, in percent. Floor: chance.",
        headline=True,
    )


def features(kind: Kind, train: np.ndarray, *others: np.ndarray) -> tuple[np.ndarray, ...]:
    """The embeddings as they are, each dimension standardised by ``train``, or every row at unit length."""
    if kind == "standardised":
        return scalings.standardised(train, *others)
    return (train, *others) if kind == "raw" else tuple(scalings.unit(x) for x in (train, *others))


def knn_scores(train: np.ndarray, queries: np.ndarray, k: int, other_k: Sequence[int] = ()) -> dict[int, np.ndarray]:
    """The mean distance (Q,) to the k nearest training embeddings, for ``k`` and then each of ``other_k``.

    One search serves all. Raises `Failure` where N is below ``k``; of the others, those above N are left out.
    """
    if k > len(train):
        raise Failure(f"anomaly.k: {k} neighbours are asked for, but there are {len(train)} training images")
    ks = [k, *(other for other in other_k if other <= len(train))]
    sums = neighbors.nearest(queries, train, max(ks)).distance.cumsum(1)
    return {each: sums[:, each - 1] / each for each in ks}


def mahalanobis_scores(train: np.ndarray, queries: np.ndarray) -> np.ndarray:
    """The distance (Q,) from the training mean, measured by the covariance, which is shrunk as Ledoit and Wolf 2004.

    No deviation counts as less than what rounding may make, `ROUNDING` times the embedding's root mean square: in a
    direction in which the training embeddings are equal, a query that differs lies very far, but not infinitely. Where
    nothing varies at all, the order is that of Euclidean distances.
    """
    from sklearn.covariance import ledoit_wolf  # here: whoever only reads results does not wait for it

    mean = train.mean(0, dtype=np.float64)  # exact for equal rows of float32
    moved = train - mean
    values, vectors = np.linalg.eigh(ledoit_wolf(moved, assume_centered=True)[0] if len(moved) > 1 else moved.T @ moved)
    size = float(np.sqrt(np.mean(np.square(train, dtype=np.float64)))) or 1.0
    deviations = np.sqrt(values.clip((spread.ROUNDING * size) ** 2))
    scores: np.ndarray = np.linalg.norm((queries - mean) @ (vectors / deviations), axis=1)
    return scores


def separation(normal: np.ndarray, anomalous: np.ndarray) -> Separation:
    """How well the scores (A,) and (B,) tell anomalies apart; equal scores are equal."""
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


def every_way(embedded: embeddings.Embeddings, k: int, other_k: Sequence[int]) -> dict[str, Scores]:
    """The scores of all images by every way of scoring them, by its name."""
    ways: dict[str, Scores] = {}
    sets = {NORMAL: embedded.test, **embedded.others}
    ends = np.cumsum([len(x) for x in sets.values()])[:-1]
    for kind in KINDS:
        train, queries = features(kind, embedded.train, np.concatenate(list(sets.values())))
        scored = {f"{kind}, {each} nearest": scores for each, scores in knn_scores(train, queries, k, other_k).items()}
        scored[f"{kind}, Mahalanobis"] = mahalanobis_scores(train, queries)
        for way, scores in scored.items():
            ways[way] = dict(zip(sets, np.split(scores, ends), strict=True))
    return ways


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
