"""The section `factors`: what an encoder of drawn shapes keeps, and what it lets go."""

from typing import Annotated, Literal, Self

from pydantic import Field, NonNegativeInt, PositiveInt, model_validator

from visrep.settings.training import Share
from visrep.stage.params import Section


class Factors(Section):
    seed: NonNegativeInt  # of all that is drawn anew, and of the images that are shown
    k: PositiveInt  # nearest training images
    ground: Literal["gradient", "texture"]  # behind the shapes of the third kind of images
    lost_below: Share  # a factor counts as lost where at most this share of what could be kept is kept
    kept_above: Share  # and as kept where at least this share is
    sets: Annotated[int, Field(ge=2)]  # test images whose sets of redrawings are measured, at most
    redrawn: Annotated[int, Field(ge=2)]  # pictures in each set

    @model_validator(mode="after")
    def _lost_is_less_than_kept(self) -> Self:
        if self.lost_below >= self.kept_above:
            raise ValueError(f"lost_below must be less than kept_above, {self.kept_above:g}")
        return self
