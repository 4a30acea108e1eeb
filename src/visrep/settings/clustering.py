"""The section `clustering`: k-means, one cluster per class."""

from pydantic import NonNegativeInt, PositiveInt

from visrep.stage.params import Section


class Clustering(Section):
    seed: NonNegativeInt
    restarts: PositiveInt  # of k-means; the tightest is kept
