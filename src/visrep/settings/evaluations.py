"""What more than one stage reads of the evaluations."""

from pydantic import NonNegativeInt, PositiveInt

from visrep.settings.base import Section


class Validation(Section):
    """Images that choose the way of scoring: some of the training part of each anomalous set, and as many objects."""

    seed: NonNegativeInt
    images: PositiveInt  # of each set, at most
