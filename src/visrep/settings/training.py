"""What every training section is made of."""

from typing import Annotated, Literal, Self

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt, model_validator

from visrep.settings.base import Section


class Optimizer(Section):
    name: Literal["sgd", "adam", "adamw", "lars"]
    lr: PositiveFloat
    momentum: Annotated[float, Field(ge=0, lt=1)]  # of sgd and lars
    weight_decay: NonNegativeFloat
    trust: PositiveFloat  # lars: a layer's step as a share of its weights' length
    warmup_epochs: NonNegativeFloat  # over which the rate grows from 0, before the schedule
    schedule: Literal["constant", "cosine", "one_cycle"]
    clip_norm: PositiveFloat | None  # largest norm of the whole gradient


class Plan(Section):
    """How long and how fast."""

    epochs: PositiveInt
    batch_size: PositiveInt
    optimizer: Optimizer
    ema: Annotated[float, Field(gt=0, lt=1)] | None  # decay per step of the averaged weights that are kept

    @model_validator(mode="after")
    def _warm_up_ends(self) -> Self:
        if self.optimizer.warmup_epochs >= self.epochs:
            raise ValueError(f"warmup_epochs must be below epochs, {self.epochs}")
        return self

    @model_validator(mode="after")
    def _a_batch_holds_two(self) -> Self:
        if self.batch_size < 2:
            raise ValueError("batch_size must be at least 2: batch norm needs two images")
        return self


class Watched(Plan):
    """And which epoch is kept."""

    select: str  # "last", or a validation score (higher is better) whose best epoch is kept
    patience: PositiveInt | None  # epochs without a better score before training stops
    patience_from: NonNegativeInt  # epochs that patience does not count

    @model_validator(mode="after")
    def _patience_has_a_score(self) -> Self:
        if self.patience is not None and self.select == "last":
            raise ValueError("patience needs a score to watch, so select cannot be last")
        return self
