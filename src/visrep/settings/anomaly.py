"""The section `anomaly`: how far from the training images is too far."""

from typing import Literal

from pydantic import PositiveInt

from visrep.stage.params import Section


class Anomaly(Section):
    score: Literal["knn", "mahalanobis"]  # the one in the metrics; the details hold all
    features: Literal["raw", "standardised", "unit"]
    k: PositiveInt  # nearest training images whose mean distance is the score
    other_k: tuple[PositiveInt, ...]  # for the details
