"""The sections `similarity` and `families`: what it means for two drawn shapes to be alike."""

from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, NonNegativeInt, PositiveFloat, PositiveInt, RootModel, model_validator

from visrep.settings.training import Plan, Share
from visrep.stage.params import Name, Section

SIDE = 32  # pixels
FACTORS = ("color", "shape", "location", "size")
Factor = Literal["color", "shape", "location", "size"]


class Strided(Section):
    """Convolutions that each halve the picture, and a linear layer to the features."""

    channels: Annotated[tuple[PositiveInt, ...], Field(min_length=1, max_length=5)]  # feature maps of each
    places: PositiveInt  # a side, of which the means are read; 1 is the mean over the whole picture
    dimensions: Annotated[int, Field(ge=2)]  # of the features

    @model_validator(mode="after")
    def _places_divide_the_picture(self) -> Self:
        side = SIDE >> len(self.channels)
        if side % self.places:
            raise ValueError(f"places {self.places} does not divide {side}, the side of the last feature maps")
        return self


class Similarity(Plan):
    seed: NonNegativeInt
    validation: Share  # of the training images: watched, never trained on
    encoder: Strided
    decoder: PositiveInt  # features between the code and the picture that the autoencoder draws
    temperature: PositiveFloat  # cosines are divided by it


class Family(RootModel[tuple[Factor, ...] | None]):
    """The factors that differ between an image and its positive; the others are kept. None: there are no positives, an
    autoencoder learns."""

    model_config = ConfigDict(frozen=True, strict=True)

    @model_validator(mode="after")
    def _something_is_kept(self) -> Self:
        varied = self.root or ()
        if len(set(varied)) < len(varied):
            raise ValueError("names a factor twice")
        if len(varied) == len(FACTORS):
            raise ValueError("varies every factor, so that nothing is left to be alike")
        return self


class Families(RootModel[dict[Name, Family]]):
    """By name."""

    model_config = ConfigDict(frozen=True, strict=True)
