"""What an ablation changes: the leaves it names, and nothing else."""

from pathlib import Path
from typing import Any

import pytest

import tiny
from oracles import ROOT
from visrep.representations.methods import vicreg
from visrep.settings.representations import Ablation
from visrep.stage import params
from visrep.study import Study


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
            {"epochs": 77, "augment": {"flip": 0.25, "jitter": {"hue": 0.25}}},
            {".epochs": 77, ".augment.flip": 0.25, ".augment.jitter.hue": 0.25},
        ),
        ({"projector": ()}, {".projector": ()}),
        ({}, {}),
    ],
)
def test_only_what_is_named_changes(change: dict[str, Any], changed: dict[str, Any]) -> None:
    whole = params.read("vicreg", vicreg.Settings, ROOT / "params.yaml", "pretraining")
    before, after = flat(whole.model_dump()), flat(Ablation(of="vicreg", **change).apply(whole).model_dump())
    assert after == before | changed


@pytest.mark.parametrize("path", sorted(ROOT.glob("presets/*.yaml")), ids=lambda path: path.name)
def test_every_shipped_ablation_changes_something(path: Path) -> None:
    study = params.check(params.preset(path), Study, path)
    assert study.ablations.root
    for name, ablation in study.ablations.root.items():
        whole = study.section(ablation.of)
        assert whole is not None, name
        assert ablation.apply(whole) != whole, name


def test_no_variance_is_vicreg_without_its_variance_term_but_for_its_length() -> None:
    ablated = params.load(ROOT / "params.yaml")["ablations"]["no_variance"]
    assert ablated == {"of": "vicreg", "epochs": ablated["epochs"], "weights": {"variance": 0.0}}


def test_three_lines_add_a_branch_to_a_study_that_is_sound() -> None:
    change = {
        "ablations": {"no_flip": {"of": "vicreg", "augment": {"flip": 0.0}}},
        "encoders": {"no_flip": "VICReg without flips"},
    }
    params.check(tiny.study(change), Study)
