"""What stages hand to the mathematics: the right images, neighbors and answers, read back from what they wrote and
judged by brute force, scikit-learn and plain torch."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image
from scipy.spatial.distance import cdist
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import KNeighborsClassifier
from sklearn.preprocessing import StandardScaler

import runs
import tiny
from oracles import digests
from runs import Moment
from test_pipeline import NETWORKS
from visrep import files, records
from visrep.evaluations import retrieval
from visrep.representations import encoders
from visrep.training import weights

EVALUATIONS = [stage for stage in tiny.EVALUATIONS if stage != "figures"]


def embedded(folder: Path, part: str, encoder: str = "vicreg") -> np.ndarray:
    return np.load(folder / f"embeddings/{encoder}/{part}.npy")


def labels(folder: Path, split: str) -> np.ndarray:
    return np.load(folder / f"data/objects/{split}_labels.npy")


def told(folder: Path, path: str) -> Any:
    return json.loads((folder / path).read_text())


@pytest.mark.parametrize(
    ("part", "source", "split"),
    [
        ("train", "objects", "train"),
        ("test", "objects", "test"),
        ("handwritten_digits", "handwritten_digits", "test"),
        ("street_digits", "street_digits", "test"),
    ],
)
def test_embeddings_are_of_the_images_they_are_named_after(finished: Path, part: str, source: str, split: str) -> None:
    network = weights.load(finished / "models/vicreg.safetensors", encoders.build)
    images = np.load(finished / f"data/{source}/{split}_images.npy")
    with torch.no_grad():
        expected = network(torch.from_numpy(images).permute(0, 3, 1, 2).float() / 127.5 - 1)
    np.testing.assert_allclose(embedded(finished, part), expected.numpy(), rtol=1e-3, atol=1e-4)


def test_neighbors_are_the_nearest_others(finished: Path) -> None:
    train = embedded(finished, "train")
    distances = cdist(train, train)
    np.fill_diagonal(distances, np.inf)
    found = np.load(finished / "neighbors/train.npy")
    expected = np.sort(distances, 1)[:, : found.shape[1]]
    np.testing.assert_allclose(np.take_along_axis(distances, found, 1), expected, rtol=1e-5)


def test_retrieval_shows_the_nearest_and_the_farthest(finished: Path) -> None:
    test, train = embedded(finished, "test"), embedded(finished, "train")
    details = records.read(finished / "plots/retrieval/vicreg/details.json", retrieval.Result)
    for query in details.queries:
        distances = cdist(test[[query.query]], train)[0]
        np.testing.assert_allclose(distances[list(query.near)], np.sort(distances)[:5], rtol=1e-5)
        np.testing.assert_allclose(distances[list(query.far)], np.sort(distances)[::-1][:5], rtol=1e-5)
    nearest = np.argsort(cdist(test, train), 1)[:, :5]
    shared = labels(finished, "train")[nearest] == labels(finished, "test")[:, None]
    metrics = told(finished, "metrics/retrieval/vicreg.json")
    assert metrics["precision_at_5"] == pytest.approx(100 * shared.mean(), abs=0.5)


def test_each_number_of_the_probe_is_that_of_its_reader(finished: Path) -> None:
    train, test = embedded(finished, "train"), embedded(finished, "test")
    seen, truth = labels(finished, "train"), labels(finished, "test")
    metrics = told(finished, "metrics/probe/vicreg.json")
    details, settings = told(finished, "plots/probe/vicreg/details.json"), tiny.study()["probe"]

    scaler = StandardScaler().fit(train)
    linear = LogisticRegression(C=1 / (details["strength"] * len(seen)), max_iter=2000, tol=1e-8)
    right = linear.fit(scaler.transform(train), seen).score(scaler.transform(test), truth)
    assert metrics["linear_accuracy"] == pytest.approx(100 * right, abs=2.1)  # two images that are as good as tied
    assert metrics["unstandardised_accuracy"] != metrics["linear_accuracy"]

    unit = [x / np.linalg.norm(x, axis=1, keepdims=True) for x in (train, test)]
    near = KNeighborsClassifier(
        settings["knn"]["k"], weights=lambda d: np.exp((1 - d**2 / 2) / settings["knn"]["temperature"])
    ).fit(unit[0], seen)
    assert metrics["knn_accuracy"] == pytest.approx(100 * near.score(unit[1], truth), abs=1.1)


def _failing(name: str) -> None:
    from visrep.audit import gates, results

    gates.verdicts = lambda *_: (results.Gate(name, False, "too good"), results.Gate("order", True, "fine"))  # type: ignore[assignment]


def test_a_failed_gate_is_printed(finished: Path, tmp_path: Path) -> None:
    inputs = ("data/street_digits", "models/cnn.safetensors", "predictions/fgsm_sweep/cnn.npy")
    folder = runs.copy(finished, tmp_path / "loud", *inputs)
    done = runs.run(folder, "audit", "cnn", do=(Moment("visrep.audit.audit:audit", 1), _failing, "gradient_not_zero"))
    assert done.code == 0
    loud = [line for line in done.said.splitlines() if "GATE FAILED" in line]
    assert loud == ["audit@cnn: GATE FAILED, do not believe its accuracy under attack: gradient_not_zero: too good"]
    assert "audit@cnn: batch 2/2" in done.said


def test_stages_that_need_no_torch_run_without_it(finished: Path, tmp_path: Path) -> None:
    """Not even inside their functions do they import it."""
    folder = runs.copy(finished, tmp_path / "light", *sorted(digests(finished).keys() - {"params.yaml"}))
    light = [(stage, item) for stage, item in tiny.SOME if stage not in NETWORKS]
    code = (
        "import importlib, sys; from pathlib import Path; from visrep.stage.job import Job\n"
        f"for stage, item in {light!r}:\n"
        "    module = importlib.import_module(f'stages.{stage}')\n"
        "    job = Job(stage, Path(module.__file__).resolve(), item); module.main(job); job.publish()\n"
        "    if 'torch' in sys.modules: sys.exit(f'{stage} imports torch')"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("change", [{"bf16": True}, {"channels_last": False}])
@pytest.mark.parametrize(
    ("stage", "item", "reads", "model"),
    [
        ("train_cnn", "", ["data/street_digits"], "cnn"),
        ("vicreg", "", ["data/objects"], "vicreg"),
        ("similarity", "keep_color", ["data/shapes"], "similarity_keep_color"),
    ],
)
def test_other_ways_to_compute_train_a_network_that_is_nearly_the_same(
    finished: Path, tmp_path: Path, change: dict[str, Any], stage: str, item: str, reads: list[str], model: str
) -> None:
    folder = runs.copy(finished, tmp_path / "other", *reads)
    tiny.write(folder, {"runtime": change})
    done = runs.run(folder, stage, item)
    assert done.code == 0, done.said
    ours, theirs = (files.read_weights(f / f"models/{model}.safetensors")[0] for f in (folder, finished))
    apart = sum(float(np.square(ours[name] - theirs[name]).sum()) for name in ours if ours[name].dtype == np.float32)
    whole = sum(float(np.square(theirs[name]).sum()) for name in ours if ours[name].dtype == np.float32)
    assert apart < 0.1 * whole  # sums, or the masks of dropout, are others
    assert "bf16" not in change or apart > 0


@pytest.mark.parametrize(
    ("stage", "item", "reads"),
    [
        ("train_cnn", "", ["data/street_digits"]),
        ("vicreg", "", ["data/objects"]),
        ("maps", "vicreg", ["data/objects", "embeddings/vicreg"]),
        ("clustering", "vicreg", ["data/objects", "embeddings/vicreg"]),
        ("laplacian_eigenmaps", "", ["data/objects"]),
    ],
)
def test_two_threads_write_the_same_bytes_each_time(
    finished: Path, tmp_path: Path, stage: str, item: str, reads: list[str]
) -> None:
    """As the study ships; the other tests have one thread."""
    written = []
    for name in ("one", "other"):
        folder = runs.copy(finished, tmp_path / name, *reads)
        tiny.write(folder, {"runtime": {"threads": 2}})
        done = runs.fresh(folder, stage, item)
        assert done.returncode == 0, done.stderr
        written.append(digests(folder))
    assert written[0] == written[1]


COLLAPSES = {
    "to a point": lambda x: np.full_like(x, 0.3),
    "to zero": np.zeros_like,
    "to a line": lambda x: np.outer(x[:, 0], np.ones(x.shape[1], np.float32)),
    "to two points": lambda x: np.where(x[:, :1] > np.median(x[:, 0]), 1, 0) * np.ones_like(x),
}


@pytest.mark.parametrize("kind", COLLAPSES)
def test_readers_of_a_collapsed_embedding_give_numbers_and_pictures(finished: Path, tmp_path: Path, kind: str) -> None:
    folder = runs.copy(finished, tmp_path / "collapsed", "data", "models", "embeddings/vicreg")
    for part in ("train", "test", "handwritten_digits", "street_digits"):
        np.save(folder / f"embeddings/vicreg/{part}.npy", COLLAPSES[kind](embedded(finished, part)).astype(np.float32))
    for stage in EVALUATIONS:
        done = runs.run(folder, stage, "vicreg")
        assert done.code == 0, f"{stage}: {done.said}"
        if stage != "maps":
            assert all(np.isfinite(value) for value in told(folder, f"metrics/{stage}/vicreg.json").values())
    assert runs.run(folder, "figures", "vicreg").code == 0


CLASSES = ("Blaumeise (♂)", "car & van", "cat's", "a <b>", "ship", "x" * 40, "zebra")
SIZES = (3, 9, 12, 20, 25, 31, 40)  # training images of each


def test_seven_uneven_classes_in_mixed_formats_go_all_the_way(finished: Path, tmp_path: Path) -> None:
    folder = runs.copy(
        finished,
        tmp_path / "own",
        *(f"data/{name}" for name in ("handwritten_digits", "street_digits", "near_objects")),
    )
    rng = np.random.default_rng(0)
    modes = {"png": "RGBA", "jpg": "RGB", "bmp": "L", "gif": "P"}
    for split, share in (("train", 1.0), ("test", 0.5)):
        for place, (name, size) in enumerate(zip(CLASSES, SIZES, strict=True)):
            (folder / "birds" / split / name).mkdir(parents=True)
            for number in range(max(2, int(size * share))):
                ending, mode = list(modes.items())[number % 4]
                pixels = rng.integers(0, 100, (30 + number, 40, 3)) + 20 * place
                image = Image.fromarray(pixels.astype(np.uint8)).convert(mode)
                image.save(folder / "birds" / split / name / f"{number}.{ending}")
    birds = {"source": "archive", "archive": "birds", "sha256": None, "max_megabytes": 100}
    change = {"download": {"objects": birds}, "vicreg": {"batch_size": 20}, "maps": {"points": 50}}
    tiny.write(folder, change)
    for stage, item in (
        ("download", "objects"),
        ("vicreg", ""),
        *((s, "vicreg") for s in ("embed", *tiny.EVALUATIONS)),
    ):
        done = runs.run(folder, stage, item)
        assert done.code == 0, f"{stage}: {done.said}"
    rows = told(folder, "plots/probe/vicreg/details.json")["per_class"]
    assert [(row["label"], row["support"]) for row in rows[:7]] == [
        (name, max(2, size // 2)) for name, size in zip(sorted(CLASSES), _sorted_sizes(), strict=True)
    ]
    assert {row["label"] for row in told(folder, "plots/maps/vicreg.json")} <= set(CLASSES)
    counts = told(folder, "plots/clustering/vicreg/details.json")["counts"]
    assert {row["label"] for row in counts} == set(CLASSES)
    assert len(records.read(folder / "plots/retrieval/vicreg/details.json", retrieval.Result).queries) == 7


def _sorted_sizes() -> list[int]:
    return [SIZES[CLASSES.index(name)] for name in sorted(CLASSES)]
