"""Which factors an encoder of drawn shapes keeps and which it lets go, read in three ways, each against chance.

- *agreement*: the share of an image's nearest training images that have its value of a factor. It asks for the order of
  distances alone: however little of a factor is left, it decides who is nearest once all else is equal.
- *probe*: how often a linear reader, fitted on the training images, names the value. It asks what is there at all, on
  whatever scale. Of the training images themselves it has learnt some by heart.
- *movement*: how far the feature goes when only this factor of the picture changes, in percent of the distance (mean
  squares) between two random pictures. It asks for invariance in its literal sense.

A reading becomes comparable as the share that is kept of what can be kept: (value - chance) / (full - chance). Full is
100 for agreement and probe. For movement it is 100 / m where m factors are to be kept: a code that gives each of them
an even part of its distances moves little farther than that when one of them changes, and may be as good as any.

By a prediction a factor is *kept* or *lost*. A reading confirms "kept" where its whole 95 % interval has at least
``kept_above`` of that share, "lost" where the whole interval has at most ``lost_below``; it refutes a prediction where
it confirms the opposite; between the two it is undecided.

A family predicts that what it varies is lost and the rest is kept. Of an autoencoder everything is predicted to be
kept, since it must draw everything.

N images, k neighbours, G training images.
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
    Reading,
    Spread,
)


class Limits(NamedTuple):
    """Shares of what can be kept: a factor is lost at or below the one, kept at or above the other."""

    lost_below: float
    kept_above: float


class Read(NamedTuple):
    """By which reader; percent; what knowing nothing gets, and what keeping the factor wholly gets; of how many
    images."""

    reader: str
    interval: Interval
    chance: float
    full: float
    n: int


def agreement(found: np.ndarray, train: np.ndarray, own: np.ndarray) -> Read:
    """Of ``found`` (N, k), indices into the values ``train`` (G,) of a factor, those that have the query's, ``own``
    (N,), with the normal interval of the mean over images of their shares. By chance: random training images."""
    shares = np.mean(train[found] == own[:, None], axis=1) * 100
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


def row(images: str, name: str, reading: Read, varied: Sequence[str] | None, limits: Limits) -> Reading:
    """A line of the table: what was read where, what it means, and whether that was to be expected."""
    prediction, interval = predicted(name, varied), reading.interval
    return Reading(
        images=images,
        factor=name,
        reader=reading.reader,
        scored=f"{name}, {images}, {reading.reader}",
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


def counted(rows: Sequence[Reading]) -> dict[str, dict[str, int]]:
    """How many predictions each reader confirms, refutes and leaves undecided."""
    counts = Counter((row.reader, row.verdict) for row in rows)
    readers, verdicts = dict.fromkeys(row.reader for row in rows), (CONFIRMED, REFUTED, UNDECIDED)
    return {reader: {verdict: counts[reader, verdict] for verdict in verdicts} for reader in readers}
