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

from visrep.engine.books import Books, State
from visrep.engine.events import Ended, Event, Line, Lost, Offer
from visrep.engine.progress import Progress
from visrep.errors import Failure
from visrep.stage.process import WAIT

if TYPE_CHECKING:
    from visrep.engine.crew import Crew

AGAIN = 3  # times that a stage is given to another worker when one is lost
WRITE = 120.0  # seconds between two writings of dvc.lock
ALONE = 10.0  # seconds without any worker, after which this is said
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
class Lane:
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
    """Runs what DVC says must run, on the crew that ``hire`` brings once there is something to run. ``durations``
    (seconds by stage) say what lies on the longest way; they are brought up to date."""

    def __init__(
        self, books: Books, hire: Callable[[], "Crew"], need: Need, durations: dict[str, float], progress: Progress
    ) -> None:
        self.books, self.hire, self.need = books, hire, need
        self.durations, self.progress = durations, progress
        self.crew: Crew | None = None
        self.lanes: dict[str, Lane] = {}
        self.ways: Counter[str] = Counter()  # in which stages were done
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
        self.began = self.written = self.heard = time.monotonic()
        self.alone = False  # without any worker, and this was said

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
        self.progress.note(self._summary())
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
        if self.crew is None or not (self.waiting or any(lane.runs for lane in self.lanes.values())):
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
            if not self.lanes and not self.alone and time.monotonic() - self.heard > ALONE:
                self.alone = True
                self.progress.note("no worker yet; stages wait for one")
        return True

    def _give(self) -> bool:
        """The most urgent stage for which a lane is free."""
        free = [lane for lane in self.lanes.values() if lane.free >= self.need.threads]
        for name in self.waiting if free else ():
            for lane in free:
                card = lane.card() if lane.room and self.books.uses_device(name) else ""
                if card is not None:
                    self.waiting.remove(name)
                    self._start(name, lane, card)
                    return True
        return False

    def _start(self, name: str, lane: Lane, card: str) -> None:
        assert self.crew is not None
        environment = self.books.environment(name) | {WAIT: PATIENCE}
        lane.free -= self.need.threads
        if card:
            lane.room[card] -= 1
            environment["CUDA_VISIBLE_DEVICES"] = card
        lane.runs[name] = Run(time.monotonic(), card)
        self.crew.run(name, self.books.command(name), environment, lane.address)
        self.progress.started(name)

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
            self.progress.skipped()
            self._close(name, state.value)

    def _record(self, name: str) -> None:
        try:
            self.books.record(name)
        except Failure as failure:
            self.failed[name] = f"failed ({failure})"
            self.progress.ended(name, str(failure))
        else:
            self._close(name, "ran")

    def _close(self, name: str, way: str) -> None:
        """A stage is done: those above it may be asked about."""
        self.done.add(name)
        self.ways[way] += 1
        for above in self.above[name]:
            if self.done.issuperset(self.books.needs[above]):
                heapq.heappush(self.open, (-self.urgency[above], above))

    def _hear(self, event: Event) -> None:
        self.heard = time.monotonic()
        match event:
            case Offer(address, threads, cards, refused):
                if refused:
                    self.progress.note(f"the worker at {address} is refused: {refused}")
                elif threads < self.need.threads:
                    self.progress.note(
                        f"the worker at {address} has {threads} threads, stages take {self.need.threads}"
                    )
                else:
                    room = {card: max(1, size // self.need.memory) for card, size in cards} if self.need.memory else {}
                    self.lanes[address] = Lane(address, threads, room)
                    on = f", {sum(room.values())} of them on cards at once" if room else ""
                    self.progress.note(f"{threads // self.need.threads} lanes at {address}{on}")
            case Lost(address):
                if (lane := self.lanes.pop(address, None)) is not None:
                    self.progress.note(f"the worker at {address} is lost")
                    for name in lane.runs:
                        self._again(name, "its worker was lost")
            case Line(stage, text):
                self.progress.line(stage, text)
            case Ended(stage, status):
                self._end(stage, status)

    def _end(self, name: str, status: int | None) -> None:
        lane = next((lane for lane in self.lanes.values() if name in lane.runs), None)
        if lane is None:
            return
        run = lane.runs.pop(name)
        seconds = time.monotonic() - run.since
        lane.free += self.need.threads
        if run.card:
            lane.room[run.card] += 1
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

    def _summary(self) -> str:
        ways = ", ".join(f"{count} {way}" for way, count in self.ways.items()) or "nothing done"
        return f"{len(self.books.needs)} stages: {ways}, in {time.monotonic() - self.began:.0f} s"

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
