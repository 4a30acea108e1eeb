"""What an ablation changes: the leaves it names, and nothing else."""

from pathlib import Path
from typing import Any

import pytest

import tiny
from oracles import ROOT
from visrep.settings.ablations import Overrides, ablated
from visrep.settings.study import Study
from visrep.settings.vicreg import VICReg
from visrep.stage import params


def flat(values: Any, prefix: str = "") -> dict[str, Any]:
    """Values by dotted name."""
    if not isinstance(values, dict):
        return {prefix: values}
    return {leaf: value for key, inner in values.items() for leaf, value in flat(inner, f"{prefix}.{key}").items()}


@pytest.mark.parametrize(
    ("change", "changed"),
    [
        ({"weights": {"variance": 0.0}}, {".weights.variance": 0.0}),
        (
            {"epochs": 77, "augment": {"flip": 0.25, "hue": 0.5}},
            {".epochs": 77, ".augment.flip": 0.25, ".augment.hue": 0.5},
        ),
        ({"projector": ()}, {".projector": ()}),
        ({}, {}),
    ],
)
def test_only_what_is_named_changes(change: dict[str, Any], changed: dict[str, Any]) -> None:
    whole = params.read("vicreg", VICReg, ROOT / "params.yaml")
    before, after = flat(whole.model_dump()), flat(ablated(whole, Overrides(**change)).model_dump())
    assert after == before | changed


@pytest.mark.parametrize("path", sorted(ROOT.glob("presets/*.yaml")), ids=lambda path: path.name)
def test_every_shipped_ablation_changes_something(path: Path) -> None:
    study = params.check(params.load(path), Study, path)
    for whole, varied in ((study.vicreg, study.ablations.root), (study.simclr, study.simclr_ablations.root)):
        for name, overrides in varied.items():
            assert ablated(whole, overrides) != whole, name


def test_no_variance_is_vicreg_without_its_variance_term_and_nothing_else() -> None:
    shipped = params.load(ROOT / "params.yaml")
    assert shipped["ablations"]["no_variance"] == {"weights": {"variance": 0.0}}


def test_two_lines_add_a_branch_to_a_study_that_is_sound() -> None:
    change = {"ablations": {"no_flip": {"augment": {"flip": 0.0}}}, "encoders": {"no_flip": "VICReg without flips"}}
    params.check(tiny.study(change), Study)
