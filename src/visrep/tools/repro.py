"""make repro: run the graph in lanes, as many as the machine has cores; see docs/lanes.md.

    python -m visrep.tools.repro [stage ...] [--threads N] [--memory MiB] [--scheduler ADDRESS or FILE] [--any-worker]

Without Dask (the extra "lanes") it is `dvc repro`: the same results, one stage after the other.
"""

import argparse
import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

from visrep.engine import untouched
from visrep.errors import Failure

if TYPE_CHECKING:
    from visrep.engine.cluster import Cluster

NAME = "make repro"
TEMPORARY = Path(".dvc/tmp")
DURATIONS = "lanes.json"  # in DVC's folder for temporary files: seconds that each stage took the last time


def main() -> None:
    parser = argparse.ArgumentParser(prog=NAME, description="Run what must run, in lanes.")
    parser.add_argument("stages", nargs="*", help="with all that they depend on; without, all")
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)), help="of this machine")
    parser.add_argument("--memory", type=int, default=16384, help="MiB of a GPU that a stage needs: how many share one")
    parser.add_argument("--scheduler", default="", help="of Dask, by its address or its file")
    parser.add_argument("--any-worker", action="store_true", help="whatever its commit, packages or processor")
    words = parser.parse_args()
    if not words.stages and (stages := untouched.done(TEMPORARY / untouched.NAME)):
        print(f"{stages} stages: {stages} unchanged since the last run")
        return
    if find_spec("distributed") is None:
        print(f'{NAME}: no lanes without Dask (pip install "visrep[lanes]"); dvc repro runs instead', flush=True)
        os.execvp("dvc", ["dvc", "repro", *words.stages])
    try:
        run(words.stages, words.threads, words.memory, words.scheduler, words.any_worker)
    except Failure as failure:
        sys.exit(f"{NAME}: {failure}")
    except KeyboardInterrupt:
        print(f"{NAME}: interrupted; what is done is recorded, run it again and it goes on from here", file=sys.stderr)
        sys.exit(130)


def run(stages: list[str], threads: int, memory: int, scheduler: str, anyone: bool) -> None:
    from visrep.engine.coordinator import Coordinator, Need, remember, remembered
    from visrep.engine.progress import Progress
    from visrep.engine.repository import Repository
    from visrep.settings.runtime import Runtime
    from visrep.stage import params

    runtime = params.read("runtime", Runtime)
    need = Need(runtime.threads, memory if runtime.device == "cuda" else 0)
    with Repository(stages) as repository, Progress(len(repository.needs)) as progress:
        durations = remembered(repository.folder / DURATIONS)

        def connect() -> "Cluster":
            from visrep.engine.cluster import Cluster
            from visrep.engine.identity import Identity
            from visrep.engine.workers import StagePlugin

            return Cluster(StagePlugin(repository.lock, Identity.here(), anyone), max(threads, need.threads), scheduler)

        try:
            Coordinator(repository, connect, need, durations, progress).run()
        finally:
            remember(repository.folder / DURATIONS, durations)


if __name__ == "__main__":
    main()
