"""The sections `neighbors` and `no_generated_neighbors`: nearest images in the place of random views."""

from pydantic import PositiveInt

from visrep.stage.params import Section


class Neighbors(Section):
    k: PositiveInt  # nearest training images of each


class NoGeneratedNeighbors(Section):
    epochs: PositiveInt  # all else is as in `vicreg`
    augmented: bool  # whether image and neighbour are also seen as random views
