"""What a person sees of a run: on a terminal a bar for each stage that runs, elsewhere a line for each event."""

import re
import sys
from datetime import datetime
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars

EPOCH = re.compile(r"\b(\w+) (\d+)/(\d+)\b")  # as Job.progress has it
LEFT = re.compile(r"\b(\d+) s left")


class Progress:
    """Of ``count`` stages."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.bars: Bars | None = None
        self.of: dict[str, TaskID] = {}
        if sys.stderr.isatty():
            columns = (
                TextColumn("{task.description:<36}"),
                BarColumn(),
                MofNCompleteColumn(),
                TimeElapsedColumn(),
                TextColumn("{task.fields[remaining]}"),
            )
            self.bars = Bars(*columns, console=Console(stderr=True), transient=True)

    def __enter__(self) -> Self:
        if self.bars is not None:
            self.bars.start()
            self.all = self.bars.add_task("stages", total=self.count, remaining="")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self.bars is not None:
            self.bars.stop()

    def note(self, text: str) -> None:
        self._print(text)

    def skipped(self) -> None:
        self._advance()

    def started(self, name: str) -> None:
        if self.bars is None:
            self._print(f"{name} started")
        else:
            self.of[name] = self.bars.add_task(name, total=None, remaining="")

    def line(self, name: str, text: str) -> None:
        """What a stage wrote: an epoch moves its bar, all else is shown."""
        epoch, left = EPOCH.search(text), LEFT.search(text)
        if self.bars is None or name not in self.of or epoch is None:
            self._print(text)
        else:
            remaining = f"{left[1]} s left" if left else ""
            self.bars.update(self.of[name], completed=int(epoch[2]), total=int(epoch[3]), remaining=remaining)

    def ended(self, name: str, how: str) -> None:
        self._print(f"{name} {how}")
        if self.bars is not None and name in self.of:
            self.bars.remove_task(self.of.pop(name))
        if how.startswith("done"):
            self._advance()

    def _advance(self) -> None:
        if self.bars is not None:
            self.bars.advance(self.all)

    def _print(self, text: str) -> None:
        line = f"{datetime.now():%H:%M:%S} {text}"
        if self.bars is None:
            print(line, flush=True)
        else:
            self.bars.console.print(line, highlight=False, markup=False)
