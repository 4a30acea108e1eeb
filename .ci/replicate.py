"""A replicate that was just made again here, beside the one that Git holds: the same bytes on the same kind of
processor, on another the same numbers to what another order of sums changes."""

import json
import subprocess
from pathlib import Path

import pytest

FILE = Path("replicates/similarity/vary_color/1.json")


def test_a_replicate_comes_out_again() -> None:
    before = subprocess.run(["git", "show", f"HEAD:{FILE}"], capture_output=True, text=True, check=True).stdout
    known, made = json.loads(before), json.loads(FILE.read_text())
    if made["processor"] == known["processor"]:
        assert FILE.read_text() == before
    assert made["seed"] == known["seed"] and made["metrics"].keys() == known["metrics"].keys()
    for name, metrics in known["metrics"].items():
        agreement = {key: value for key, value in metrics.items() if key.endswith("_agreement")}
        assert {key: made["metrics"][name][key] for key in agreement} == pytest.approx(agreement, abs=10), name
