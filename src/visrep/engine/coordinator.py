"""The loop of a run in lanes: one thread, which alone asks DVC and alone gives commands away."""

import heapq
import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from visrep.engine.events import Ended, Event, Joined, Line, Lost
from visrep.engine.progress import Progress
from visrep.engine.repository import Repository, State
from visrep.errors import Failure
from visrep.stage.process import WAIT

if TYPE_CHECKING:
    from visrep.engine.cluster import Cluster

AHEAD = 4  # stages that DVC is asked about before anybody is free to run them
RETRIES = 3  # times that a stage is given to another worker when one is lost
WRITE = 120.0  # seconds between two writings of dvc.lock
WARN = 10.0  # seconds without any worker, then a note says so
SILENCE = 40.0  # seconds without any worker, after which that of this machine is started anew
PATIENCE = "120"  # seconds that a stage waits for another process of itself to end, which was given up


class Need(NamedTuple):
    """What every command takes of a worker: ``threads``, and on a card that many MiB of ``memory``, 0 where the study
    uses no card."""

    threads: int
    memory: int


class Run(NamedTuple):
    since: float
    card: str  # empty where it uses none


@dataclass
class Worker:
    """A worker: its ``free`` threads, for how many stages there is ``room`` on each of its cards, and what it runs."""

    address: str
    free: int
    room: dict[str, int]
    runs: dict[str, Run] = field(default_factory=dict)

    def card(self) -> str | None:
        """The card with most room; None where all are full."""
        best = max(self.room, key=self.room.__getitem__, default=None)
        return best if best is not None and self.room[best] > 0 else None


