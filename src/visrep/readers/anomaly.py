"""How far from the training images is too far: scores that rise with the distance, and how well they tell.

N training images, Q queries, A normal images, B anomalous ones, D dimensions. Anomalies are the positives.
"""

from collections.abc import Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from sklearn.covariance import ledoit_wolf
from sklearn.metrics import average_precision_score, roc_auc_score, roc_curve

from visrep.readers import collapse, embeddings, neighbors, scalings
from visrep.settings.anomaly import Anomaly
from visrep.stage.errors import Failure

Kind = Literal["raw", "standardised", "unit"]
KINDS: tuple[Kind, ...] = ("raw", "standardised", "unit")
Scores = dict[str, np.ndarray]  # by set: of test (A,), which is normal, and of mnist and svhn (B,)
FOREIGN = ("mnist", "svhn")


class Judged(NamedTuple):
    """Percent: the areas under the ROC and the precision-recall curve, and how many of the normal images are taken for
    anomalies where 95 % of the anomalies are found.

    By chance: 50, the share of anomalies, and 95 (or 100 where all scores are equal).
    """

    auroc: float
    aupr: float
    fpr95: float


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
    mean = train.mean(0, dtype=np.float64)  # exact for equal rows of float32
    moved = train - mean
    values, vectors = np.linalg.eigh(ledoit_wolf(moved, assume_centered=True)[0] if len(moved) > 1 else moved.T @ moved)
    size = float(np.sqrt(np.mean(np.square(train, dtype=np.float64)))) or 1.0
    deviations = np.sqrt(values.clip((collapse.ROUNDING * size) ** 2))
    scores: np.ndarray = np.linalg.norm((queries - mean) @ (vectors / deviations), axis=1)
    return scores


def judge(normal: np.ndarray, anomalous: np.ndarray) -> Judged:
    """How well the scores (A,) and (B,) tell anomalies apart; equal scores are equal."""
    truth, scores = _labelled(normal, anomalous)
    needed = -(-95 * len(anomalous) // 100)  # anomalies, rounded up
    threshold = np.sort(anomalous)[-needed]
    return Judged(
        auroc=100 * float(roc_auc_score(truth, scores)),
        aupr=100 * float(average_precision_score(truth, scores)),
        fpr95=100 * float(np.mean(normal >= threshold)),
    )


def roc(normal: np.ndarray, anomalous: np.ndarray, points: int = 200) -> list[dict[str, float]]:
    """Rows of shares fpr and tpr, from (0, 0) to (1, 1), neither ever falling: at most ``points`` of the curve's own,
    evenly along it, so that a steep rise keeps its shape."""
    fpr, tpr, _ = roc_curve(*_labelled(normal, anomalous), drop_intermediate=False)
    way = fpr + tpr  # the length of the curve so far, in steps up and to the right: 0 to 2
    picked = np.unique(np.searchsorted(way, np.linspace(0, way[-1], points)))
    return [{"fpr": float(fpr[i]), "tpr": float(tpr[i])} for i in picked]


def most_anomalous(scores: np.ndarray, count: int) -> np.ndarray:
    """Indices of the ``count`` highest scores, the highest first, equal ones by index."""
    return np.argsort(-scores, kind="stable")[:count]


def every_way(found: embeddings.Embeddings, settings: Anomaly) -> dict[str, Scores]:
    """The scores of all images by every way of scoring them, by its name; `chosen` names one of them."""
    ways: dict[str, Scores] = {}
    ends = np.cumsum([len(found.test), len(found.mnist)])
    for kind in KINDS:
        train, queries = features(kind, found.train, np.concatenate(found[1:]))
        scored = {
            f"{kind}, {k} nearest": scores
            for k, scores in knn_scores(train, queries, settings.k, settings.other_k).items()
        }
        scored[f"{kind}, Mahalanobis"] = mahalanobis_scores(train, queries)
        for way, scores in scored.items():
            ways[way] = dict(zip(("test", *FOREIGN), np.split(scores, ends), strict=True))
    return ways


def chosen(settings: Anomaly) -> str:
    """The name, in `every_way`, of the way that the metrics tell of."""
    return f"{settings.features}, " + (f"{settings.k} nearest" if settings.score == "knn" else "Mahalanobis")


def metrics(scores: Scores) -> dict[str, float]:
    mnist, svhn = (judge(scores["test"], scores[name]) for name in FOREIGN)
    return {"auroc_mnist": mnist.auroc, "aupr_mnist": mnist.aupr, "fpr95_mnist": mnist.fpr95, "auroc_svhn": svhn.auroc}


def ranked(scores: Scores, count: int) -> list[dict[str, Any]]:
    """The ``count`` most anomalous images of all sets: set, index in it, score."""
    places = [(name, index) for name, part in scores.items() for index in range(len(part))]
    together = np.concatenate(list(scores.values()))
    return [
        {"set": places[i][0], "index": places[i][1], "score": float(together[i])}
        for i in most_anomalous(together, count)
    ]


def _labelled(normal: np.ndarray, anomalous: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(truth, scores), each (A + B,)."""
    if not len(normal) or not len(anomalous):
        raise ValueError(f"{len(normal)} normal and {len(anomalous)} anomalous images: there must be some of both")
    truth = np.repeat([0, 1], [len(normal), len(anomalous)])
    return truth, np.concatenate([normal, anomalous])
