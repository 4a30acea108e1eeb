"""`runtime.threads` alone, for stages that use no network and so read nothing else of `runtime`."""

from pydantic import ConfigDict, PositiveInt, RootModel


class Threads(RootModel[PositiveInt]):
    model_config = ConfigDict(frozen=True, strict=True)
