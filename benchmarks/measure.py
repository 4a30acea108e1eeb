"""Contestants timed in one run, in interleaved rounds A B C A B C: a drift of the machine meets all of them alike.

A ratio is the median, over rounds, of two rates of the same round.
"""

import datetime
import importlib.metadata
import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import torch

RESULTS = Path(__file__).parent / "results"
Rates = dict[str, list[float]]  # images per second, one of each round
Contestant = Callable[[int], int]  # does the work of one round, returns how many images that were


def interleaved(contestants: Mapping[str, Contestant], rounds: int) -> Rates:
    """Images per second of every contestant in every round. A round before them, untimed, warms up."""
    rates: Rates = {name: [] for name in contestants}
    for turn in range(-1, rounds):
        for name, work in contestants.items():
            started = time.perf_counter()
            images = work(max(turn, 0))
            if turn >= 0:
                rates[name].append(images / (time.perf_counter() - started))
        print("." if turn >= 0 else "warm", end="", flush=True, file=sys.stderr)
    print(file=sys.stderr)
    return rates


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
    """Of ``ours`` over ``peer``, round by round: above 1, ours is faster."""
    return summary(a / b for a, b in zip(rates[ours], rates[peer], strict=True))


def quickest(rates: Rates, names: Iterable[str]) -> str:
    return max(names, key=lambda name: statistics.median(rates[name]))


def write(name: str, found: Mapping[str, Any], packages: Iterable[str]) -> None:
    """`benchmarks/results/<name>.json`, and the ratios on the screen."""
    machine = {"processor": _processor(), "cores": os.cpu_count(), "threads": torch.get_num_threads()}
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
