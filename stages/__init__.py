"""The stages of dvc.yaml: read params, load, call, write."""

import os
from collections.abc import Callable
from typing import Any, NoReturn

# How long a thread that waits for another spins before it sleeps: a tenth of the default. The same sums; beside other
# work on the machine, training is several times as fast. It must be set before torch is imported.
os.environ.setdefault("GOMP_SPINCOUNT", "30000")

# Who started this process, asked before imports that take seconds: a stage ends with its parent, however early.
PARENT = os.getppid()


def run(stage: Callable[[Any], None], items: tuple[str, ...] | str = ()) -> NoReturn:
    """Run a stage as a program, see `visrep.stage.process.main`."""
    from visrep.stage import process

    process.main(stage, items, PARENT)
