"""The sections of representations without labels, but for what each method adds."""

from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Discriminator,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    RootModel,
    Tag,
    model_validator,
)

from visrep.settings.base import PLAIN, Chance, Name, Probability, Section, Text, kind, varied
from visrep.settings.training import Plan

M = TypeVar("M", bound="Method")
Widths = tuple[PositiveInt, ...]


class Small(Section):
    """A residual network (He et al. 2016) with a 3x3 stem and no max pool, as suits small images."""

    network: Literal["small"]
    input_size: Annotated[int, Field(ge=32)]
    stem_stride: Annotated[int, Field(ge=1, le=2)]
    widths: Annotated[Widths, Field(min_length=1, max_length=5)]
    blocks: Annotated[Widths, Field(min_length=1, max_length=5)]
    dimensions: Annotated[int, Field(ge=2)]

    @model_validator(mode="after")
    def _groups_fit(self) -> Self:
        if len(self.widths) != len(self.blocks):
            raise ValueError(f"widths names {len(self.widths)} groups and blocks {len(self.blocks)}")
        return self


class ResNet50(Section):
    """As torchvision has it, made for larger images."""

    network: Literal["resnet50"]
    input_size: Annotated[int, Field(ge=32)]
    pretrained: bool
    dimensions: Annotated[int, Field(ge=2)]


Encoder = Annotated[
    Annotated[Small, Tag(":small")] | Annotated[ResNet50, Tag(":resnet50")], Discriminator(kind("network"))
]


class OneEncoder(RootModel[Encoder]):
    """`pretraining.encoder` alone."""

    model_config = PLAIN


class Crop(Section):
    scale: Annotated[float, Field(gt=0, le=1)]
    aspect: Annotated[float, Field(ge=1)]


class Jitter(Section):
    probability: Chance
    brightness: NonNegativeFloat
    contrast: NonNegativeFloat
    saturation: NonNegativeFloat
    hue: Annotated[float, Field(ge=0, le=0.5)]


class Blur(Section):
    probability: Chance
    sigma: Annotated[float, Field(ge=0.1)]


class Views(Section):
    """Random changes, drawn for each image; null and 0 leave one out."""

    crop: Crop | None
    flip: Probability
    jitter: Jitter | None
    grey: Probability
    blur: Blur | None
    solarize: Probability
    noise: NonNegativeFloat
    rotation: Annotated[float, Field(ge=0, le=180)]


class Local(Section):
    """Further views: small crops at fewer pixels."""

    views: PositiveInt
    size: Annotated[int, Field(ge=8)]
    smallest: Annotated[float, Field(gt=0, le=1)]
    largest: Annotated[float, Field(gt=0, le=1)]
    aspect: Annotated[float, Field(ge=1)]

    @model_validator(mode="after")
    def _shares_are_in_order(self) -> Self:
        if self.smallest > self.largest:
            raise ValueError(f"smallest must be at most largest, {self.largest:g}")
        return self


class Pretraining(Plan):
    """What all methods without labels share; the section of a method may override any of it."""

    encoder: Encoder
    views: Annotated[int, Field(ge=2)]
    local: Local | None
    augment: Views
    monitored: Annotated[int, Field(ge=2)]


class Method(Pretraining):
    """The parameters of a method; each adds its own."""

    seed: NonNegativeInt
    projector: Widths


class Ablation(BaseModel):
    """``of`` names the section of a method; all else are parameters of that section with other values."""

    model_config = ConfigDict(frozen=True, strict=True, extra="allow")

    of: Name

    def apply(self, section: M) -> M:
        """``section`` with the other values put in. Raises `ValidationError` where one is no parameter of it or does
        not fit."""
        return varied(section, self.model_dump(exclude={"of"}))


class Ablations(RootModel[dict[Name, Ablation]]):
    """By name."""

    model_config = PLAIN


class Neighbors(Section):
    k: PositiveInt
    of: Annotated[Name, Field(alias="from")]


class NoGeneratedNeighbors(Section):
    epochs: PositiveInt
    augmented: bool

    def of(self, vicreg: M) -> M:
        """``vicreg`` with these epochs. Raises `ValidationError` where the two do not fit."""
        return type(vicreg).model_validate(vicreg.model_dump() | {"epochs": self.epochs})


class LaplacianEigenmaps(Section):
    seed: NonNegativeInt
    k: PositiveInt
    dimensions: Annotated[int, Field(ge=2)]


class LinearVicreg(Section):
    seed: NonNegativeInt
    images: PositiveInt
    views: Annotated[int, Field(ge=2)]
    ridge: NonNegativeFloat


class Table(Section):
    """A code for each view of each training image; those of other images are found by gradient descent."""

    name: Literal["table"]
    speed: PositiveFloat
    steps: PositiveInt
    lr: PositiveFloat


class Amortised(Section):
    """An encoder gives the codes, with the network of `pretraining`."""

    name: Literal["encoder"]


class Latents(Plan):
    """Codes that are learned with a generator of images."""

    seed: NonNegativeInt
    codes: Annotated[
        Annotated[Table, Tag(":table")] | Annotated[Amortised, Tag(":encoder")], Discriminator(kind("name"))
    ]
    hidden: NonNegativeInt
    views: Annotated[int, Field(ge=2)]
    contrastive: NonNegativeFloat
    temperature: PositiveFloat
    prior: NonNegativeFloat
    monitored: Annotated[int, Field(ge=2)]


class AllLatents(RootModel[dict[Name, Latents]]):
    """By name."""

    model_config = PLAIN


class Baselines(RootModel[dict[Name, dict[str, Any]]]):
    """Encoders that are not trained by gradients, each with its own parameters."""

    model_config = PLAIN


class Labels(RootModel[dict[Name, Text]]):
    """By name."""

    model_config = PLAIN


class Label(RootModel[Text]):
    """Of one encoder."""

    model_config = PLAIN


class Methods(RootModel[tuple[Name, ...]]):
    """Methods trained besides VICReg; each has a section of its name."""

    model_config = PLAIN


class AnomalousSets(RootModel[dict[Name, Name]]):
    """Image sets that should stand out among the objects, each by its short name in the metrics."""

    model_config = PLAIN
