"""What every training section is made of."""

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

from visrep.settings.base import Section, Share, kind

Momentum = Annotated[float, Field(ge=0, lt=1)]


class Descent(Section):
    """What the parameters of every optimizer have in common."""

    lr: PositiveFloat
    weight_decay: NonNegativeFloat
    warmup_epochs: NonNegativeFloat
    schedule: Literal["constant", "cosine", "one_cycle"]
    clip_norm: PositiveFloat | None


class Sgd(Descent):
    name: Literal["sgd"]
    momentum: Momentum


class Adam(Descent):
    name: Literal["adam", "adamw"]


class Lars(Descent):
    name: Literal["lars"]
    momentum: Momentum
    trust: PositiveFloat


Optimizer = Annotated[
    Annotated[Sgd, Tag(":sgd")]
    | Annotated[Adam, Tag(":adam")]
    | Annotated[Adam, Tag(":adamw")]
    | Annotated[Lars, Tag(":lars")],
    Discriminator(kind("name")),
]


class Plan(Section):
    """How long and how fast."""

    epochs: PositiveInt
    batch_size: PositiveInt
    optimizer: Optimizer
    ema: Share | None

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


class Patience(Section):
    """Training stops after so many epochs without a better score."""

    epochs: PositiveInt
    after: NonNegativeInt


class Selected(Plan):
    """And which epoch is kept."""

    select: str  # "last", or a validation score (higher is better) whose best epoch is kept
    patience: Patience | None

    @model_validator(mode="after")
    def _patience_has_a_score(self) -> Self:
        if self.patience is not None and self.select == "last":
            raise ValueError("patience needs a validation score, so select cannot be last")
        return self
