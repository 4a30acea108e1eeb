"""The section `runtime`: what the machine is used for. All of it can change the bytes, so all of it is concrete."""

from typing import Literal

from pydantic import PositiveInt, RootModel

from visrep.settings.base import PLAIN, Section


class Runtime(Section):
    device: Literal["cpu", "cuda"]
    threads: PositiveInt  # on the CPU; another number gives other sums
    bf16: bool  # bfloat16 products where that is safe
    channels_last: bool


class Processes(RootModel[PositiveInt]):
    """That share the training of one encoder."""

    model_config = PLAIN


class Threads(RootModel[PositiveInt]):
    """`runtime.threads` alone, for stages that use no network and so read nothing else of `runtime`."""

    model_config = PLAIN
