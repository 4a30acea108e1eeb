"""Bad parameters are one line that names the key; DVC reads the same values."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from dvc.fs import LocalFileSystem
from dvc.utils.serialize import load_path

import tiny
from oracles import ROOT
from visrep.errors import Failure
from visrep.settings.digits import TrainCNN
from visrep.stage import params
from visrep.study import Study

PRESETS = sorted((ROOT / "presets").glob("*.yaml"))


OPTIMIZER = tiny.study()["train_cnn"]["optimizer"]


def refused(change: dict[str, Any], *drops: str) -> str:
    values = tiny.study(change)
    for drop in drops:
        *path, last = drop.split(".")
        section = values
        for name in path:
            section = section[name]
        del section[last]
    with pytest.raises(Failure) as failure:
        params.check(values, Study)
    assert failure.value.status == 2
    assert "\n" not in str(failure.value)
    return str(failure.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"vicregg": {"epochs": 3}}, "vicregg is no parameter"),
        ({"train_cnn": {"batch_size": 0}}, "train_cnn.batch_size: 0 is not positive"),
        ({"train_cnn": {"batch_size": 1}}, "train_cnn: batch_size must be at least 2"),
        ({"train_cnn": {"augment": {"blur": 12.0}}}, "train_cnn.augment.blur: 12.0 should be less than or equal to 10"),
        ({"adv_train": {"seed": 5}}, "adv_train.seed is 5, train_cnn.seed 0; init cnn needs them equal"),
        (
            {"adv_train": {"model": {"hidden": 99}}},
            "adv_train.model.hidden is no parameter of cnn; leave it out",
        ),
        (
            {"adv_train": {"method": {"alpha": 0.5}}},
            "adv_train.method.alpha is no parameter of n_fgsm; leave it out",
        ),
        (
            {"adv_train": {"method": {"name": "trades", "steps": 3, "step_size": 0.05}}},
            "adv_train.method.beta is missing, a parameter of trades",
        ),
        ({"adv_train": {"method": "pgd"}}, "adv_train.method: 'pgd' should be a mapping"),
        (
            {"train_cnn": {"optimizer": OPTIMIZER | {"name": "adamw"}}},
            "train_cnn.optimizer.momentum is no parameter of adamw; leave it out",
        ),
        (
            {"train_cnn": {"optimizer": OPTIMIZER | {"name": "lars"}}},
            "train_cnn.optimizer.trust is missing, a parameter of lars",
        ),
        ({"pretraining": {"batch_size": 0}}, "pretraining.batch_size: 0 is not positive"),
        ({"pretraining": {"encoder": {"pretrained": True}}}, "pretraining.encoder.pretrained is no parameter of small"),
        ({"simclr": {"encoder": {"widths": [4]}}}, "simclr.encoder: widths names 1 groups and blocks 2"),
        ({"simclr": {"encoders": {"widths": [4]}}}, "simclr.encoders is no parameter"),
        ({"adv_train": {"ramp_epochs": 99.0}}, "adv_train: ramp_epochs must be below epochs"),
        (
            {
                "no_generated_neighbors": {"epochs": 1},
                "pretraining": {"epochs": 3, "optimizer": {"warmup_epochs": 1.5}},
            },
            "no_generated_neighbors with vicreg: warmup_epochs must be below epochs, 1",
        ),
        ({"encoders": {"simclr": "VICReg"}}, "encoders.vicreg: 'VICReg' is the name of another encoder too"),
        ({"clustering": {"seed": 2**32}}, "clustering.seed: 4294967296 should be less than"),
        ({"similarity": {"encoder": {"places": 3}}}, "similarity.encoder: places 3 does not divide"),
        ({"train_cnn": {"epochs": 2.5}}, "train_cnn.epochs: 2.5 should be a valid integer"),
        ({"train_cnn": {"epochs": True}}, "train_cnn.epochs: True should be a valid integer"),
        ({"train_cnn": {"optimizer": {"lr": "1e-3x"}}}, "train_cnn.optimizer.lr: '1e-3x' should be a valid number"),
        ({"train_cnn": {"optimizer": {"lr": float("nan")}}}, "train_cnn.optimizer.lr: nan should be a finite number"),
        ({"train_cnn": {"model": {"channels": []}}}, "train_cnn.model.channels"),
        (
            {"train_cnn": {"optimizer": {"name": "adamax"}}},
            "train_cnn.optimizer.name: 'adamax' should be 'sgd', 'adam', 'adamw', 'lars'",
        ),
        (
            {"train_cnn": {"select": "last", "patience": {"epochs": 3, "after": 0}}},
            "train_cnn: patience needs a validation score",
        ),
        ({"fgsm_sweep": {"gate_epsilon": 0.07}}, "fgsm_sweep: epsilons must hold gate_epsilon, 0.07"),
        (
            {"fgsm_sweep": {"epsilons": [0.1, 0.1000000001]}},
            "fgsm_sweep: epsilons holds a radius twice, to six digits",
        ),
        ({"audit": {"epsilons": [0.2]}}, "audit.epsilons must hold fgsm_sweep.gate_epsilon, 0.1"),
        ({"audit": {"epsilons": [0.1, 0.1000000001]}}, "audit: epsilons holds a radius twice, to six digits"),
        (
            {"classifiers": {"late": "late"}},
            "classifiers.late is trained by no stage; add it to defences, or take it out",
        ),
        ({"classifiers": {"cnn": "defended"}}, "classifiers.cnn: 'defended' is the name of another classifier too"),
        (
            {"processes": 41},
            "processes is 41, but simclr.batch_size 40; each needs an image",
        ),
        ({"defences": {"late": {"of": "train_cnn"}}}, "classifiers.late is missing, so nothing would attack it"),
        ({"defences": {"cnn": {"of": "train_cnn"}}}, "defences.cnn has the name of another network"),
        (
            {"defences": {"quantisation": {"of": "train_cnn", "levels": 6, "temperature": 20.0}}},
            "defences.quantisation: temperature and levels: one at a time",
        ),
        (
            {"defences": {"quantisation": {"of": "adv_train", "levels": 6}}},
            "defences.quantisation: levels goes with train_cnn only",
        ),
        (
            {"defences": {"quantisation": {"of": "train_cnn", "epoch": 3}}},
            "defences.quantisation.epoch is no parameter",
        ),
        (
            {"defences": {"distillation": {"of": "train_cnn", "epochs": 0}}},
            "defences.distillation.epochs: 0 is not positive",
        ),
        (
            {"ablations": {"flat": {"of": "vicreg", "augmentt": {"flip": 0.0}}}},
            "ablations.flat.augmentt is no parameter",
        ),
        (
            {"ablations": {"flat": {"of": "vicreg", "augment": {"flap": 0.0}}}},
            "ablations.flat.augment.flap is no parameter",
        ),
        (
            {"ablations": {"flat": {"of": "vicreg", "augment": 0.0}}},
            "ablations.flat.augment: 0.0 should be a mapping",
        ),
        (
            {"ablations": {"flat": {"of": "vicreg", "epochs": {"of": 1}}}},
            "ablations.flat.epochs: {'of': 1} should be a valid integer",
        ),
        ({"ablations": {"flat": {"of": "vicreg", "epochs": 0}}}, "ablations.flat.epochs: 0 is not positive"),
        (
            {"ablations": {"flat": {"of": "vicreg", "epochs": 2}}},
            "ablations: flat is missing in encoders, so nothing would read it",
        ),
        ({"ablations": {"simclr": {"of": "vicreg", "epochs": 2}}}, "ablations.simclr has the name of another encoder"),
        ({"ablations": {"flat": {"of": "byol", "epochs": 2}}}, "ablations.flat.of: 'byol' is no method with a section"),
        ({"ablations": {"flat": {"of": "probe", "seed": 2}}}, "ablations.flat.of: 'probe' is no method with a section"),
        ({"methods": ["simclr", "vicreg"]}, "methods names vicreg, which is trained already"),
        ({"methods": ["simclr", "simclr"]}, "methods names simclr, which is trained already"),
        ({"methods": ["simclr", "byol"]}, "methods: there is no method 'byol'; one of "),
        ({"methods": []}, "encoders.simclr is trained by no stage; add it to ablations or methods, or take it out"),
        ({"anomaly": {"sets": {"street": "streets"}}}, "anomaly.sets.street: streets is no set of download"),
        (
            {"download": {"street_digits": {"source": "official"}}},
            "street_digits.official is missing, a parameter of",
        ),
        (
            {"download": {"street_digits": {"archive": "birds"}}},
            "download.street_digits.archive is no parameter of embedded; leave it out",
        ),
        (
            {"encoders": {"flat": "Flat"}},
            "encoders.flat is trained by no stage; add it to ablations or methods, or take it out",
        ),
        (
            {"download": {"street_digits": {"source": "archive"}}},
            "download.street_digits.archive is missing, a parameter of archive",
        ),
        (
            {"baselines": {"horse": {}}},
            "baselines: there is no baseline 'horse'; one of patches, pixels, random, whitened",
        ),
        ({"baselines": {"patches": {"size": 0}}}, "baselines.patches.size: 0 is not positive"),
        ({"baselines": {"pixels": {"size": 6}}}, "baselines.pixels.size is no parameter"),
        ({"baselines": {"pixels": None}}, "baselines.pixels: None"),
        ({"linear_vicreg": {"views": 1}}, "linear_vicreg.views: 1 should be greater than or equal to 2"),
        (
            {"neighbors": {"from": "no_generated_neighbors"}},
            "neighbors.from: 'no_generated_neighbors' is no encoder that exists before the neighbors",
        ),
        ({"neighbors": {"from": "horse"}}, "neighbors.from: 'horse' is no encoder"),
        ({"anomaly": {"score": "raw"}}, "anomaly: score 'raw' is neither chosen nor one of raw, 2 nearest, raw, 1"),
        ({"runtime": {"device": "auto"}}, "runtime.device: 'auto' should be 'cpu' or 'cuda'"),
    ],
)
def test_what_is_wrong_is_named(change: dict[str, Any], message: str) -> None:
    assert message in refused(change)


def test_the_study_stands_on_vicreg_and_an_ablation() -> None:
    assert "encoders.vicreg is missing" in refused({}, "encoders.vicreg")
    assert "baselines.patches is missing; linear_vicreg" in refused({}, "baselines.patches", "encoders.patches")
    assert "baselines: random is missing in encoders" in refused({}, "encoders.random")
    assert "ablations is empty" in refused({}, "ablations.no_variance", "ablations.large_batch")


def test_methods_and_their_sections_go_together() -> None:
    assert "simclr is missing, which methods names" in refused({}, "simclr")
    read_by_none = refused({"methods": []}, "ablations.large_batch", "encoders.large_batch", "encoders.simclr")
    assert "simclr is read by nothing; name it in methods, or take it out" in read_by_none
    taken_out = ("ablations.large_batch", "encoders.large_batch", "encoders.simclr", "simclr")
    assert "methods is empty" in refused({"methods": []}, *taken_out)


def test_a_further_set_is_one_more_section_of_download() -> None:
    moths = {"source": "archive", "archive": "moths", "sha256": None, "max_megabytes": 9}
    sets = {"moths": "moths", "street": "street_digits"}
    params.check(tiny.study({"download": {"moths": moths}, "anomaly": {"sets": sets}}), Study)
    drawn = {"download": {"moths": tiny.study()["download"]["objects"]}}
    assert "download.moths: there is no visrep.data.embedded.moths to draw it" in refused(drawn)
    assert "download.moths.max_megabytes: 0 is not positive" in refused(
        {"download": {"moths": moths | {"max_megabytes": 0}}}
    )
    every = [f"anomaly.sets.{key}" for key in tiny.study()["anomaly"]["sets"]]
    assert "anomaly.sets names 0 sets" in refused({}, *every)


def test_a_missing_key_is_named() -> None:
    assert "train_cnn.optimizer.lr is missing" in refused({}, "train_cnn.optimizer.lr")


def test_all_that_is_wrong_is_named_at_once() -> None:
    said = refused({"train_cnn": {"batch_size": 0, "epochs": 0}})
    assert "train_cnn.batch_size" in said
    assert "train_cnn.epochs" in said


@pytest.mark.parametrize(
    ("text", "message"),
    [("train_cnn: 3", "train_cnn: 3"), ("other: 1", "train_cnn is missing"), ("[1", "no YAML"), ("- 1", "no sections")],
)
def test_a_file_that_holds_no_section_is_one_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "params.yaml"
    path.write_text(text)
    with pytest.raises(Failure, match=re.escape(message)) as failure:
        params.read("train_cnn", TrainCNN, path)
    assert failure.value.status == 2


def test_a_missing_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="not found"):
        params.load(tmp_path / "params.yaml")


def test_a_key_given_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "params.yaml"
    path.write_text("a: 1\nb:\n  c: 1\n  c: 2\n")
    with pytest.raises(Failure, match=r"line 4: found duplicate key .c."):
        params.load(path)


def test_sections_are_frozen() -> None:
    section = params.read("train_cnn", TrainCNN, ROOT / "params.yaml")
    with pytest.raises(ValueError, match="frozen"):
        section.epochs = 3  # type: ignore[misc]
    assert isinstance(section.model.channels, tuple)


@pytest.mark.parametrize("path", [ROOT / "params.yaml", *PRESETS], ids=lambda path: path.name)
def test_shipped_parameters_are_sound_and_dvc_reads_them_alike(path: Path) -> None:
    params.check(params.preset(path) if path in PRESETS else params.load(path), Study, path)
    assert params.load(path) == load_path(path, LocalFileSystem())


def test_params_ships_as_the_quick_preset() -> None:
    assert (ROOT / "params.yaml").read_bytes() == (ROOT / "presets/quick.yaml").read_bytes()


@pytest.mark.parametrize("path", PRESETS, ids=lambda path: path.name)
def test_every_leaf_is_described_once_and_lists_are_blocks(path: Path) -> None:
    """Where a leaf of its name first stands, here or in what ships; a name of one's own explains itself."""
    lines = (ROOT / "params.yaml").read_text().splitlines() + path.read_text().splitlines()
    described = {match[1] for line in lines if (match := re.match(r"\s*(\w+):[^#]*#.{3,}$", line))}
    shown = {name for line in lines if (match := re.search(r"#.*\{([\w, ]+)\}", line)) for name in match[1].split(", ")}
    own = {"encoders", "classifiers", "methods", "families"}
    section = ""
    for line in path.read_text().splitlines():
        match = re.match(r"(\s*)(\w+):([^#]*)(#.{3,})?$", line)
        if match is None:
            assert re.match(r"\s*(#.*|- [^{\[]+|)$", line), f"{path.name}: {line}"
            continue
        section = match[2] if not match[1] else section
        value = match[3].strip()
        assert not value or section in own or match[2] in described | shown, f"{path.name}: {line} has no comment"
        assert value in ("[]", "{}") or not value.startswith(("[", "{")), f"{path.name}: {line} is no block"


def test_the_shipped_values_survive_a_rewrite_by_dvc(tmp_path: Path) -> None:
    """`dvc exp run -S` parses the file and dumps it anew."""
    path = tmp_path / "params.yaml"
    path.write_text(yaml.safe_dump(params.load(ROOT / "params.yaml")))
    assert params.load(path) == params.load(ROOT / "params.yaml")
