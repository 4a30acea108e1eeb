"""One thread, so that sums are the same everywhere; a finished tiny study that tests may copy from."""

import fcntl
import os
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ["PYTHONPATH"] = f"{ROOT}/tests:{ROOT}/src:{ROOT}"  # the server that runs are forked from needs it


@pytest.fixture(scope="session")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which every stage of the tiny study has run. Not to be written to. Of all processes that run tests
    the first to need it makes it."""
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "finished"
    with (folder.parent / "finished.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            _finish(folder.with_name("unfinished"))
            folder.with_name("unfinished").rename(folder)
    return folder


def _finish(folder: Path) -> None:
    import runs
    import tiny

    tiny.write(folder)
    tiny.furnish(folder)
    order = TopologicalSorter(_needs(folder))
    order.prepare()
    running: dict[Future[runs.Done], str] = {}
    with ThreadPoolExecutor(2) as pool:  # the other process that runs tests waits meanwhile
        while order.is_active():
            running |= {pool.submit(runs.run, folder, *_parts(name)): name for name in order.get_ready()}
            for ended in wait(running, return_when=FIRST_COMPLETED).done:
                name, done = running.pop(ended), ended.result()
                assert done.code == 0, f"{name}: {done.said}"
                order.done(name)


def _parts(name: str) -> tuple[str, str]:
    stage, _, item = name.partition("@")
    return stage, item


def _needs(folder: Path) -> dict[str, set[str]]:
    """The stages that each stage waits for: those that write what it reads, a folder as a whole."""
    import observed
    from visrep.stage import pipeline

    with observed.inside(folder):
        stages = pipeline.stages(ROOT / "dvc.yaml")
    made = {Path(path): stage.name for stage in stages for path in stage.writes}

    def makers(read: Path) -> set[str]:
        return {name for path, name in made.items() if path.is_relative_to(read) or read.is_relative_to(path)}

    return {stage.name: {n for path in stage.reads for n in makers(Path(path))} - {stage.name} for stage in stages}
