"""The section `neighbors`: the nearest images of each training image."""

from pydantic import PositiveInt

from visrep.stage.params import Section


class Neighbors(Section):
    k: PositiveInt  # nearest training images of each
