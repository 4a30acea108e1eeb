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

    channels: Annotated[tuple[PositiveInt, ...], Field(min_length=1, max_length=5)]
    places: PositiveInt
    dimensions: Annotated[int, Field(ge=2)]

    @model_validator(mode="after")
    def _places_divide_the_picture(self) -> Self:
        side = SIDE >> len(self.channels)
        if side % self.places:
            raise ValueError(f"places {self.places} does not divide {side}, the side of the last feature maps")
        return self


class Similarity(Plan):
    seed: NonNegativeInt
    validation: Share
    encoder: Strided
    decoder: PositiveInt
    temperature: PositiveFloat


class Prior(Section):
    """Of the codes of a variational autoencoder."""

    pixel_variance: PositiveFloat


def _kind(value: object) -> str:
    return ":prior" if isinstance(value, dict | Prior) else ":factors"


Varied = Annotated[tuple[Factor, ...] | None, Tag(":factors")]


class Family(RootModel[Annotated[Varied | Annotated[Prior, Tag(":prior")], Discriminator(_kind)]]):
    """The factors that differ between an image and its positive; the others are kept. None or a prior: there are no
    positives, an autoencoder learns, plain or variational."""

    model_config = PLAIN

    @property
    def varied(self) -> tuple[Factor, ...] | None:
        return self.root if isinstance(self.root, tuple) else None

    @property
    def prior(self) -> Prior | None:
        return self.root if isinstance(self.root, Prior) else None

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
    seed: NonNegativeInt
    k: PositiveInt
    ground: Literal["gradient", "texture"]
    lost_below: Share
    kept_above: Share
    sets: Annotated[int, Field(ge=2)]
    redrawn: Annotated[int, Field(ge=2)]

    @model_validator(mode="after")
    def _lost_is_less_than_kept(self) -> Self:
        if self.lost_below >= self.kept_above:
            raise ValueError(f"lost_below must be less than kept_above, {self.kept_above:g}")
        return self
