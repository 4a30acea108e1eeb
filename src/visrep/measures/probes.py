"""Simple classifiers of an embedding: linear layers and nearest neighbors.

N training images, M test images, D dimensions, K classes. Embeddings are (N, D), labels (N,) integers from 0.
"""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
from scipy.linalg import cholesky, solve_triangular
from scipy.optimize import minimize
from scipy.special import log_softmax, softmax

from visrep.errors import Failure
from visrep.measures import neighbors, scalings, spread

TOLERANCE = 1e-6  # largest slope at which a fit ends, where the loss begins at ln K: then it is the optimum to 1e-8
ROUGHLY = 1e-4  # slope for selecting the penalty: a quarter of the steps, validation accuracies within a point
STEPS = 20_000  # of L-BFGS, at most: 30 to 150 are usual
TIE = 0.01  # nats: a class as close as this to the most probable one is as good an answer


class Answers(NamedTuple):
    """``predicted`` (M,) classes; the selected ``strength`` of the penalty; ``validation``, accuracy in percent under
    each strength, the strongest first (empty without validation images)."""

    predicted: np.ndarray
    strength: float
    validation: dict[float, float]


class Choice(NamedTuple):
    """How the strength of a penalty is selected: among ``strengths``, on a share ``validation`` of the training images,
    chosen by ``seed``."""

    strengths: Sequence[float]
    validation: float
    seed: int


class Epoch(NamedTuple):
    """Accuracies in percent, the loss in nats."""

    epoch: int
    train_accuracy: float
    test_accuracy: float
    train_loss: float


class Trained(NamedTuple):
    """``predicted`` (M,) classes; ``history``, an entry per epoch."""

    predicted: np.ndarray
    history: list[Epoch]


def logistic(
    train: np.ndarray, labels: np.ndarray, test: np.ndarray, choice: Choice, *, standardised: bool = True
) -> Answers:
    """Multinomial logistic regression: the mean cross entropy plus strength / 2 times the squared weights, the biases
    free. The strength is selected on validation images, by fits that end early (`ROUGHLY`), ties going to the stronger;
    the final fit is of all training images, to the optimum.

    With ``standardised`` every dimension counts alike, however small; without, the embedding is only `scaled`. Classes
    within `TIE` of the most probable one count as equally probable, and the most frequent of them is predicted:
    otherwise rounding would decide between classes where an embedding has collapsed.
    """
    strengths = sorted(set(choice.strengths), reverse=True)
    kinds, labels, counts = np.unique(labels, return_inverse=True, return_counts=True)
    train, test = scalings.standardised(train, test) if standardised else scaled(train, test)
    if not train.any() or len(kinds) == 1:
        return Answers(np.full(len(test), kinds[counts.argmax()]), strengths[0], {})
    fit, validation = divide(labels, choice.validation, choice.seed)
    models = Problem(train[fit], labels[fit]).path(strengths)
    right: dict[float, float] = {}
    if len(validation):
        truth = labels[validation]
        right = {s: float(np.mean(_answers(m, train[validation], counts) == truth) * 100) for s, m in models.items()}
    best = max(strengths, key=lambda strength: right.get(strength, 0.0))  # the first of equals
    predicted = kinds[_answers(Problem(train, labels).solved(best, models[best]), test, counts)]
    return Answers(predicted, best, right)


def scaled(train: np.ndarray, *others: np.ndarray) -> tuple[np.ndarray, ...]:
    """All centred by the training mean and divided by one number: the root mean square of ``train`` *before* it is
    centred. Returns float64.

    So the unit of an embedding does not matter, and neither does its offset to a classifier with free biases, but
    variation that is small beside the offset stays small, and is penalised. A dimension whose deviation is below
    `spread.RESOLUTION` is rounding and becomes 0.
    """
    size = float(np.sqrt(np.mean(np.square(train, dtype=np.float64)))) or 1.0
    mean, deviation = train.mean(0, dtype=np.float64), spread.deviations(train)
    factor = np.where(deviation > spread.RESOLUTION * np.maximum(size, np.abs(mean)), 1 / size, 0.0)
    return tuple((x - mean) * factor for x in (train, *others))


