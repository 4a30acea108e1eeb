"""The section `clustering`: k-means, one cluster per class."""

from typing import Annotated

from pydantic import Field, PositiveInt

from visrep.stage.params import Section


class Clustering(Section):
    seed: Annotated[int, Field(ge=0, lt=2**32)]  # as NumPy's older generator takes it
    restarts: PositiveInt  # of k-means; the tightest is kept
