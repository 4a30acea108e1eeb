"""The workers of a run as the coordinator sees them: it gives one a command, and hears what becomes of it."""

import contextlib
import logging
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

import dask
from distributed import Client, LocalCluster

from visrep.engine import workers
from visrep.engine.events import Ended, Event, Joined, Line, Lost
from visrep.engine.workers import StagePlugin
from visrep.errors import Failure

TOPICS = (workers.TOPIC, "all")  # what workers tell, and what the scheduler tells of them
SETTINGS = {
    "distributed.scheduler.worker-ttl": "30s",  # of silence, then a worker counts as lost
    "distributed.comm.timeouts.connect": "30s",
    "distributed.admin.log-format": "%(message)s",
}


class Cluster:
    """With ``scheduler`` the workers of that one, an address or the path of its file; without, one worker of
    ``threads`` threads on this machine, which is started again when it is lost."""

    def __init__(self, plugin: StagePlugin, threads: int, scheduler: str = "") -> None:
        logging.getLogger("distributed").setLevel(logging.CRITICAL)
        dask.config.set(SETTINGS)
        self.events: SimpleQueue[Event] = SimpleQueue()
        self.threads = threads
        self.own: Any = None
        self.local: subprocess.Popen[bytes] | None = None
        if not scheduler:
            self.own = LocalCluster(
                n_workers=0, processes=True, host="127.0.0.1", dashboard_address=None, silence_logs=logging.CRITICAL
            )
        self.client = _connected(scheduler or self.own)
        for topic in TOPICS:
            self.client.subscribe_topic(topic, self._hear)
        self.client.register_plugin(plugin, name=workers.NAME)
        self.futures: dict[str, Any] = {}
        self.look()

    def run(self, stage: str, command: str, environment: Mapping[str, str], address: str) -> None:
        future = self.client.submit(
            workers.execute, stage, command, dict(environment), workers=[address], pure=False, retries=0
        )
        self.futures[stage] = future
        future.add_done_callback(lambda future: self._end(stage, future))

    def release(self, stage: str) -> None:
        """Nobody wants the command of a stage any longer."""
        if (future := self.futures.pop(stage, None)) is not None:
            with contextlib.suppress(Exception):
                future.cancel(reason="no longer wanted", msg="")

    def wait(self, seconds: float) -> Event | None:
        """The next event; None where there is none for so long."""
        with contextlib.suppress(Empty):
            return self.events.get(timeout=seconds)
        return None

    def look(self) -> None:
        """Start the worker of this machine where it is not alive. Raises `Failure` where the scheduler is not."""
        if self.client.status != "running":
            raise Failure("the scheduler is lost; what is done is recorded, run it again and it goes on from here")
        if self.own is not None and (self.local is None or self.local.poll() is not None):
            command = [sys.executable, "-m", "visrep.engine.workers", self.own.scheduler_address, str(self.threads)]
            self.local = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)

    def restart(self) -> None:
        """End the worker of this machine, which does not answer, and start another."""
        if self.local is not None:
            self.local.kill()
            self.local.wait()
            self.look()

    def close(self) -> None:
        for stage in list(self.futures):
            self.release(stage)
        if self.local is not None:
            self.local.kill()
            self.local.wait()
        for topic in TOPICS:
            self.client.unsubscribe_topic(topic)
        with contextlib.suppress(OSError, TimeoutError, ValueError):  # of a scheduler that has gone
            self.client.unregister_worker_plugin(workers.NAME)
        self.client.close(timeout=2)
        if self.own is not None:
            self.own.close(timeout=2)

    def _hear(self, event: tuple[float, Any]) -> None:
        match event[1]:
            case ["joined", joined]:
                self.events.put(Joined(*joined))
            case ["line", line]:
                self.events.put(Line(*line))
            case {"action": "remove-worker", "worker": address}:
                self.events.put(Lost(address))

    def _end(self, stage: str, future: Any) -> None:
        current = self.futures.get(stage) is future
        if current:
            self.events.put(Ended(stage, *(future.result() if future.status == "finished" else (None, 0))))


def _connected(scheduler: Any) -> Client:
    by_file = isinstance(scheduler, str) and "://" not in scheduler
    if by_file and not Path(scheduler).exists():  # Dask would wait for it, and not say so
        raise Failure(f"no scheduler at {scheduler}: there is no such file")
    try:
        if by_file:
            return Client(scheduler_file=scheduler, timeout=30)
        return Client(scheduler, timeout=30)
    except (OSError, ValueError, TimeoutError) as error:
        raise Failure(f"no scheduler at {scheduler}: {error}") from error
