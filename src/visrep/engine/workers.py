"""Where commands run: workers of Dask, on this machine or on others, each with a server from which stages are forked.

A worker is started as any Dask worker is, in the study's folder; all else the coordinator sends it. Its messages
go to the topic `TOPIC`: a `Joined` when it is ready, a `Line` for each that a command writes.
"""

import asyncio
import contextlib
import fcntl
import logging
import os
import selectors
import subprocess
import sys
from pathlib import Path

from distributed import Worker, WorkerPlugin, get_worker
from distributed.worker import thread_state  # type: ignore[attr-defined]

from visrep.engine import forkserver
from visrep.engine.events import Joined, Line, Lock
from visrep.engine.identity import Identity
from visrep.machine.lifetime import die_with_parent

TOPIC = NAME = "visrep"
POLL = 1.0  # seconds between two checks that a command is still wanted
UNWANTED = forkserver.End(-9, 0)  # of a command that nobody waits for any longer, and that was ended


class StagePlugin(WorkerPlugin):
    """Makes a Dask worker one of this study's, where it shares the coordinator's folder with its ``lock`` and, unless
    ``anyone`` will do, is of the same ``identity``: commit, packages and processor."""

    def __init__(self, lock: Lock, identity: Identity, anyone: bool) -> None:
        self.lock, self.identity, self.anyone = lock, identity, anyone

    def setup(self, worker: Worker) -> None:
        refused = self._refused(Path.cwd())
        if not refused:
            self.servers = forkserver.Servers()
        threads, cards = (0, ()) if refused else (worker.state.nthreads, _cards())
        worker.log_event(TOPIC, ("joined", Joined(worker.address, threads, cards, refused)))

    def teardown(self, worker: Worker) -> None:
        if hasattr(self, "servers"):
            self.servers.close()

    def _refused(self, folder: Path) -> str:
        path = folder / self.lock.path
        if not path.exists() or path.read_text() != self.lock.content:
            return f"its folder {folder} is not the study's"
        with path.open("r+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return "" if self.anyone else Identity.here().differs(self.identity)
        return f"locks on files of {folder} do not hold between machines"


def _cards() -> tuple[tuple[str, int], ...]:
    """Of those that this process may use. Asked of the driver, since CUDA must not begin before stages are forked."""
    command = ["nvidia-smi", "--query-gpu=index,memory.total", "--format=csv,noheader,nounits"]
    allowed = os.environ.get("CUDA_VISIBLE_DEVICES")
    try:
        if allowed is not None:
            command.append(f"--id={allowed}")
        answer = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout
    except (OSError, subprocess.SubprocessError):
        return ()
    sizes = [int(line.split(",")[1]) for line in answer.splitlines()]
    names = allowed.split(",") if allowed else [line.split(",")[0] for line in answer.splitlines()]
    return tuple(zip(names, sizes, strict=True))


def execute(stage: str, command: str, environment: dict[str, str]) -> tuple[int, int]:
    """Runs in a thread of a worker: the `forkserver.End` of a stage's ``command``."""
    worker, key = get_worker(), thread_state.key
    request = forkserver.Request(command, str(Path.cwd()), dict(os.environ) | environment)
    reading, writing = os.pipe()
    plugin = worker.plugins[NAME]
    assert isinstance(plugin, StagePlugin)
    client = plugin.servers.run(request, writing)
    os.close(writing)
    os.set_blocking(reading, False)
    rest = b""
    with client, selectors.DefaultSelector() as events:
        events.register(client, selectors.EVENT_READ)
        events.register(reading, selectors.EVENT_READ)
        try:
            while True:
                ready = [key.fileobj for key, _ in events.select(POLL)]
                rest = _send(worker, stage, rest + _written(reading))
                if client in ready:
                    _send(worker, stage, rest + b"\n" if rest else b"")
                    return forkserver.end(client)
                if not _wanted(worker, key):
                    return UNWANTED
        finally:
            os.close(reading)


def _written(reading: int) -> bytes:
    """All that a pipe holds now."""
    parts = []
    with contextlib.suppress(BlockingIOError):
        while part := os.read(reading, 1 << 16):
            parts.append(part)
    return b"".join(parts)


def _send(worker: Worker, stage: str, written: bytes) -> bytes:
    """Whole lines go to the coordinator; what follows the last is returned."""
    *lines, rest = written.split(b"\n")
    for line in lines:
        worker.log_event(TOPIC, ("line", Line(stage, line.decode(errors="replace"))))
    return rest


def _wanted(worker: Worker, key: str) -> bool:
    """Whether anybody still waits for a task: not where the coordinator has gone, or has given it to another worker."""
    task = worker.state.tasks.get(key)
    return task is not None and task.state == "executing"


async def _work(address: str, threads: int) -> None:
    async with Worker(address, nthreads=threads, memory_limit=0, dashboard=False) as worker:
        await worker.finished()


if __name__ == "__main__":  # address, threads, and the process with which it ends
    die_with_parent(int(sys.argv[3]))
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_work(sys.argv[1], int(sys.argv[2])))
