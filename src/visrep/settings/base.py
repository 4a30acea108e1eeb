"""What every section of params.yaml is made of."""

from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from pydantic_core import ErrorDetails

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]  # of what a user may add: an ablation, a family
Text = Annotated[str, StringConstraints(min_length=1)]
Share = Annotated[float, Field(gt=0, lt=1)]
Probability = Annotated[float, Field(ge=0, le=1)]
Seed32 = Annotated[int, Field(ge=0, lt=2**32)]  # as NumPy's older generator takes it


class Section(BaseModel):
    """A mapping of params.yaml: frozen, strict, complete."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)


S = TypeVar("S", bound=Section)
PLAIN = ConfigDict(frozen=True, strict=True)  # of what is no mapping with known keys


def faults(error: ValidationError, key: str) -> str:
    """All that is wrong with the section at ``key``, each fault by its name."""
    return "; ".join(_line(key, fault) for fault in error.errors())


def _line(key: str, fault: ErrorDetails) -> str:
    parts = [str(part) for part in fault["loc"]]  # of which those with a colon name a kind of value
    name = ".".join([key] * bool(key) + [part for part in parts if not part.startswith(":")])
    value = fault["input"]
    match fault["type"]:
        case "missing":
            return f"{name} is missing"
        case "extra_forbidden":
            return f"{name} is no parameter"
        case "greater_than" if fault["ctx"]["gt"] == 0:
            return f"{name}: {value!r} is not positive"
        case "value_error":
            return f"{name}: {fault['ctx']['error']}" if name else str(fault["ctx"]["error"])
    message = fault["msg"].removeprefix("Input ")
    return f"{name}: {value!r} {message}"


def varied(section: S, change: dict[str, Any], name: str) -> S:
    """``section``, which is called ``name``, with other values put in. Raises `ValueError` where one is no parameter of
    it or does not fit."""
    return type(section).model_validate(_merged(section.model_dump(), change, "", name))


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
