"""The study at a size that tests can run: the shipped parameters with small numbers put in."""

import copy
import shutil
from pathlib import Path
from typing import Any

import yaml
from PIL import Image

from oracles import ROOT
from visrep.stage import params

KINDS = ("name", "source", "network", "init")
MODEL = {"channels": [4, 8], "depth": 1, "hidden": 8, "dropout": 0.2}

ARCHIVED = ["street_digits", "objects", "handwritten_digits", "near_objects"]  # sets that users may replace

PRETRAINING = {
    "encoder": {"widths": [4, 8], "blocks": [1, 1], "dimensions": 8},
    "views": 2,
    "monitored": 30,
    "epochs": 3,
    "batch_size": 40,
}


LATENTS = {
    "seed": 0,
    "codes": {"name": "table", "speed": 10.0, "steps": 5, "lr": 0.1},
    "hidden": 16,
    "views": 2,
    "contrastive": 0.1,
    "temperature": 0.2,
    "prior": 0.001,
    "monitored": 30,
    "epochs": 2,
    "batch_size": 40,
    "optimizer": {
        "name": "adam",
        "lr": 0.003,
        "weight_decay": 0.0,
        "warmup_epochs": 0.0,
        "schedule": "cosine",
        "clip_norm": None,
    },
    "ema": None,
}
AMORTISED = LATENTS | {"codes": {"name": "encoder"}}

