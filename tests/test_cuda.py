"""Where there is a GPU: the same bytes in every run and after a kill, and nearly the networks of the processor."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import runs
import tiny
from oracles import digests
from runs import KILL, Moment
from visrep import files

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")

TRAININGS = [
    ("train_cnn", "", ["data/street_digits"], "cnn"),
    ("adv_train", "", ["data/street_digits", "models/cnn.safetensors"], "adv_cnn"),
    ("vicreg", "", ["data/objects"], "vicreg"),
    ("no_generated_neighbors", "", ["data/objects", "neighbors/train.npy"], "no_generated_neighbors"),
    ("methods", "simclr", ["data/objects"], "simclr"),
    ("similarity", "autoencoder", ["data/shapes"], "similarity_autoencoder"),
    ("similarity", "keep_color", ["data/shapes"], "similarity_keep_color"),
]
CHANGES: list[dict[str, Any]] = [{}, {"bf16": True}]


def begun(finished: Path, folder: Path, reads: list[str], change: dict[str, Any]) -> Path:
    runs.copy(finished, folder, *reads)
    tiny.write(folder, {"runtime": {"device": "cuda"} | change})
    return folder


@pytest.mark.parametrize("change", CHANGES, ids=str)
@pytest.mark.parametrize(("stage", "item", "reads", "model"), TRAININGS)
def test_a_killed_training_ends_in_the_bytes_of_one_that_was_not(
    finished: Path, tmp_path: Path, change: dict[str, Any], stage: str, item: str, reads: list[str], model: str
) -> None:
    whole, killed = (begun(finished, tmp_path / name, reads, change) for name in ("whole", "killed"))
    done = runs.run(whole, stage, item)
    assert done.code == 0, done.said
    died = runs.run(killed, stage, item, die=(Moment("visrep.training.loop:_step", 6), KILL))
    assert died.code == -KILL, died.said
    done = runs.run(killed, stage, item)
    assert done.code == 0, done.said
    assert digests(killed) == digests(whole)

    ours, theirs = (files.read_weights(f / f"models/{model}.safetensors")[0] for f in (whole, finished))
    floats = [name for name in ours if ours[name].dtype == np.float32]
    assert floats and all(np.isfinite(ours[name]).all() and ours[name].shape == theirs[name].shape for name in floats)


@pytest.mark.parametrize(
    ("stage", "item", "reads"),
    [
        ("fgsm_sweep", "adv_cnn", ["data/street_digits", "models/cnn.safetensors", "models/adv_cnn.safetensors"]),
        ("embed", "vicreg", ["data", "models/vicreg.safetensors"]),
        ("factors", "keep_color", ["data/shapes", "models/similarity_keep_color.safetensors"]),
    ],
)
def test_readers_of_a_network_say_the_same_twice(
    finished: Path, tmp_path: Path, stage: str, item: str, reads: list[str]
) -> None:
    written = []
    for name in ("one", "other"):
        folder = begun(finished, tmp_path / name, reads, {})
        done = runs.run(folder, stage, item)
        assert done.code == 0, done.said
        written.append(digests(folder))
    assert written[0] == written[1]


def test_embeddings_and_attacks_are_nearly_those_of_the_processor(finished: Path, tmp_path: Path) -> None:
    """Convolutions multiply in TF32 (10 bits) there, as torch has it unless told otherwise."""
    folder = begun(finished, tmp_path / "embed", ["data", "models/vicreg.safetensors"], {})
    assert runs.run(folder, "embed", "vicreg").code == 0
    ours, theirs = (np.load(f / "embeddings/vicreg/test.npy") for f in (folder, finished))
    assert np.linalg.norm(ours - theirs) < 0.01 * np.linalg.norm(theirs)

    folder = begun(finished, tmp_path / "sweep", ["data/street_digits", "models/cnn.safetensors"], {})
    assert runs.run(folder, "fgsm_sweep", "cnn").code == 0
    ours, theirs = (json.loads((f / "metrics/fgsm_sweep/cnn.json").read_text()) for f in (folder, finished))
    assert ours.keys() == theirs.keys()
    apart = {name: abs(ours[name] - theirs[name]) for name in ours if name.startswith(("clean", "fgsm", "pgd"))}
    assert apart and max(apart.values()) <= 5, apart  # of 100 images
