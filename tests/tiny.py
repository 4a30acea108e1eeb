"""The study at a size that tests can run: the shipped parameters with small numbers put in."""

import copy
import shutil
from pathlib import Path
from typing import Any

import yaml
from PIL import Image

from oracles import ROOT
from visrep.stage import params

MODEL = {"channels": [4, 8], "depth": 1, "hidden": 8, "dropout": 0.2}

SETS = ["street_digits", "objects", "handwritten_digits", "shapes"]

METHOD = {
    "encoder": {"widths": [4, 8], "blocks": [1, 1], "dimensions": 8},
    "projector": [16, 16],
    "watched": 30,
    "epochs": 3,
    "batch_size": 40,
}

TRAINED = ["pixels", "random", "vicreg", "no_variance", "laplacian_eigenmaps", "simclr", "large_batch"]
ENCODERS = [*TRAINED, "no_generated_neighbors"]
FAMILIES = ["autoencoder", "vary_color", "vary_location", "keep_color"]
EVALUATIONS = ["probe", "maps", "retrieval", "anomaly", "clustering", "figures"]

# Every stage's module with its item, in an order in which they can run.
RUNS: list[tuple[str, str]] = [
    ("check", ""),
    *[("download", name) for name in SETS],
    ("train_cnn", ""),
    ("adv_train", ""),
    ("fgsm_sweep", "cnn"),
    ("fgsm_sweep", "adv_cnn"),
    ("baselines", "pixels"),
    ("baselines", "random"),
    ("vicreg", ""),
    ("ablations", "no_variance"),
    ("laplacian_eigenmaps", ""),
    ("methods", "simclr"),
    ("ablations", "large_batch"),
    *[("embed", name) for name in TRAINED],
    ("neighbors", ""),
    ("no_generated_neighbors", ""),
    ("embed", "no_generated_neighbors"),
    *[(stage, name) for stage in EVALUATIONS for name in ENCODERS],
    ("roc", ""),
    *[(stage, name) for stage in ("similarity", "factors") for name in FAMILIES],
    ("figures_shapes", ""),
    ("figures_encoders", ""),
    ("figures_training", ""),
    ("figures_digits", ""),
    ("figures_attacks", ""),
    ("report", ""),
]
# One item stands for all where only the bytes that are read differ.
SOME = [
    (stage, item)
    for stage, item in RUNS
    if stage not in (*EVALUATIONS, "factors") or item == ("keep_color" if stage == "factors" else "vicreg")
]

# Variants of sections that together make the stages read every parameter.
AUGMENT = {"shift": 1.0, "rotation": 5.0, "scale": 0.1, "contrast": 0.1, "blur": 0.5, "noise": 0.05}
VIEWS = {"blur": 0.5, "solarize": 0.5, "noise": 0.1, "rotation": 10.0}
VARIANTS: dict[str, list[dict[str, Any]]] = {
    "vicreg": [{"augment": VIEWS, "optimizer": {"name": "lars", "warmup_epochs": 1.0}}],
    "simclr": [{"augment": VIEWS, "optimizer": {"name": "lars", "warmup_epochs": 1.0}}],
    "no_generated_neighbors": [{"augmented": True}],
    "probe": [{"method": "sgd"}],
    "similarity": [{"optimizer": {"name": "lars", "warmup_epochs": 1.0}}],
    "factors": [{"ground": "texture"}],
    "train_cnn": [
        {"optimizer": {"name": "lars"}},
        {"augment": AUGMENT, "balance": "weights", "ema": 0.9, "patience": 1, "select": "val_accuracy"},
        {"balance": "oversample", "label_smoothing": 0.1, "optimizer": {"name": "adamw", "clip_norm": 1.0}},
        {"optimizer": {"name": "adam", "schedule": "cosine"}},
    ],
    "adv_train": [
        {"optimizer": {"name": "lars"}},
        {"method": "fgsm_mix", "fused": False},
        {"method": "fgsm_mix", "fused": True, "init": "scratch"},
        {"method": "pgd", "augment": AUGMENT, "patience": 1, "patience_from": 0, "ema": 0.5},
    ],
    # last, since it leaves other images behind
    "download": [{name: {"source": "archive", "archive": "images"} for name in SETS[:3]}],
}


def variants(folder: Path) -> dict[str, list[dict[str, Any]]]:
    """`VARIANTS`, with the folder of images that one of them reads put below ``folder``."""
    for split in ("train", "test"):
        for name in ("cat", "dog"):
            place = folder / "images" / split / name
            place.mkdir(parents=True, exist_ok=True)
            for number in range(30):
                Image.new("RGB", (40, 30), (number, 10, 10)).save(place / f"{number}.png")
    return VARIANTS


def merge(base: dict[str, Any], change: dict[str, Any]) -> dict[str, Any]:
    """``base`` with the leaves of ``change`` put in."""
    merged = copy.deepcopy(base)
    for key, value in change.items():
        merged[key] = merge(merged[key], value) if isinstance(value, dict) and key in merged else copy.deepcopy(value)
    return merged


def study(change: dict[str, Any] | None = None) -> dict[str, Any]:
    embedded = {"train": 150, "test": 100}
    small = {
        "runtime": {"threads": 1},
        "download": {name: {"embedded": embedded} for name in SETS},
        "train_cnn": {"model": MODEL, "epochs": 3, "batch_size": 40},
        "adv_train": {
            "model": MODEL,
            "epochs": 3,
            "batch_size": 40,
            "attacked_validation": 20,
            "validation_pgd": {"steps": 2},
            "pgd": {"steps": 2},
        },
        "fgsm_sweep": {"batch_size": 50, "pgd": {"steps": 2, "more_steps": 3}},
        "vicreg": METHOD,
        "simclr": METHOD,
        "ablations": {"large_batch": {"of": "simclr", "batch_size": 60}},  # the shipped study has none of SimCLR
        "encoders": {"large_batch": "SimCLR in large batches"},
        "no_generated_neighbors": {"epochs": 2},
        "laplacian_eigenmaps": {"k": 8, "dimensions": 8},
        "probe": {"strengths": [0.1, 0.001], "validation": 0.2, "sgd": {"epochs": 2}, "knn": {"k": 5}},
        "maps": {"points": 60, "perplexity": 5, "neighbors": 5},
        "anomaly": {"other_k": [1, 5]},
        "clustering": {"restarts": 2},
        "similarity": {
            "encoder": {"channels": [4, 8], "dimensions": 8},
            "decoder": 16,
            "epochs": 3,
            "batch_size": 40,
        },
        "factors": {"sets": 10, "redrawn": 3},
        "figures": {"dpi": 50, "examples": 3},
    }
    return merge(merge(params.load(ROOT / "params.yaml"), small), change or {})


def furnish(folder: Path) -> None:
    """Put into ``folder`` what a stage reads that no stage writes."""
    shutil.copytree(ROOT / "presets", folder / "presets")
    shutil.copytree(ROOT / "docs", folder / "docs", symlinks=True)
    shutil.copy(ROOT / "dvc.yaml", folder)


def write(folder: Path, change: dict[str, Any] | None = None) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "params.yaml").write_text(yaml.safe_dump(study(change), sort_keys=False))
