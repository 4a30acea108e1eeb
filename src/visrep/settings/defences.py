"""The section `defences`: further classifiers."""

from typing import Annotated, Literal, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, PositiveFloat, RootModel, model_validator

from visrep.settings.base import PLAIN, Name, varied
from visrep.settings.digits import AdvTrain, TrainCNN

TRICKS = ("temperature", "levels", "ripple")  # of a defence
M = TypeVar("M", TrainCNN, AdvTrain)


class Defence(BaseModel):
    """A further classifier: the section `train_cnn` or `adv_train` (``of``) with other values, and at most one of three
    changes that only look like robustness."""

    model_config = ConfigDict(frozen=True, strict=True, extra="allow")

    of: Literal["train_cnn", "adv_train"]
    temperature: PositiveFloat | None = None  # defensive distillation
    levels: Annotated[int, Field(ge=2, le=256)] | None = None  # of each pixel
    ripple: PositiveFloat | None = None  # height of the wave that is added to pixels, in [-1, 1] units

    @property
    def masks(self) -> dict[str, float]:
        """By name, as `visrep.digits.masked` has them: one at most."""
        return {name: value for name in ("levels", "ripple") if (value := getattr(self, name)) is not None}

    def apply(self, section: M) -> M:
        """``section`` with the other values put in. Raises `ValidationError` where one is no parameter of it or does
        not fit."""
        return varied(section, self.model_dump(exclude={"of", *TRICKS}))

    @model_validator(mode="after")
    def _fits(self) -> Self:
        tricks = [name for name in TRICKS if getattr(self, name) is not None]
        if len(tricks) > 1:
            raise ValueError(f"{' and '.join(tricks)}: one at a time")
        if tricks and self.of == "adv_train":
            raise ValueError(f"{tricks[0]} goes with train_cnn only")
        return self


class Defences(RootModel[dict[Name, Defence]]):
    """By name."""

    model_config = PLAIN
