"""Representations without labels: encoders and what they are called, views, and the sections of what is no method."""

from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    RootModel,
    model_validator,
)

from visrep.settings.base import PLAIN, Name, Probability, Section, Text, varied
from visrep.settings.training import Plan

M = TypeVar("M", bound="Method")
Widths = tuple[PositiveInt, ...]


class Encoder(Section):
    """A residual network (He et al. 2016) with a 3x3 stem and no max pool, as suits small images; or ResNet-50 as
    torchvision has it, made for larger ones."""

    network: Literal["small", "resnet50"]
    pretrained: bool  # start from ImageNet's weights; resnet50 alone has them
    input_size: Annotated[int, Field(ge=32)]  # pixels, to which images are enlarged before the first convolution
    stem_stride: Annotated[int, Field(ge=1, le=2)]  # small: 2 is four times cheaper
    widths: Annotated[Widths, Field(min_length=1, max_length=5)]  # small: feature maps of each group of blocks
    blocks: Annotated[Widths, Field(min_length=1, max_length=5)]  # small: residual blocks of each group
    dimensions: Annotated[int, Field(ge=2)]  # of the embedding

    @model_validator(mode="after")
    def _groups_fit(self) -> Self:
        if len(self.widths) != len(self.blocks):
            raise ValueError(f"widths names {len(self.widths)} groups and blocks {len(self.blocks)}")
        return self

    @model_validator(mode="after")
    def _weights_are_of_resnet50(self) -> Self:
        if self.pretrained and self.network != "resnet50":
            raise ValueError("pretrained needs network resnet50: the small one has no ImageNet weights")
        return self


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


class Local(Section):
    """Further views: small crops at fewer pixels, which a network reads faster."""

    views: NonNegativeInt  # of each image
    size: Annotated[int, Field(ge=8)]  # pixels a side
    smallest: Annotated[float, Field(gt=0, le=1)]  # share of the area
    largest: Annotated[float, Field(gt=0, le=1)]

    @model_validator(mode="after")
    def _shares_are_in_order(self) -> Self:
        if self.smallest > self.largest:
            raise ValueError(f"smallest must be at most largest, {self.largest:g}")
        return self


class Method(Plan):
    """What the parameters of every method have in common; a method adds its own."""

    seed: NonNegativeInt
    encoder: Encoder
    projector: Widths  # hidden and output widths of what stands on the embedding; empty for none
    views: Annotated[int, Field(ge=2)]  # of each image
    local: Local
    augment: Views
    watched: Annotated[int, Field(ge=2)]  # test images whose loss and rank are told after each epoch


class Ablation(BaseModel):
    """``of`` names the section that is varied, which is that of a method; all else are parameters of that section with
    other values."""

    model_config = ConfigDict(frozen=True, strict=True, extra="allow")

    of: Name

    def apply(self, section: M) -> M:
        """``section`` with the other values put in. Raises `ValueError` where one is no parameter of it or does not
        fit."""
        return varied(section, self.model_dump(exclude={"of"}), self.of)


class Ablations(RootModel[dict[Name, Ablation]]):
    """By name."""

    model_config = PLAIN


class Neighbors(Section):
    k: PositiveInt  # nearest training images of each
    of: Annotated[Name, Field(alias="from")]  # the encoder in whose embedding they are sought


class NoGeneratedNeighbors(Section):
    epochs: PositiveInt
    augmented: bool  # whether image and neighbour are also seen as random views

    def of(self, vicreg: M) -> M:
        """``vicreg`` for these epochs; all else is as there. Raises `ValidationError` where the two do not fit."""
        return type(vicreg).model_validate(vicreg.model_dump() | {"epochs": self.epochs})


class LaplacianEigenmaps(Section):
    seed: NonNegativeInt  # where the eigensolver starts
    k: PositiveInt  # nearest images that each is tied to
    dimensions: Annotated[int, Field(ge=2)]


class LinearVicreg(Section):
    seed: NonNegativeInt  # of images and views
    images: PositiveInt  # training images that are looked at, at most
    views: Annotated[int, Field(ge=2)]  # of each, drawn as VICReg's are
    ridge: NonNegativeFloat  # share of the mean variance that is added to all


class Sought(Section):
    """How the code of an image is found that was not trained on."""

    steps: PositiveInt  # gradient steps
    lr: PositiveFloat  # of Adam, at first
    prior: NonNegativeFloat  # weight of the mean squared code beside the mean squared error, also in training


class Latents(Plan):
    """Codes that are learned with a generator of images."""

    seed: NonNegativeInt
    amortised: bool  # an encoder gives the codes, with the network of vicreg, and none is learned for itself
    hidden: NonNegativeInt  # features between code and image; 0 for a linear generator
    views: Annotated[int, Field(ge=2)]  # of each image, drawn once, as vicreg's are
    apart: NonNegativeFloat  # weight of the contrastive loss between codes
    temperature: PositiveFloat  # what its cosines are divided by
    speed: PositiveFloat  # how many times as fast as weights codes are learned
    sought: Sought
    watched: Annotated[int, Field(ge=2)]  # test images that are drawn in the end


class AllLatents(RootModel[dict[Name, Latents]]):
    """By name."""

    model_config = PLAIN


class Baselines(RootModel[dict[Name, dict[str, Any]]]):
    """The names of encoders that no gradient trained, each with its own parameters."""

    model_config = PLAIN


class Labels(RootModel[dict[Name, Text]]):
    """By name."""

    model_config = PLAIN


class Label(RootModel[Text]):
    """Of one encoder."""

    model_config = PLAIN


class Methods(RootModel[tuple[Name, ...]]):
    """Methods that are trained besides VICReg, each by the section of its name."""

    model_config = PLAIN


class AnomalousSets(RootModel[dict[Name, Name]]):
    """Image sets that should stand out among the objects, each by its short name in the metrics."""

    model_config = PLAIN
