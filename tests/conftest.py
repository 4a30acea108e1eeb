"""One thread, so that sums are the same everywhere; a finished tiny study that tests may copy from."""

import fcntl
import os
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
    for stage, item in tiny.RUNS:
        done = runs.run(folder, stage, item)
        assert done.code == 0, f"{stage} {item}: {done.said}"