# Variants of sections that together make the stages read every parameter.
AUGMENT = {"shift": 1.0, "rotation": 5.0, "scale": 0.1, "contrast": 0.1, "blur": 0.5, "noise": 0.05}
LARS = {
    "name": "lars",
    "lr": 0.01,
    "momentum": 0.9,
    "weight_decay": 0.0001,
    "trust": 0.02,
    "warmup_epochs": 1.0,
    "schedule": "one_cycle",
    "clip_norm": None,
}
ADAMW = {key: value for key, value in LARS.items() if key not in ("momentum", "trust")} | {"name": "adamw"}
VIEWS = {"blur": {"probability": 0.5, "sigma": 1.0}, "solarize": 0.5, "noise": 0.1, "rotation": 10.0}
LOCAL = {"views": 1, "size": 16, "smallest": 0.1, "largest": 0.3, "aspect": 1.5}
VARIANTS: dict[str, list[dict[str, Any]]] = {
    "pretraining": [{"augment": VIEWS, "local": LOCAL, "optimizer": LARS}],
    "simclr": [{"queue": 50}],
    "latents": [{"optimised": LATENTS | {"optimizer": LARS}, "amortised": AMORTISED | {"optimizer": LARS}}],
    "no_generated_neighbors": [{"augmented": True}],
    "probe": [{"sgd": {"epochs": 2, "batch_size": 50, "lr": 0.1, "momentum": 0.9}}],
    "similarity": [{"optimizer": LARS}],
    "factors": [{"ground": "texture"}],
    "families": [{"autoencoder": {"pixel_variance": 0.01}}],
    "train_cnn": [
        {"optimizer": LARS},
        {"augment": AUGMENT, "balance": "weights", "ema": 0.9, "patience": {"epochs": 1, "after": 0}},
        {"balance": "oversample", "label_smoothing": 0.1, "optimizer": ADAMW | {"clip_norm": 1.0}},
        {"optimizer": ADAMW | {"name": "adam", "schedule": "cosine"}},
    ],
    "adv_train": [
        {"optimizer": LARS},
        {"method": {"name": "fgsm_mix", "alpha": 0.5, "fused": False}},
        {"method": {"name": "fgsm_mix", "alpha": 0.5, "fused": True}, "model": {"init": "scratch", **MODEL}},
        {"method": {"name": "trades", "steps": 2, "step_size": 0.05, "beta": 2.0}, "optimizer": {"clip_norm": None}},
        {
            "method": {"name": "pgd", "steps": 2, "step_size": 0.05},
            "augment": AUGMENT,
            "patience": {"epochs": 1, "after": 0},
            "ema": 0.5,
        },
    ],
    # last, since it leaves other images behind
    "download": [
        {name: {"source": "official", "official": "mnist"} for name in ARCHIVED},
        {name: {"source": "archive", "archive": "images", "sha256": None, "max_megabytes": 100} for name in ARCHIVED},
    ],
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
    """``base`` with the leaves of ``change`` put in, but for mappings of another kind, which are whole."""
    merged = copy.deepcopy(base)
    for key, value in change.items():
        old = merged.get(key)
        both = isinstance(value, dict) and isinstance(old, dict)
        other = both and any(value.get(key, old.get(key)) != old.get(key) for key in KINDS)
        merged[key] = merge(old, value) if both and not other else copy.deepcopy(value)
    return merged


def study(change: dict[str, Any] | None = None) -> dict[str, Any]:
    embedded, shipped = {"train": 150, "test": 100}, params.load(ROOT / "params.yaml")
    small = {
        "runtime": {"threads": 1},
        "download": dict.fromkeys(shipped["download"], embedded),
        "train_cnn": {"model": MODEL, "epochs": 3, "batch_size": 40},
        "adv_train": {
            "epochs": 3,
            "batch_size": 40,
            "attacked_validation": 20,
            "validation_pgd": {"steps": 2},
        },
        "fgsm_sweep": {"batch_size": 50, "pgd": {"steps": 2}},
        "defences": {
            "quantisation": {"of": "train_cnn", "levels": 6},
            "distillation": {"of": "train_cnn", "temperature": 100.0},
            "fgsm_mix": {"of": "adv_train", "method": {"name": "fgsm_mix", "alpha": 0.8, "fused": False}},
        },
        "classifiers": {name: name for name in ("quantisation", "distillation", "fgsm_mix")},
        "audit": {"images": 60, "batch_size": 30, "steps": 3, "targets": 2, "queries": 5},
        "pretraining": PRETRAINING,
        "vicreg": {"projector": [16, 16]},
        "simclr": {"projector": [16, 16]},
        "ablations": {"large_batch": {"of": "simclr", "batch_size": 60}},  # the shipped study has none of SimCLR
        "latents": {"optimised": LATENTS, "amortised": AMORTISED},
        "encoders": {name: name for name in ("large_batch", "optimised", "amortised")},
        "no_generated_neighbors": {"epochs": 2},
        "laplacian_eigenmaps": {"k": 8, "dimensions": 8},
        "probe": {"strengths": [0.1, 0.001], "validation": 0.2, "knn": {"k": 5}},
        "maps": {"points": 60, "perplexity": 5, "neighbors": 5},
        "anomaly": {"k": [2, 1, 5], "validation": {"images": 20}},
        "clustering": {"restarts": 2, "runs": 2},
        "baselines": {"patches": {"centroids": 12, "patches": 400, "images": 60}},
        "linear_vicreg": {"images": 40, "views": 2},
        "similarity": {
            "encoder": {"channels": [4, 8], "dimensions": 8},
            "decoder": 16,
            "epochs": 3,
            "batch_size": 40,
        },
        "factors": {"sets": 10, "redrawn": 3},
        "replicates": {"seeds": [1]},
        "figures": {"dpi": 50, "examples": 3},
    }
    return merge(merge(shipped, small), change or {})


def furnish(folder: Path) -> None:
    """Put into ``folder`` what a stage reads that no stage writes."""
    shutil.copytree(ROOT / "presets", folder / "presets")
    shutil.copytree(ROOT / "docs", folder / "docs", symlinks=True)
    (folder / "replicates").mkdir(exist_ok=True)
    shutil.copy(ROOT / "replicates/README.md", folder / "replicates")
    shutil.copy(ROOT / "dvc.yaml", folder)


def write(folder: Path, change: dict[str, Any] | None = None) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "params.yaml").write_text(yaml.safe_dump(study(change), sort_keys=False))


def _runs() -> list[tuple[str, str]]:
    """Every stage's module with its item, in an order in which they can run: that of dvc.yaml, each as soon as what it
    reads has been written."""
    import graph

    stages = graph.stages(graph.parse(graph.FILE.read_text()))
    writes = {name: graph.written_by(stage) for name, stage in stages.items()}
    reads = {name: graph.data_of(stage) for name, stage in stages.items()}
    waiting, runs = list(stages), []
    while waiting:
        name = next(name for name in waiting if not any(_below(reads[name], writes[other]) for other in waiting))
        waiting.remove(name)
        stage, _, item = name.partition("@")
        runs.append((stage, item))
    return runs


def _below(paths: list[str], outs: list[str]) -> bool:
    """Whether one of ``paths`` is one of ``outs``, or lies below or above it."""
    pairs = ((Path(path), Path(out)) for path in paths for out in outs)
    return any(path.is_relative_to(out) or out.is_relative_to(path) for path, out in pairs)


RUNS = _runs()
EVALUATIONS = [*dict.fromkeys(stage for stage, item in RUNS if item == "vicreg" and stage != "embed")]
# One item stands for all where only the bytes that are read differ.
SOME = [
    (stage, item)
    for stage, item in RUNS
    if stage not in (*EVALUATIONS, "factors") or item == ("keep_color" if stage == "factors" else "vicreg")
]
