"""The workers of a run as the coordinator sees them: it gives one a command, and hears what becomes of it."""

import contextlib
import logging
import os
import subprocess
import sys
import threading
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

TOPICS = ("all", workers.TOPIC)  # messages of the scheduler about workers, and of workers
SETTINGS = {
    "distributed.scheduler.worker-ttl": "30s",  # of silence, then a worker counts as lost
    "distributed.comm.timeouts.connect": "30s",
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
                n_workers=0,
                host="127.0.0.1",
                dashboard_address="127.0.0.1:0",
                silence_logs=logging.CRITICAL,
            )
        self.client = _connected(scheduler or self.own)
        self._subscribed = threading.Event()
        for topic in TOPICS:
            self.client.subscribe_topic(topic, self._hear)
        while not self._subscribed.wait(0.05):  # until a message arrives: a worker's first must not come too early
            self.client.log_event(workers.TOPIC, ("subscribed",))
        self.client.register_plugin(plugin, name=workers.NAME)
        self.futures: dict[str, Any] = {}
        self.supervise()

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

    def supervise(self) -> None:
        """Start the worker of this machine where it is not alive. Raises `Failure` where the scheduler is not."""
        if self.client.status != "running":
            raise Failure("the scheduler is lost; what is done is recorded, run it again and it goes on from here")
        if self.own is not None and (self.local is None or self.local.poll() is not None):
            words = [self.own.scheduler_address, str(self.threads), str(os.getpid())]
            command = [sys.executable, "-m", "visrep.engine.workers", *words]
            self.local = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)

    def restart(self) -> None:
        """End the worker of this machine, which does not answer, and start another."""
        if self.local is not None:
            self.local.kill()
            self.local.wait()
            self.supervise()

    def close(self) -> None:
        for stage in list(self.futures):
            self.release(stage)
        if self.local is not None:
            self.local.kill()
            self.local.wait()
        for topic in TOPICS:
            self.client.unsubscribe_topic(topic)
        if self.own is None:
            with contextlib.suppress(OSError, ValueError):  # where the scheduler has gone, or waits for a lost worker
                unregister = self.client._unregister_worker_plugin
                self.client.sync(unregister, name=workers.NAME, callback_timeout=5)
        self.client.close(timeout=2)
        if self.own is not None:
            self.own.close(timeout=2)

    def _hear(self, event: tuple[float, Any]) -> None:
        match event[1]:
            case ["joined", joined]:
                self.events.put(Joined(*joined))
            case ["subscribed"]:
                self._subscribed.set()
            case ["line", line]:
                self.events.put(Line(*line))
            case {"action": "remove-worker", "worker": address}:
                self.events.put(Lost(address))

    def _end(self, stage: str, future: Any) -> None:
        current = self.futures.get(stage) is future  # or it was given to another worker since
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
    except (OSError, ValueError) as error:
        raise Failure(f"no scheduler at {scheduler}: {error}") from error
