"""Parameters of evaluations that more than one stage reads."""

from pydantic import NonNegativeInt, PositiveInt

from visrep.settings.base import Section


class Validation(Section):
    """Images that select the anomaly score: some of the training part of each anomalous set, and as many objects."""

    seed: NonNegativeInt
    images: PositiveInt  # of each set, at most
