"""The sections `audit` and `classifiers`: the strongest attacks, and the names of all that are attacked."""

from typing import Self

from pydantic import NonNegativeInt, PositiveInt, RootModel, model_validator

from visrep.settings.base import PLAIN, Name, Section, Text
from visrep.settings.digits import Radii


class Audit(Section):
    seed: NonNegativeInt  # of images, starts and squares
    images: PositiveInt  # test images, at most
    batch_size: PositiveInt
    epsilons: Radii
    steps: PositiveInt  # of APGD, and of the minimum-norm attack
    targets: PositiveInt  # classes that targeted APGD leads to, at most
    queries: PositiveInt | None  # of Square; None leaves it out

    @model_validator(mode="after")
    def _radii_differ(self) -> Self:
        if len({f"{radius:g}" for radius in self.epsilons}) < len(self.epsilons):  # by which results are named
            raise ValueError("epsilons holds a radius twice, to six digits")
        return self


class Classifiers(RootModel[dict[Name, Text]]):
    """What each is called, by the name of its weights."""

    model_config = PLAIN
