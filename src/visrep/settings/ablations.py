"""Named overrides on a section: the sections `ablations` (of `vicreg`) and `simclr_ablations`."""

from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, RootModel

from visrep.stage.params import Name, Section

S = TypeVar("S", bound=Section)


class Overrides(BaseModel):
    """Some parameters of a section with other values: one ablation."""

    model_config = ConfigDict(frozen=True, strict=True, extra="allow")


class Ablations(RootModel[dict[Name, Overrides]]):
    """By name."""

    model_config = ConfigDict(frozen=True, strict=True)


def ablated(section: S, overrides: Overrides) -> S:
    """``section`` with the leaves of ``overrides`` put in. Raises `ValueError` where one is no parameter of it or does
    not fit."""
    merged = _merged(section.model_dump(), overrides.model_dump(), "", type(section).__name__)
    return type(section).model_validate(merged)


def _merged(base: dict[str, Any], change: dict[str, Any], prefix: str, whole: str) -> dict[str, Any]:
    merged = dict(base)
    for name, value in change.items():
        if name not in base:
            raise ValueError(f"{prefix}{name} is no parameter of {whole}")
        inner = isinstance(base[name], dict)
        if inner != isinstance(value, dict):
            raise ValueError(f"{prefix}{name} {'has parameters of its own' if inner else 'is one value'} in {whole}")
        merged[name] = _merged(base[name], value, f"{prefix}{name}.", whole) if inner else value
    return merged
