"""The random views of an image from which a network learns without labels."""

from typing import Annotated

from pydantic import Field, NonNegativeFloat

from visrep.settings.training import Probability
from visrep.stage.params import Section


class Views(Section):
    """Drawn per image; a probability or a strength of 0 leaves a change out, and so does a crop scale of 1."""

    crop_scale: Annotated[float, Field(gt=0, le=1)]  # smallest share of the area that is kept
    crop_aspect: Annotated[float, Field(ge=1)]  # widest crop, width by height; the narrowest is 1 by as much
    flip: Probability
    jitter: Probability  # of the next four together, in random order
    brightness: NonNegativeFloat  # largest change of the factor
    contrast: NonNegativeFloat
    saturation: NonNegativeFloat
    hue: Annotated[float, Field(ge=0, le=0.5)]  # turns of the colour circle
    grey: Probability
    blur: Probability
    blur_sigma: Annotated[float, Field(ge=0.1)]  # largest standard deviation in pixels; the smallest is 0.1
    solarize: Probability  # above half of full light
    noise: NonNegativeFloat  # largest standard deviation, in [-1, 1] units
    rotation: Annotated[float, Field(ge=0, le=180)]  # largest angle, degrees
