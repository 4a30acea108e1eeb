"""What coordinator and workers tell each other."""

from typing import NamedTuple


class Lock(NamedTuple):
    """A ``path`` below the study's folder that the coordinator has locked and whose ``content`` nobody else knows."""

    path: str
    content: str


class Joined(NamedTuple):
    """The worker at ``address`` has so many ``threads`` for commands and these ``cards``, each by its name in
    CUDA_VISIBLE_DEVICES and its MiB; neither where it is refused, and ``refused`` says why."""

    address: str
    threads: int
    cards: tuple[tuple[str, int], ...]
    refused: str


class Lost(NamedTuple):
    """The worker at ``address`` has gone, and with it what it ran."""

    address: str


class Line(NamedTuple):
    """What the command of a ``stage`` wrote."""

    stage: str
    text: str


class Ended(NamedTuple):
    """The command of a ``stage`` has ended with ``status``, negative for a signal, and had so much ``memory`` (KiB) at
    most; the status is None where its end was lost, so that it may be given away again."""

    stage: str
    status: int | None
    memory: int


Event = Joined | Lost | Line | Ended
