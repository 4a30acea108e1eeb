"""The loop of a run in lanes: one thread, which alone asks DVC and alone gives commands away."""

import heapq
import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from visrep.engine.books import Books, State
from visrep.engine.events import Ended, Event, Line, Lost, Offer
from visrep.engine.progress import Progress
from visrep.errors import Failure
from visrep.stage.process import WAIT

if TYPE_CHECKING:
    from visrep.engine.crew import Crew

AGAIN = 3  # times that a stage is given to another worker when one is lost
WRITE = 120.0  # seconds between two writings of dvc.lock
SILENCE = 40.0  # seconds without any worker, after which that of this machine is started anew
PATIENCE = "120"  # seconds that a stage waits for another process of itself to end, which was given up


@dataclass
class Lane:
    """The ``free`` threads of the worker at ``address``, and what it runs, by when that began."""

    address: str
    free: int
    since: dict[str, float] = field(default_factory=dict)


class Coordinator:
    """Runs what DVC says must run, ``threads`` for each command, on the crew that ``hire`` brings once there is
    something to run. ``durations`` (seconds by stage) say what lies on the longest way; they are brought up to date."""

    def __init__(
        self, books: Books, hire: Callable[[], "Crew"], threads: int, durations: dict[str, float], progress: Progress
    ) -> None:
        self.books, self.hire, self.threads = books, hire, threads
        self.durations, self.progress = durations, progress
        self.crew: Crew | None = None
        self.lanes: dict[str, Lane] = {}
        self.done: set[str] = set()
        self.failed: dict[str, str] = {}  # and why
        self.waiting: list[str] = []  # must run, the most urgent first
        self.ended: list[str] = []  # have run, to be recorded
        self.lost: Counter[str] = Counter()
        self.urgency = priorities(books.needs, durations)
        self.open = [(-urgency, name) for name, urgency in self.urgency.items() if not books.needs[name]]
        heapq.heapify(self.open)  # stages that DVC can be asked about
        self.above: dict[str, list[str]] = {name: [] for name in books.needs}
        for name, needs in books.needs.items():
            for below in needs:
                self.above[below].append(name)
        self.written = self.heard = time.monotonic()

    def run(self) -> None:
        """Until nothing is left that can run. Raises `Failure` with one line for what failed; whatever ends it, all
        that has run is recorded."""
        try:
            while self._step():
                pass
        finally:
            if self.crew is not None:
                self.crew.close()
                while (event := self.crew.wait(0)) is not None:  # what ended while nobody listened
                    if isinstance(event, Ended) and event.status == 0:
                        self._hear(event)
            self._write(all_done=True)
        if self.failed:
            left = len(self.books.needs) - len(self.done) - len(self.failed)
            behind = f"; {left} behind did not run" if left else ""
            raise Failure(f"{'; '.join(f'{name} {why}' for name, why in self.failed.items())}{behind}")

    def _step(self) -> bool:
        """Whatever is most urgent: commands for free lanes, then records of what has ended, then questions to DVC;
        where there is nothing of these, an event is waited for. False when all is over."""
        while self.crew is not None and (event := self.crew.wait(0)) is not None:
            self._hear(event)
        if self._give():
            return True
        if self.ended:
            self._record(self.ended.pop(0))
            return True
        if self.open and len(self.waiting) <= len(self.lanes):
            self._ask(heapq.heappop(self.open)[1])
            return True
        if self.crew is None or not (self.waiting or any(lane.since for lane in self.lanes.values())):
            return False
        if time.monotonic() - self.written > WRITE:
            self._write()
        if (event := self.crew.wait(1.0)) is not None:
            self._hear(event)
        elif not self.lanes and time.monotonic() - self.heard > SILENCE:
            self.crew.restart()
            self.heard = time.monotonic()
        else:
            self.crew.look()
        return True

    def _give(self) -> bool:
        """The most urgent stage to a lane that has threads for it."""
        lane = next((lane for lane in self.lanes.values() if lane.free >= self.threads), None)
        if self.crew is None or lane is None or not self.waiting:
            return False
        name = self.waiting.pop(0)
        lane.free -= self.threads
        lane.since[name] = time.monotonic()
        self.crew.run(name, self.books.command(name), self.books.environment(name) | {WAIT: PATIENCE}, lane.address)
        self.progress.started(name)
        return True

    def _ask(self, name: str) -> None:
        try:
            state = self.books.look(name)
        except Failure as failure:
            self.failed[name] = f"cannot run ({failure})"
            self.progress.ended(name, self.failed[name])
            return
        if state is State.MUST_RUN:
            self.crew = self.crew or self.hire()
            self.waiting.append(name)
            self.waiting.sort(key=lambda name: -self.urgency[name])
        else:
            self.progress.skipped(name, state.value)
            self._close(name)

    def _record(self, name: str) -> None:
        try:
            self.books.record(name)
        except Failure as failure:
            self.failed[name] = f"failed ({failure})"
            self.progress.ended(name, str(failure))
        else:
            self._close(name)

    def _close(self, name: str) -> None:
        """A stage is done: those above it may be asked about."""
        self.done.add(name)
        for above in self.above[name]:
            if self.done.issuperset(self.books.needs[above]):
                heapq.heappush(self.open, (-self.urgency[above], above))

    def _hear(self, event: Event) -> None:
        self.heard = time.monotonic()
        match event:
            case Offer(address, threads, refused):
                if refused:
                    self.progress.note(f"the worker at {address} is refused: {refused}")
                elif threads < self.threads:
                    self.progress.note(
                        f"the worker at {address} has {threads} threads, and runtime.threads is {self.threads}"
                    )
                else:
                    self.lanes[address] = Lane(address, threads)
                    self.progress.note(f"{threads // self.threads} lanes at {address}")
            case Lost(address):
                if (lane := self.lanes.pop(address, None)) is not None:
                    self.progress.note(f"the worker at {address} is lost")
                    for name in lane.since:
                        self._again(name, "its worker was lost")
            case Line(stage, text):
                self.progress.line(stage, text)
            case Ended(stage, status):
                self._end(stage, status)

    def _end(self, name: str, status: int | None) -> None:
        lane = next((lane for lane in self.lanes.values() if name in lane.since), None)
        if lane is None:
            return
        seconds = time.monotonic() - lane.since.pop(name)
        lane.free += self.threads
        if status is None:
            self._again(name, "its server was lost")
        elif status:
            self.books.abandon(name)
            why = f"ended by signal {-status}" if status < 0 else f"failed with exit status {status}"
            self.failed[name] = why
            self.progress.ended(name, why)
        else:
            self.durations[name] = round(seconds, 2)
            self.ended.append(name)
            self.progress.ended(name, f"done in {seconds:.0f} s")

    def _again(self, name: str, why: str) -> None:
        assert self.crew is not None
        self.crew.release(name)
        self.lost[name] += 1
        if self.lost[name] > AGAIN:
            self.books.abandon(name)
            self.failed[name] = f"was given away {AGAIN + 1} times, and {why} each time"
            self.progress.ended(name, self.failed[name])
        else:
            self.waiting.insert(0, name)
            self.progress.ended(name, f"{why}; it is run again")

    def _write(self, *, all_done: bool = False) -> None:
        while self.ended:
            self._record(self.ended.pop(0))
        self.books.write(all_done=all_done)
        self.written = time.monotonic()


def priorities(needs: Mapping[str, Iterable[str]], durations: Mapping[str, float]) -> dict[str, float]:
    """Seconds of the longest way from the start of each stage to the end of the graph. ``needs`` is in an order in
    which every stage comes after those it stands on; a stage of unknown duration counts as one second."""
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
