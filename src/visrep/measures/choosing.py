"""Criteria that rank encoders without labels, compared with a linear probe; without torch."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from visrep.measures import ranking
from visrep.records import Interval

TRUTH = "linear_accuracy"  # of the probe, in percent


class Rule(NamedTuple):
    """A criterion's name, its best values by its authors, and a score (R,) of its values (R,), the higher the
    better."""

    name: str
    best: str
    score: Callable[[np.ndarray], np.ndarray]


CRITERIA: Mapping[str, Rule] = {
    "effective_rank": Rule("effective rank", "high", lambda x: x),
    "rankme": Rule("RankMe", "high", lambda x: x),
    "alpha_req": Rule("alpha-ReQ", "near 1", lambda x: -abs(x - 1)),
    "lidar": Rule("LiDAR", "high", lambda x: x),
    "alignment": Rule("alignment", "low", lambda x: -x),
    "uniformity": Rule("uniformity", "low", lambda x: -x),
}


@dataclass(frozen=True)
class Run:
    """A ``training`` with its seeds increased by ``seed``: its values by criterion, and the accuracy of the probe."""

    training: str
    seed: int
    values: dict[str, float]
    accuracy: float


@dataclass(frozen=True)
class Criterion:
    """Rank ``correlation`` with the probe; ``right``, the percent of pairs of runs of which it selects the better;
    ``right_within``, the same for pairs of one training, which differ in their seeds only."""

    key: str
    correlation: Interval
    right: Interval
    right_within: Interval


@dataclass(frozen=True)
class Choosing:
    """Of the stage `choosing`: each criterion over all runs, and over those that are ``sound``: no ablations."""

    metrics: dict[str, float]
    source: str
    monitored: int
    runs: tuple[Run, ...]
    criteria: tuple[Criterion, ...]
    sound: tuple[Criterion, ...]


def ranked(runs: tuple[Run, ...]) -> tuple[Criterion, ...]:
    truth = np.array([run.accuracy for run in runs])
    group = np.array([run.training for run in runs])
    statistics = (ranking.correlation, ranking.right_of_two, ranking.right_of_one_group)
    rows = []
    for key, rule in CRITERIA.items():
        score = rule.score(np.array([run.values[key] for run in runs]))
        rows.append(Criterion(key, *(ranking.interval(statistic, score, truth, group) for statistic in statistics)))
    return tuple(rows)
