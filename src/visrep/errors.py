"""Errors that a user can fix."""

from pathlib import PurePath


class Failure(Exception):
    """Ends a stage with one line that names what is wrong and where.

    ``status`` is the exit status: 2 for parameters and usage, 1 for everything else.
    """

    def __init__(self, line: str, status: int = 1) -> None:
        super().__init__(" ".join(line.split()))
        self.status = status


class Missing(Failure):
    """An input file is missing; `visrep.stage.process` adds which stage writes it."""

    def __init__(self, path: PurePath | str) -> None:
        super().__init__(f"{path} is missing")
        self.path = path
