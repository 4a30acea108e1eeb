"""The section `encoders`: whatever embeds, and what it is called in tables and figures."""

from pydantic import ConfigDict, RootModel

from visrep.stage import params

FLOORS = ("pixels", "random")  # encoders that learned nothing


class Labels(RootModel[dict[str, str]]):
    """By name."""

    model_config = ConfigDict(frozen=True, strict=True)


class Label(RootModel[str]):
    """Of one encoder."""

    model_config = ConfigDict(frozen=True, strict=True)


def items() -> list[str]:
    """The names, as the stages that are run for each encoder know them."""
    return params.names("encoders")
