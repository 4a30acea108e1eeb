"""Contestants timed in one run, in interleaved rounds A B C A B C: a drift of the machine meets all of them alike.

A ratio is the median, over rounds, of two rates of the same round. A contestant too slow for every round takes part in
the first few. torch is imported where it is used: processes that measure memory do without.
"""

import datetime
import importlib.metadata
import json
import os
import platform
import re
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from multiprocessing import get_context
from pathlib import Path
from typing import Any, NamedTuple

from threadpoolctl import threadpool_limits

RESULTS = Path(__file__).parent / "results"
WARM = 1000  # rows of the call before the one that counts
Rates = dict[str, list[float]]  # images per second, one of each round
Contestant = Callable[[int], int]  # does the work of one round, returns how many images that were


class Alone(NamedTuple):
    """What one call in a process of its own ``found``, its ``seconds``, and by how many ``mebibytes`` it raised the
    peak of the memory."""

    found: Any
    seconds: float
    mebibytes: float


def interleaved(contestants: Mapping[str, Contestant], rounds: int, warm: bool = True) -> Rates:
    """Images per second of every contestant in every round. A round before them, untimed, warms up."""
    rates: Rates = {name: [] for name in contestants}
    for turn in range(-warm, rounds):
        for name, work in contestants.items():
            started = time.perf_counter()
            images = work(max(turn, 0))
            if turn >= 0:
                rates[name].append(images / (time.perf_counter() - started))
        print("." if turn >= 0 else "warm", end="", flush=True, file=sys.stderr)
    print(file=sys.stderr)
    return rates


def apart(
    contestants: Mapping[str, Callable[..., Any]],
    prepare: Callable[[int], tuple[Any, ...]],
    count: int,
    rounds: Mapping[str, int],
) -> dict[str, list[Alone]]:
    """Every call ``contestant(*prepare(count))`` in a fresh process, in turns, ``rounds`` of each contestant."""
    runs: dict[str, list[Alone]] = {name: [] for name in contestants}
    for turn in range(max(rounds.values())):
        for name, work in contestants.items():
            if turn < rounds[name]:
                with ProcessPoolExecutor(1, get_context("spawn")) as process:
                    runs[name].append(process.submit(_alone, work, prepare, count, threads()).result())
        print(".", end="", flush=True, file=sys.stderr)
    print(file=sys.stderr)
    return runs


def _alone(work: Callable[..., Any], prepare: Callable[[int], tuple[Any, ...]], count: int, threads: int) -> Alone:
    threadpool_limits(threads)
    arguments = prepare(count)
    work(*(part[:WARM] for part in arguments))
    before, started = _peak(), time.perf_counter()
    found = work(*arguments)
    return Alone(found, time.perf_counter() - started, _peak() - before)


def _peak() -> float:
    """Largest memory of this process so far, MiB. `resource` would begin with the size of the process that started
    this one."""
    highest = re.search(r"VmHWM:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert highest
    return int(highest[1]) / 1024


def rates(runs: Mapping[str, list[Alone]], count: int) -> Rates:
    return {name: [count / run.seconds for run in found] for name, found in runs.items()}


def memory(runs: Mapping[str, list[Alone]]) -> dict[str, dict[str, float | int]]:
    return {name: summary(run.mebibytes for run in found) for name, found in runs.items()}


@contextmanager
def on(threads_meanwhile: int) -> Iterator[None]:
    """Another number of torch's threads, for a while."""
    import torch

    before = threads()
    torch.set_num_threads(threads_meanwhile)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def threads() -> int:
    import torch

    return torch.get_num_threads()


def agree(ours: float, peer: float, tolerance: float) -> float:
    """Their difference relative to the ``peer``. Raises `ArithmeticError` where it is above ``tolerance``."""
    difference = abs(ours - peer) / abs(peer)
    if not difference <= tolerance:
        raise ArithmeticError(f"ours is {ours:g}, the peer's {peer:g}: no use in timing what differs")
    return float(f"{difference:.2g}")


def fastest(sizes: Iterable[int], work: Callable[[int], object]) -> int:
    """The size with which ``work`` is done soonest, once each after a warm-up."""

    def seconds(size: int) -> float:
        started = time.perf_counter()
        work(size)
        return time.perf_counter() - started

    sizes = list(sizes)
    work(sizes[0])
    return min(sizes, key=seconds)


def summary(values: Iterable[float]) -> dict[str, float | int]:
    values = list(values)
    found = {"median": statistics.median(values), "min": min(values), "max": max(values)}
    return {name: float(f"{value:.4g}") for name, value in found.items()} | {"n": len(values)}


def ratio(rates: Rates, ours: str, peer: str) -> dict[str, float | int]:
    """Of ``ours`` over ``peer``, over the rounds in which both took part: above 1, ours is faster."""
    return summary(a / b for a, b in zip(rates[ours], rates[peer], strict=False))


def quickest(rates: Rates, names: Iterable[str]) -> str:
    return max(names, key=lambda name: statistics.median(rates[name]))


def write(name: str, found: Mapping[str, Any], packages: Iterable[str]) -> None:
    """`benchmarks/results/<name>.json`, and the ratios on the screen."""
    import torch

    machine = {"processor": _processor(), "cores": os.cpu_count(), "threads": threads()}
    machine["instructions"] = torch.backends.cpu.get_cpu_capability()
    versions = {package: importlib.metadata.version(package) for package in ("torch", "numpy", *packages)}
    setting = {"date": datetime.date.today().isoformat(), "machine": machine}
    setting["versions"] = {"python": platform.python_version()} | versions
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(dict(found) | setting, indent=2) + "\n")
    print(f"{name}:", json.dumps({key: found[key] for key in found if key != "settings"}, indent=2))


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()
