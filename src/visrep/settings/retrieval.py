"""The section `retrieval`: nearest and farthest training images."""

from pydantic import NonNegativeInt

from visrep.stage.params import Section


class Retrieval(Section):
    seed: NonNegativeInt  # which image of each class is shown as a query