class Linear(NamedTuple):
    """``weights`` (D, K) and ``biases`` (K,) of the logits."""

    weights: np.ndarray
    biases: np.ndarray


class Problem:
    """`logistic`'s problem for embeddings ``x`` (N, D) of classes 0..K-1."""

    def __init__(self, x: np.ndarray, labels: np.ndarray) -> None:
        self.x, self.wanted = x.astype(np.float64), np.eye(int(labels.max()) + 1)[labels]
        count, classes = self.wanted.shape
        self.curvature = self.x.T @ self.x * ((1 - 1 / classes) / classes / count)  # where all are equally probable

    def solved(self, strength: float, start: Linear | None = None, tolerance: float = TOLERANCE) -> Linear:
        """The optimum for one ``strength``, sought from ``start`` until no slope exceeds ``tolerance``. Raises
        `Failure` where it is not reached; without penalty there may be none.

        By L-BFGS on U with weights = R^-1 U, where R'R is the curvature of the problem at its start: as an embedding's
        dimensions are correlated, that needs a tenth of the steps, or a fiftieth.
        """
        (count, classes), width = self.wanted.shape, self.x.shape[1]
        ridge = strength + 1e-12 * np.trace(self.curvature) / width  # rounding must not make it negative
        root = cholesky(self.curvature + ridge * np.eye(width))

        def loss(flat: np.ndarray) -> tuple[float, np.ndarray]:
            u = flat.reshape(-1, classes)
            weights = solve_triangular(root, u[:-1])
            logs = log_softmax(self.x @ weights + u[-1], axis=1)
            error = (np.exp(logs) - self.wanted) / count
            slope = solve_triangular(root, self.x.T @ error + strength * weights, trans="T")
            total = strength / 2 * np.square(weights).sum() - (logs * self.wanted).sum() / count
            return float(total), np.vstack([slope, error.sum(0)]).ravel()

        begin = np.zeros((width + 1, classes)) if start is None else np.vstack([root @ start.weights, start.biases])
        options = {"maxiter": STEPS, "maxfun": 2 * STEPS, "gtol": tolerance, "ftol": 0.0, "maxcor": 30}
        optimum = minimize(loss, begin.ravel(), jac=True, method="L-BFGS-B", options=options)
        if not np.abs(optimum.jac).max() <= 10 * tolerance:  # rounding may end it a little early
            raise Failure(f"the linear probe finds no optimum at strength {strength:g}: {optimum.message}")
        u = optimum.x.reshape(-1, classes)
        return Linear(solve_triangular(root, u[:-1]), u[-1])

    def path(self, strengths: Sequence[float]) -> dict[float, Linear]:
        """Near the optimum for each strength in this order, each sought from where the one before it ended."""
        models: dict[float, Linear] = {}
        for strength in strengths:
            models[strength] = self.solved(strength, next(reversed(models.values()), None), ROUGHLY)
        return models


