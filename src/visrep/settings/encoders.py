"""The section `encoders`: whatever embeds, and what it is called in tables and figures."""

from typing import Annotated

from pydantic import ConfigDict, RootModel, StringConstraints

from visrep.stage.params import Name

FLOORS = ("pixels", "random")  # encoders that learned nothing


Text = Annotated[str, StringConstraints(min_length=1)]


class Labels(RootModel[dict[Name, Text]]):
    """By name."""

    model_config = ConfigDict(frozen=True, strict=True)


class Label(RootModel[Text]):
    """Of one encoder."""

    model_config = ConfigDict(frozen=True, strict=True)
