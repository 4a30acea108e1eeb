"""The sections `train_cnn`, `adv_train`, `fgsm_sweep`: the classifier of digits, its defence, the attacks on both."""

from typing import Annotated, Literal, Self

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from visrep.settings.base import Probability, Section, Share
from visrep.settings.training import Watched


class Augment(Section):
    """The largest change of each kind, drawn per image; 0 leaves it out."""

    shift: NonNegativeFloat  # pixels
    rotation: Annotated[float, Field(ge=0, le=180)]  # degrees
    scale: Annotated[float, Field(ge=0, lt=1)]  # share of the size
    contrast: Annotated[float, Field(ge=0, le=1)]  # share of the contrast
    blur: Annotated[float, Field(ge=0, le=10)]  # pixels, standard deviation; its reach is three times that
    noise: NonNegativeFloat  # standard deviation, in [-1, 1] units


class ConvNet(Section):
    """Blocks of convolution, batch norm, ReLU, max pool and dropout; then two fully connected layers."""

    channels: Annotated[tuple[PositiveInt, ...], Field(min_length=1, max_length=5)]  # one block each
    depth: PositiveInt  # convolutions per block
    hidden: PositiveInt  # features between the two fully connected layers
    dropout: Annotated[float, Field(ge=0, lt=1)]


class TrainCNN(Watched):
    seed: NonNegativeInt
    validation: Share  # of the training images
    model: ConvNet
    select: Literal["last", "val_accuracy"]
    label_smoothing: Probability
    balance: Literal["none", "weights", "oversample"]  # what is done for rare digits
    augment: Augment


class Pgd(Section):
    steps: PositiveInt
    step_size: PositiveFloat  # in [-1, 1] units


class AdvTrain(Watched):
    seed: NonNegativeInt
    validation: Share  # of the training images
    init: Literal["scratch", "cnn"]  # cnn: start from the trained classifier
    model: ConvNet
    method: Literal["fgsm_mix", "n_fgsm", "pgd", "trades"]
    epsilon: PositiveFloat  # in [-1, 1] units; 0.1 is 12.75/255
    ramp_epochs: NonNegativeFloat  # epochs over which epsilon grows from 0
    alpha: Probability  # fgsm_mix: the weight of the clean loss
    fused: bool  # fgsm_mix: one backward pass of the clean loss serves both the weights and the attack
    beta: PositiveFloat  # trades: the weight of equal answers
    pgd: Pgd  # methods pgd and trades: the attack of every batch
    select: Literal["last", "val_pgd", "val_clean", "val_fgsm"]
    augment: Augment
    attacked_validation: PositiveInt  # validation images attacked after each epoch
    validation_pgd: Pgd  # the attack on them

    @model_validator(mode="after")
    def _the_ramp_ends(self) -> Self:
        if self.ramp_epochs >= self.epochs:
            raise ValueError(f"ramp_epochs must be below epochs, {self.epochs}")
        return self

    @model_validator(mode="after")
    def _fused_needs_a_clean_loss(self) -> Self:
        if self.method == "fgsm_mix" and self.fused and self.alpha == 0:
            raise ValueError("alpha 0 leaves no clean loss to fuse with; set fused to false")
        return self


Radius = Annotated[float, Field(gt=0, lt=1)]  # in [-1, 1] units; 0.1 is 12.75/255
Radii = Annotated[tuple[Radius, ...], Field(min_length=1, max_length=6)]


class SweepPgd(Section):
    epsilons: Radii
    steps: PositiveInt
    step_share: Annotated[float, Field(gt=0)]  # of epsilon, per step
    restarts: PositiveInt


class FgsmSweep(Section):
    seed: NonNegativeInt
    batch_size: PositiveInt
    epsilons: Radii
    gate_epsilon: Radius  # at which the gates look
    pgd: SweepPgd

    @model_validator(mode="after")
    def _gates_have_what_they_compare(self) -> Self:
        for name, radii in (("epsilons", self.epsilons), ("pgd.epsilons", self.pgd.epsilons)):
            if self.gate_epsilon not in radii:
                raise ValueError(f"{name} must hold gate_epsilon, {self.gate_epsilon:g}")
            if len({f"{radius:g}" for radius in radii}) < len(radii):  # by which results are named
                raise ValueError(f"{name} holds a radius twice, to six digits")
        return self
