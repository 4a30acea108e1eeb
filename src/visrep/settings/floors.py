"""The section `floors`: two encoders that were never trained, for comparison."""

from pydantic import NonNegativeInt

from visrep.stage.params import Section


class Floors(Section):
    seed: NonNegativeInt  # of the random network
