"""The section `laplacian_eigenmaps`: coordinates from a graph of look-alikes."""

from typing import Annotated

from pydantic import Field, NonNegativeInt, PositiveInt

from visrep.stage.params import Section


class LaplacianEigenmaps(Section):
    seed: NonNegativeInt  # where the eigensolver starts
    k: PositiveInt  # nearest images that each is tied to
    dimensions: Annotated[int, Field(ge=2)]
