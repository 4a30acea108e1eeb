"""The sections `train_cnn`, `adv_train`, `fgsm_sweep`: the classifier of digits, its defence, the attacks on both."""

from typing import Annotated, Literal, Self

from pydantic import (
    Discriminator,
    Field,
    NonNegativeFloat,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
    Tag,
    model_validator,
)

from visrep.settings.base import Probability, Section, Share, kind
from visrep.settings.training import Selected


class Augment(Section):
    """The largest change of each kind, drawn per image; 0 leaves it out."""

    shift: NonNegativeFloat
    rotation: Annotated[float, Field(ge=0, le=180)]
    scale: Annotated[float, Field(ge=0, lt=1)]
    contrast: Probability
    blur: Annotated[float, Field(ge=0, le=10)]  # the kernel reaches three times as far
    noise: NonNegativeFloat


class ConvNet(Section):
    """Blocks of convolution, batch norm, ReLU, max pool and dropout; then two fully connected layers."""

    channels: Annotated[tuple[PositiveInt, ...], Field(min_length=1, max_length=5)]
    depth: PositiveInt
    hidden: PositiveInt
    dropout: Annotated[float, Field(ge=0, lt=1)]


class TrainCNN(Selected):
    seed: NonNegativeInt
    validation: Share
    model: ConvNet
    select: Literal["last", "val_accuracy"]
    label_smoothing: Probability
    balance: Literal["none", "weights", "oversample"]
    augment: Augment


class Steps(Section):
    """Of PGD."""

    steps: PositiveInt
    step_size: PositiveFloat


class FgsmMix(Section):
    name: Literal["fgsm_mix"]
    alpha: Probability
    fused: bool

    @model_validator(mode="after")
    def _fused_needs_a_clean_loss(self) -> Self:
        if self.fused and self.alpha == 0:
            raise ValueError("alpha 0 leaves no clean loss to fuse with; set fused to false")
        return self


class NFgsm(Section):
    name: Literal["n_fgsm"]


class PgdTraining(Steps):
    name: Literal["pgd"]


class Trades(Steps):
    name: Literal["trades"]
    beta: PositiveFloat


class FromClassifier(Section):
    """The weights of the trained classifier are where training starts."""

    init: Literal["cnn"]
    dropout: Annotated[float, Field(ge=0, lt=1)]


class FromScratch(ConvNet):
    init: Literal["scratch"]


class AdvTrain(Selected):
    seed: NonNegativeInt
    validation: Share
    model: Annotated[
        Annotated[FromClassifier, Tag(":cnn")] | Annotated[FromScratch, Tag(":scratch")], Discriminator(kind("init"))
    ]
    method: Annotated[
        Annotated[FgsmMix, Tag(":fgsm_mix")]
        | Annotated[NFgsm, Tag(":n_fgsm")]
        | Annotated[PgdTraining, Tag(":pgd")]
        | Annotated[Trades, Tag(":trades")],
        Discriminator(kind("name")),
    ]
    epsilon: PositiveFloat
    ramp_epochs: NonNegativeFloat
    select: Literal["last", "val_pgd", "val_clean", "val_fgsm"]
    augment: Augment
    attacked_validation: PositiveInt
    validation_pgd: Steps

    @model_validator(mode="after")
    def _the_ramp_ends(self) -> Self:
        if self.ramp_epochs >= self.epochs:
            raise ValueError(f"ramp_epochs must be below epochs, {self.epochs}")
        return self


Radius = Annotated[float, Field(gt=0, lt=1)]  # in [-1, 1] units; 0.1 is 12.75/255
Radii = Annotated[tuple[Radius, ...], Field(min_length=1, max_length=6)]


class SweepPgd(Section):
    epsilons: Radii
    steps: PositiveInt
    step_share: PositiveFloat
    restarts: PositiveInt


class FgsmSweep(Section):
    seed: NonNegativeInt
    batch_size: PositiveInt
    epsilons: Radii
    gate_epsilon: Radius
    pgd: SweepPgd

    @model_validator(mode="after")
    def _gates_have_what_they_compare(self) -> Self:
        for name, radii in (("epsilons", self.epsilons), ("pgd.epsilons", self.pgd.epsilons)):
            if self.gate_epsilon not in radii:
                raise ValueError(f"{name} must hold gate_epsilon, {self.gate_epsilon:g}")
            if len({f"{radius:g}" for radius in radii}) < len(radii):  # by which results are named
                raise ValueError(f"{name} holds a radius twice, to six digits")
        return self
