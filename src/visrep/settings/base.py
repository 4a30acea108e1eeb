"""What every section of params.yaml is made of."""

from collections.abc import Callable
from typing import Annotated, Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError
from pydantic_core import ErrorDetails

Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]*$")]  # chosen by a user: of an ablation, a family
Text = Annotated[str, StringConstraints(min_length=1)]
Share = Annotated[float, Field(gt=0, lt=1)]
Probability = Annotated[float, Field(ge=0, le=1)]
Chance = Annotated[float, Field(gt=0, le=1)]  # probability of a change that null leaves out
Seed32 = Annotated[int, Field(ge=0, lt=2**32)]  # as NumPy's older generator takes it
KINDS = ("name", "source", "network", "init")  # leaves that choose the type of their mapping


class Section(BaseModel):
    """A mapping of params.yaml: frozen, strict, complete."""

    model_config = ConfigDict(frozen=True, strict=True, extra="forbid", allow_inf_nan=False)


S = TypeVar("S", bound=BaseModel)
PLAIN = ConfigDict(frozen=True, strict=True)  # of sections that are no mapping with fixed keys


def kind(leaf: str) -> Callable[[Any], str | None]:
    """For pydantic's `Discriminator`: the tag of a mapping, a colon and the value of its ``leaf``."""

    def tag(value: Any) -> str | None:
        word = value.get(leaf) if isinstance(value, dict) else getattr(value, leaf, None)
        return None if word is None else f":{word}"

    tag.__name__ = leaf
    return tag


def merged(base: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """``base`` with the leaves of ``change`` put in. A list is one leaf, and so is a mapping of another kind (`KINDS`)
    than the one in its place."""
    both = {key: merged(base[key], value) for key, value in change.items() if alike(base.get(key), value)}
    return base | change | both


def alike(old: Any, new: Any) -> bool:
    """Whether both are mappings of the same kind."""
    both = isinstance(old, dict) and isinstance(new, dict)
    return both and all(new.get(leaf, old.get(leaf)) == old.get(leaf) for leaf in KINDS)


def varied(section: S, change: dict[str, Any]) -> S:
    """``section`` with other values put in. Raises `ValidationError` where one is no parameter of it or does not
    fit."""
    return type(section).model_validate(merged(section.model_dump(), change))


def faults(error: ValidationError, key: str) -> str:
    """All that is wrong with the section at ``key``, each fault by its name."""
    return "; ".join(_line(key, fault) for fault in error.errors())


def _line(key: str, fault: ErrorDetails) -> str:
    name = ".".join([key] * bool(key) + [str(part) for part in fault["loc"] if not _tag(part)])
    of = next((f" of {str(part)[1:]}" for part in reversed(fault["loc"][:-1]) if _tag(part)), "")
    value = fault["input"]
    match fault["type"]:
        case "missing":
            return f"{name} is missing" + (f", a parameter{of}" if of else "")
        case "extra_forbidden":
            return f"{name} is no parameter{of}" + ("; leave it out" if of else "")
        case "greater_than" if fault["ctx"]["gt"] == 0:
            return f"{name}: {value!r} is not positive"
        case "value_error":
            return f"{name}: {fault['ctx']['error']}" if name else str(fault["ctx"]["error"])
        case "union_tag_not_found" if isinstance(value, dict):
            return f"{name}.{fault['ctx']['discriminator'].strip('()')} is missing"
        case "union_tag_invalid":
            kinds = fault["ctx"]["expected_tags"].replace("':", "'")
            return f"{name}.{fault['ctx']['discriminator'].strip('()')}: {fault['ctx']['tag'][1:]!r} should be {kinds}"
        case "model_type" | "union_tag_not_found":
            return f"{name}: {value!r} should be a mapping"
    message = fault["msg"].removeprefix("Input ")
    return f"{name}: {value!r} {message}"


def _tag(part: int | str) -> bool:
    return str(part).startswith(":")
