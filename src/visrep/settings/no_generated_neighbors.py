"""The section `no_generated_neighbors`: nearest images in the place of random views."""

from pydantic import PositiveInt

from visrep.settings.vicreg import VICReg
from visrep.stage.params import Section


class NoGeneratedNeighbors(Section):
    epochs: PositiveInt
    augmented: bool  # whether image and neighbour are also seen as random views

    def of(self, vicreg: VICReg) -> VICReg:
        """``vicreg`` for these epochs; all else is as there. Raises `ValidationError` where the two do not fit."""
        return VICReg.model_validate(vicreg.model_dump() | {"epochs": self.epochs})
