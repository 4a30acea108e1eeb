"""A section of parameters and a line are all that a method takes to be trained by the stage of methods."""

from pathlib import Path

import pytest

import runs
import tiny
from oracles import ROOT
from visrep.stage import params

OF_ALL = {"effective_rank", "rankme", "alpha_req", "lidar", "alignment", "uniformity"}


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("barlow_twins", {"invariance", "redundancy"}),
        ("supcon", {"loss", "class_top1"}),
        ("lejepa", {"prediction", "sigreg"}),
    ],
)
def test_a_line_and_a_section_of_parameters_train_it(
    name: str, columns: set[str], finished: Path, tmp_path: Path
) -> None:
    own = tiny.merge(params.preset(ROOT / "presets/best.yaml")[name], {"projector": [16, 16]})
    own = tiny.merge(own, {"optimizer": {"warmup_epochs": 0.0}}) if "optimizer" in own else own
    folder = runs.copy(finished, tmp_path / name, "data/objects")
    tiny.write(folder, {"methods": ["simclr", name], name: own, "encoders": {name: name}})
    assert [runs.run(folder, *stage).code for stage in (("check",), ("methods", name))] == [0, 0]
    metrics = params.load(folder / f"metrics/methods/{name}.json")
    assert metrics.keys() == columns | OF_ALL
