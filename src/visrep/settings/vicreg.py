"""The section `vicreg`: a representation without labels; and those that vary it."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, NonNegativeInt, RootModel

from visrep.settings.encoder import Encoder, Weights, Widths
from visrep.settings.training import Plan
from visrep.settings.views import Views


class VICReg(Plan):
    seed: NonNegativeInt
    encoder: Encoder
    projector: Widths  # hidden and output widths of what stands on the embedding; empty for none
    weights: Weights
    views: Annotated[int, Field(ge=2)]  # of each image
    augment: Views
    watched: Annotated[int, Field(ge=2)]  # test images whose loss and rank are told after each epoch


class Overrides(BaseModel):
    """Some parameters of `vicreg` with other values: one ablation."""

    model_config = ConfigDict(frozen=True, strict=True, extra="allow")


class Ablations(RootModel[dict[str, Overrides]]):
    """By name."""

    model_config = ConfigDict(frozen=True, strict=True)


def ablated(vicreg: VICReg, overrides: Overrides) -> VICReg:
    """``vicreg`` with the leaves of ``overrides`` put in. Raises `ValueError` where one is no parameter of it or does
    not fit."""
    return VICReg.model_validate(_merged(vicreg.model_dump(), overrides.model_dump(), ""))


def _merged(base: dict[str, Any], change: dict[str, Any], prefix: str) -> dict[str, Any]:
    merged = dict(base)
    for name, value in change.items():
        if name not in base:
            raise ValueError(f"{prefix}{name} is no parameter of vicreg")
        inner = isinstance(base[name], dict)
        if inner != isinstance(value, dict):
            raise ValueError(f"{prefix}{name} {'has parameters of its own' if inner else 'is one value'} in vicreg")
        merged[name] = _merged(base[name], value, f"{prefix}{name}.") if inner else value
    return merged
