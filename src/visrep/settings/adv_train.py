"""The section `adv_train`: the defended classifier."""

from typing import Literal, Self

from pydantic import NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from visrep.settings.training import Augment, ConvNet, Probability, Share, Watched
from visrep.stage.params import Section


class Pgd(Section):
    steps: PositiveInt
    step_size: PositiveFloat  # in [-1, 1] units


class AdvTrain(Watched):
    seed: NonNegativeInt
    validation: Share  # of the training images
    init: Literal["scratch", "cnn"]  # cnn: start from the trained classifier
    model: ConvNet
    method: Literal["fgsm_mix", "n_fgsm", "pgd"]
    epsilon: PositiveFloat  # in [-1, 1] units; 0.1 is 12.75/255
    ramp_epochs: NonNegativeFloat  # epochs over which epsilon grows from 0
    alpha: Probability  # fgsm_mix: the weight of the clean loss
    fused: bool  # fgsm_mix: one backward pass of the clean loss serves both the weights and the attack
    pgd: Pgd  # method pgd: the attack of every batch
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
