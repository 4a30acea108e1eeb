"""The section `fgsm_sweep`: the attacks on the classifiers, and when to distrust them."""

from typing import Annotated, Self

from pydantic import Field, NonNegativeInt, PositiveInt, model_validator

from visrep.stage.params import Section

Radius = Annotated[float, Field(gt=0, lt=1)]  # in [-1, 1] units; 0.1 is 12.75/255
Radii = Annotated[tuple[Radius, ...], Field(min_length=1, max_length=6)]


class SweepPgd(Section):
    epsilons: Radii
    steps: PositiveInt
    more_steps: PositiveInt  # of the second attack that must agree with the first
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
        if self.pgd.more_steps <= self.pgd.steps:
            raise ValueError(f"pgd.more_steps must exceed steps, {self.pgd.steps}")
        return self
