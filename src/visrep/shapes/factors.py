"""Which factors an encoder of drawn shapes keeps, measured in three ways, each against chance.

- *agreement*: the share of an image's nearest training images that have its value of a factor. It depends on the order
  of distances alone: however little of a factor is left, it decides which image is nearest where all else is equal.
- *probe*: accuracy of a linear probe, fitted on the training images. It measures whether the value is there at all, on
  any scale. On the training images themselves it is overfitted.
- *movement*: how far the embedding moves when only this factor of the image changes, in percent of the distance (mean
  squares) between two random images: invariance in the literal sense.

Measurements are compared as the share kept of what can be kept: (value - chance) / (full - chance). Full is 100 for
agreement and probe. For movement it is 100 / m where m factors are to be kept: an embedding that gives each of them an
equal part of its distances moves little farther than that when one changes, and may be as good as any.

A prediction says that a factor is *kept* or *lost*. A measurement confirms "kept" where its whole 95 % interval has at
least ``kept_above`` of that share, "lost" where the whole interval has at most ``lost_below``; it refutes a prediction
where it confirms the opposite; between the two it is undecided.

A family predicts that what it varies is lost and the rest is kept. Of an autoencoder everything is predicted to be
kept, since it must reconstruct everything.

N images, k neighbors, G training images.
"""

from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from visrep.measures import statistics
from visrep.records import Interval
from visrep.shapes.results import (
    AGREEMENT,
    CONFIRMED,
    KEPT,
    LOST,
    MOVEMENT,
    PROBE,
    REFUTED,
    UNDECIDED,
    Measurement,
    Spread,
)


class Limits(NamedTuple):
    """Shares of what can be kept: a factor is lost at or below the one, kept at or above the other."""

    lost_below: float
    kept_above: float


class Read(NamedTuple):
    """The evaluation; percent; the value by chance, and that of an encoder that keeps all of the factor; the number of
    images."""

    evaluation: str
    interval: Interval
    chance: float
    full: float
    n: int


def agreement(nearest: np.ndarray, train: np.ndarray, own: np.ndarray) -> Read:
    """Of ``nearest`` (N, k), indices into the values ``train`` (G,) of a factor, those that have the query's, ``own``
    (N,), with the normal interval of the mean over images of their shares. By chance: random training images."""
    shares = np.mean(train[nearest] == own[:, None], axis=1) * 100
    return Read(AGREEMENT, mean(shares, 100), statistics.agreement_by_chance(train, own), 100.0, len(own))


def probe(predicted: np.ndarray, own: np.ndarray) -> Read:
    """Of the values ``predicted`` (N,) those that are right, with Wilson's interval. By chance: the best constant."""
    return Read(PROBE, statistics.accuracy(predicted, own), statistics.chance(own), 100.0, len(own))


def movement(moved: np.ndarray, kept: int) -> Read:
    """Of `geometry.movements` (N,), with a normal interval. By chance: an encoder blind to the factor, 0. Full: an even
    part among the factors ``kept``."""
    return Read(MOVEMENT, mean(moved, np.inf), 0.0, 100 / kept, len(moved))


def mean(values: np.ndarray, most: float) -> Interval:
    """With its normal 95 % interval, cut to 0..``most``; of no width where all values are equal or there is one."""
    middle = float(values.mean())
    half = statistics.Z * float(values.std(ddof=1)) / len(values) ** 0.5 if len(values) > 1 else 0.0
    return Interval(middle, max(0.0, middle - half), min(most, middle + half))


def share_kept(percent: float, chance: float, full: float) -> float:
    """Of what can be kept beyond ``chance``; 0 where chance leaves nothing to keep."""
    return (percent - chance) / (full - chance) if chance < full else 0.0


def predicted(name: str, varied: Sequence[str] | None) -> str:
    return LOST if name in (varied or ()) else KEPT


def verdict(prediction: str, reading: Read, limits: Limits) -> str:
    ends = reading.interval.low, reading.interval.high
    low, high = (share_kept(end, reading.chance, reading.full) for end in ends)
    if low >= limits.kept_above:
        return CONFIRMED if prediction == KEPT else REFUTED
    if high <= limits.lost_below:
        return CONFIRMED if prediction == LOST else REFUTED
    return UNDECIDED


def row(images: str, name: str, reading: Read, varied: Sequence[str] | None, limits: Limits) -> Measurement:
    """A row of the table: the measurement, what it means, and whether it was predicted."""
    prediction, interval = predicted(name, varied), reading.interval
    return Measurement(
        images=images,
        factor=name,
        evaluation=reading.evaluation,
        scored=f"{name}, {images}, {reading.evaluation}",
        n=reading.n,
        value=interval.value,
        low=interval.low,
        high=interval.high,
        chance=reading.chance,
        full=reading.full,
        share_kept=share_kept(interval.value, reading.chance, reading.full),
        prediction=prediction,
        verdict=verdict(prediction, reading, limits),
    )


def spread(values: np.ndarray) -> Spread:
    return Spread(float(values.mean()), *(float(np.percentile(values, percent)) for percent in (10, 50, 90)))


def counted(rows: Sequence[Measurement]) -> dict[str, dict[str, int]]:
    """How many predictions each evaluation confirms, refutes and leaves undecided."""
    counts = Counter((row.evaluation, row.verdict) for row in rows)
    evaluations, verdicts = dict.fromkeys(row.evaluation for row in rows), (CONFIRMED, REFUTED, UNDECIDED)
    return {evaluation: {verdict: counts[evaluation, verdict] for verdict in verdicts} for evaluation in evaluations}