class Coordinator:
    """Runs what DVC says must run, on the cluster that ``connect`` brings once there is something to run. ``durations``
    (seconds by stage) say what lies on the longest way; they are brought up to date."""

    def __init__(
        self,
        repository: Repository,
        connect: Callable[[], "Cluster"],
        need: Need,
        durations: dict[str, float],
        progress: Progress,
    ) -> None:
        self.repository, self.connect, self.need = repository, connect, need
        self.durations, self.progress = durations, progress
        self.cluster: Cluster | None = None
        self.workers: dict[str, Worker] = {}
        self.outcomes: Counter[str] = Counter()  # how many stages ended how
        self.done: set[str] = set()
        self.failed: dict[str, str] = {}  # and why
        self.waiting: list[str] = []  # must run, the most urgent first
        self.ended: list[str] = []  # have run, to be recorded
        self.lost: Counter[str] = Counter()
        self.priority = priorities(repository.needs, durations)
        self.candidates = [self._rank(name) for name in repository.needs if not repository.needs[name]]
        heapq.heapify(self.candidates)  # stages that DVC can be asked about
        self.dependents: dict[str, list[str]] = {name: [] for name in repository.needs}
        for name, needs in repository.needs.items():
            for below in needs:
                self.dependents[below].append(name)
        self.memory = 0  # KiB, of the largest process
        self.began = self.written = self.last_event = time.monotonic()
        self.warned = False  # that there is no worker

    def run(self) -> None:
        """Until nothing is left that can run. Raises `Failure` with one line for what failed; whatever ends it, all
        that has run is recorded."""
        try:
            while self._step():
                pass
        finally:
            if self.cluster is not None:
                self.cluster.close()
                while (event := self.cluster.wait(0)) is not None:  # what ended while nobody listened
                    if isinstance(event, Ended) and event.status == 0:
                        self._handle(event)
            self._write(all_done=True)
        self.progress.note(self._summary())
        if self.failed:
            left = len(self.repository.needs) - len(self.done) - len(self.failed)
            behind = f"; {left} behind did not run" if left else ""
            raise Failure(f"{'; '.join(f'{name} {why}' for name, why in self.failed.items())}{behind}")
        self.repository.remember()

    def _step(self) -> bool:
        """Whatever is most urgent: commands for free lanes, then records of what has ended, then questions to DVC;
        where there is nothing of these, an event is waited for. False when all is over."""
        while self.cluster is not None and (event := self.cluster.wait(0)) is not None:
            self._handle(event)
        if self._dispatch():
            return True
        if self.ended:
            self._record(self.ended.pop(0))
            return True
        if self.candidates and sum(self._rank(name) < self.candidates[0] for name in self.waiting) < AHEAD:
            self._check(heapq.heappop(self.candidates)[-1])
            return True
        if self.cluster is None or not (self.waiting or any(worker.runs for worker in self.workers.values())):
            return False
        if time.monotonic() - self.written > WRITE:
            self._write()
        if (event := self.cluster.wait(1.0)) is not None:
            self._handle(event)
        elif not self.workers and time.monotonic() - self.last_event > SILENCE:
            self.cluster.restart()
            self.last_event = time.monotonic()
        else:
            self.cluster.supervise()
            if not self.workers and not self.warned and time.monotonic() - self.last_event > WARN:
                self.warned = True
                self.progress.note("no worker yet; stages wait for one")
        return True

    def _rank(self, name: str) -> tuple[bool, float, str]:
        """The most urgent first, but any stage before those that come last."""
        return name in self.repository.last, -self.priority[name], name

    def _dispatch(self) -> bool:
        """The most urgent stage for which a worker is free."""
        free = [worker for worker in self.workers.values() if worker.free >= self.need.threads]
        for name in self.waiting if free else ():
            if name in self.repository.last and not self._may_run_last():
                break
            for worker in free:
                card = worker.card() if worker.room and self.repository.uses_device(name) else ""
                if card is not None:
                    self.waiting.remove(name)
                    self._start(name, worker, card)
                    return True
        return False

    def _may_run_last(self) -> bool:
        """Stages that come last take less than half of the lanes as long as any other is left that can run."""
        running = [name for worker in self.workers.values() for name in worker.runs]
        lanes = len(running) + sum(worker.free // self.need.threads for worker in self.workers.values())
        left = {*running, *self.waiting, *self.ended, *(name for *_, name in self.candidates)} - self.repository.last
        return not left or 2 * (1 + sum(name in self.repository.last for name in running)) < lanes

    def _start(self, name: str, worker: Worker, card: str) -> None:
        assert self.cluster is not None
        environment = self.repository.environment(name) | {WAIT: PATIENCE}
        worker.free -= self.need.threads
        if card:
            worker.room[card] -= 1
            environment["CUDA_VISIBLE_DEVICES"] = card
        worker.runs[name] = Run(time.monotonic(), card)
        self.cluster.run(name, self.repository.command(name), environment, worker.address)
        self.progress.started(name)

    def _check(self, name: str) -> None:
        try:
            state = self.repository.check(name)
        except Failure as failure:
            self.failed[name] = f"cannot run ({failure})"
            self.progress.ended(name, self.failed[name])
            return
        if state is State.MUST_RUN:
            self.cluster = self.cluster or self.connect()
            self.waiting.append(name)
            self.waiting.sort(key=self._rank)
        else:
            self.progress.skipped()
            self._close(name, state.value)

    def _record(self, name: str) -> None:
        try:
            self.repository.record(name)
        except Failure as failure:
            self.failed[name] = f"failed ({failure})"
            self.progress.ended(name, str(failure))
        else:
            self._close(name, "ran")

    def _close(self, name: str, outcome: str) -> None:
        """A stage is done: those above it may be asked about."""
        self.done.add(name)
        self.outcomes[outcome] += 1
        for above in self.dependents[name]:
            if self.done.issuperset(self.repository.needs[above]):
                heapq.heappush(self.candidates, self._rank(above))

    def _handle(self, event: Event) -> None:
        self.last_event = time.monotonic()
        match event:
            case Joined(address, threads, cards, refused):
                if refused:
                    self.progress.note(f"the worker at {address} is refused: {refused}")
                elif threads < self.need.threads:
                    self.progress.note(
                        f"the worker at {address} has {threads} threads, stages take {self.need.threads}"
                    )
                else:
                    room = {card: max(1, size // self.need.memory) for card, size in cards} if self.need.memory else {}
                    self.workers[address] = Worker(address, threads, room)
                    on = f", {sum(room.values())} of them on cards at once" if room else ""
                    self.progress.note(f"{threads // self.need.threads} lanes at {address}{on}")
            case Lost(address):
                if (worker := self.workers.pop(address, None)) is not None:
                    self.progress.note(f"the worker at {address} is lost")
                    for name in worker.runs:
                        self._retry(name, "its worker was lost")
            case Line(stage, text):
                self.progress.line(stage, text)
            case Ended(stage, status, memory):
                self.memory = max(self.memory, memory)
                self._end(stage, status)

    def _end(self, name: str, status: int | None) -> None:
        worker = next((worker for worker in self.workers.values() if name in worker.runs), None)
        if worker is None:
            return
        run = worker.runs.pop(name)
        seconds = time.monotonic() - run.since
        worker.free += self.need.threads
        if run.card:
            worker.room[run.card] += 1
        if status is None:
            self._retry(name, "its server was lost")
        elif status:
            why = f"ended by signal {-status}" if status < 0 else f"failed with exit status {status}"
            self.failed[name] = why
            self.progress.ended(name, why)
        else:
            self.durations[name] = round(seconds, 2)
            self.ended.append(name)
            self.progress.ended(name, f"done in {seconds:.0f} s")

    def _retry(self, name: str, why: str) -> None:
        assert self.cluster is not None
        self.cluster.release(name)
        self.lost[name] += 1
        if self.lost[name] > RETRIES:
            self.failed[name] = f"was given away {RETRIES + 1} times, and {why} each time"
            self.progress.ended(name, self.failed[name])
        else:
            self.waiting.insert(0, name)
            self.progress.ended(name, f"{why}; it is run again")

    def _summary(self) -> str:
        outcomes = ", ".join(f"{count} {outcome}" for outcome, count in self.outcomes.items()) or "nothing done"
        largest = f"; the largest process took {self.memory / 2**20:.2f} GiB" if self.memory else ""
        return f"{len(self.repository.needs)} stages: {outcomes}, in {time.monotonic() - self.began:.0f} s{largest}"

    def _write(self, *, all_done: bool = False) -> None:
        while self.ended:
            self._record(self.ended.pop(0))
        self.repository.write(all_done=all_done)
        self.written = time.monotonic()


def priorities(needs: Mapping[str, Iterable[str]], durations: Mapping[str, float]) -> dict[str, float]:
    """Seconds of the longest way from the start of each stage to the end of the graph. ``needs`` is in an order in
    which every stage comes after those it depends on; a stage of unknown duration counts as one second."""
    behind = dict.fromkeys(needs, 0.0)
    longest: dict[str, float] = {}
    for name in reversed(list(needs)):
        longest[name] = behind[name] + durations.get(name, 1.0)
        for below in needs[name]:
            behind[below] = max(behind[below], longest[name])
    return longest


def remembered(path: Path) -> dict[str, float]:
    """Seconds that each stage took the last time, none where nothing is known."""
    with suppress(OSError, ValueError):
        return {str(name): float(seconds) for name, seconds in json.loads(path.read_text()).items()}
    return {}


def remember(path: Path, durations: Mapping[str, float]) -> None:
    path.write_text(json.dumps(durations, indent=1))
