"""The sections `similarity`, `families` and `factors`: what it means for two drawn shapes to be alike."""

from typing import Annotated, Literal, Self

from pydantic import Discriminator, Field, NonNegativeInt, PositiveFloat, PositiveInt, RootModel, Tag, model_validator

from visrep.settings.base import PLAIN, Name, Section, Share
from visrep.settings.training import Plan

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
    pixel_variance: PositiveFloat  # of a variational autoencoder's pictures, in squared [-1, 1] units
    temperature: PositiveFloat  # cosines are divided by it


def _kind(value: object) -> str:
    return ":word" if value == "variational" else ":factors"


Varied = Annotated[tuple[Factor, ...] | None, Tag(":factors")]
Word = Annotated[Literal["variational"], Tag(":word")]


class Family(RootModel[Annotated[Varied | Word, Discriminator(_kind)]]):
    """The factors that differ between an image and its positive; the others are kept. None, or "variational": there are
    no positives, an autoencoder learns, with a prior of its codes or without."""

    model_config = PLAIN

    @property
    def varied(self) -> tuple[Factor, ...] | None:
        return self.root if isinstance(self.root, tuple) else None

    @property
    def variational(self) -> bool:
        return self.root == "variational"

    @model_validator(mode="after")
    def _something_is_kept(self) -> Self:
        varied = self.varied or ()
        if len(set(varied)) < len(varied):
            raise ValueError("names a factor twice")
        if len(varied) == len(FACTORS):
            raise ValueError("varies every factor, so that nothing is left to be alike")
        return self


class Families(RootModel[dict[Name, Family]]):
    """By name."""

    model_config = PLAIN


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