def _answers(model: Linear, x: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """(M,) classes, the most frequent (then the first) of those within `TIE` of the most probable."""
    logs = log_softmax(x @ model.weights + model.biases, axis=1)  # (M, K)
    good = logs >= logs.max(1, keepdims=True) - TIE
    answers: np.ndarray = np.where(good, counts, -1).argmax(1)
    return answers


def sgd(
    train: np.ndarray,
    labels: np.ndarray,
    test: np.ndarray,
    test_labels: np.ndarray,
    *,
    epochs: int,
    batch_size: int,
    lr: float,
    momentum: float,
    seed: int,
) -> Trained:
    """The reports' probe: one linear layer and the mean cross entropy, by gradient descent in shuffled batches with
    momentum (v <- momentum v + gradient, w <- w - lr v, as PyTorch has it), the embedding taken as it is.

    Weights begin at 0, which is as good as any other place: the problem is convex.
    """
    rng = np.random.default_rng(seed)
    x, points = _with_ones(train), _with_ones(test)
    wanted = np.eye(int(labels.max()) + 1)[labels]  # (N, K)
    weights = np.zeros((x.shape[1], wanted.shape[1]))  # the last row holds the biases
    velocity = np.zeros_like(weights)
    history: list[Epoch] = []
    for epoch in range(1, epochs + 1):
        for batch in _batches(rng.permutation(len(x)), batch_size):
            part = x[batch]
            error = softmax(part @ weights, axis=1) - wanted[batch]
            velocity = momentum * velocity + part.T @ error / len(batch)
            weights -= lr * velocity
        history.append(_epoch(epoch, x @ weights, labels, points @ weights, test_labels))
    return Trained(np.argmax(points @ weights, 1), history)


def _with_ones(x: np.ndarray) -> np.ndarray:
    """(N, D) to (N, D + 1) float64: whatever float32 holds, its squares do not overflow."""
    return np.column_stack([x, np.ones(len(x))])


def _batches(order: np.ndarray, size: int) -> Iterator[np.ndarray]:
    """The last one may be smaller."""
    return (order[start : start + size] for start in range(0, len(order), size))


def _epoch(
    epoch: int, logits: np.ndarray, labels: np.ndarray, test_logits: np.ndarray, test_labels: np.ndarray
) -> Epoch:
    return Epoch(
        epoch,
        train_accuracy=float(np.mean(logits.argmax(1) == labels) * 100),
        test_accuracy=float(np.mean(test_logits.argmax(1) == test_labels) * 100),
        train_loss=float(-np.mean(log_softmax(logits, axis=1)[np.arange(len(labels)), labels])),
    )


def subset(labels: np.ndarray, share: float, seed: int) -> np.ndarray:
    """Ascending indices of a random ``share`` of each class, of at least two images of it where there are two.

    With one seed a smaller share is part of a larger one, and a share of 1 is everything.
    """
    kept = [own[: max(2, round(share * len(own)))] for own in _shuffled(labels, seed)]
    return np.sort(np.concatenate(kept))


def divide(labels: np.ndarray, share: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """(to fit, held out): ascending indices. About ``share`` of each class is held out, at least one image and never
    the last one."""
    fit, validation = [], []
    for own in _shuffled(labels, seed):
        count = min(max(1, round(share * len(own))), len(own) - 1)
        validation.append(own[:count])
        fit.append(own[count:])
    return np.sort(np.concatenate(fit)), np.sort(np.concatenate(validation))


def _shuffled(labels: np.ndarray, seed: int) -> Iterator[np.ndarray]:
    """The indices of each class that occurs, in a random order of its own."""
    for k in np.unique(labels):
        yield np.random.default_rng([seed, int(k)]).permutation(np.flatnonzero(labels == k))


def knn(
    train: np.ndarray, labels: np.ndarray, test: np.ndarray, k: int, temperature: float, classes: int
) -> np.ndarray:
    """(M,) classes by the votes of the k nearest of all directions, each of weight exp(cosine / temperature), as Wu et
    al. 2018, section 3.4. ``k`` is at most N; of equal votes the first class wins. A row of zeros has no direction: it
    is as far from every other row as two at an angle of 60 degrees.
    """
    near = neighbors.nearest(scalings.unit(test), scalings.unit(train), min(k, len(train)))
    cosine = 1 - near.distance**2 / 2
    weight = np.exp((cosine - cosine[:, :1]) / temperature)  # relative to the nearest, so that nothing overflows
    votes = np.zeros((len(test), classes))
    np.add.at(votes, (np.arange(len(test))[:, None], labels[near.index]), weight)
    predicted: np.ndarray = votes.argmax(1)
    return predicted
