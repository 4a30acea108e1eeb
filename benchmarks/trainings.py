"""Which training without labels is worth its time: the search by which the shipped ones were chosen.

    python -m benchmarks.trainings candidates.json [--processes 1] [--folder data/objects] [--preset presets/best.yaml]

A candidate is {"name", "method", "change", "runtime"}: the parameters of a method, and of the runtime, with other
values. With "neighbors": {"of": name of another candidate, "k", "augmented"} the nearest images in that one's embedding
stand for views. With "part": {"images", "imbalance"} the encoder learns from so many of the training images alone, of
the first class so many times as many as of the last; all of them still teach the probe. "variant" names a change of
`benchmarks.variants`.

Four fifths of the training images are trained on and the others validate (linear probe and k-NN, as the study
evaluates); test images are not touched, unless "test" is true: then all training images are trained on, and test images
evaluate, once, what was chosen. The images are the study's objects, or those of a folder of stored images. Every
candidate that is not in the record yet, `results/trainings.json` or that of the folder, is trained in a process of its
own with one thread; its seconds are those of the processor. Progress is kept, so that a stop loses an epoch.
"""

import argparse
import datetime
import fcntl
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from functools import partial, reduce
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measure import RESULTS
from visrep import files, registry
from visrep.data import store
from visrep.data.embedded import objects
from visrep.data.store import ImageSet, Split
from visrep.settings.base import merged
from visrep.stage import params

FOLDS, SEED = 5, 123  # the last of so many parts validates
KEPT = Path(tempfile.gettempdir()) / "visrep-trainings"  # embeddings of those trained, for neighbors; checkpoints


def main() -> None:
    parser = argparse.ArgumentParser(description="Train and evaluate candidates.")
    parser.add_argument("candidates", type=Path)
    parser.add_argument("--processes", type=int, default=1, help="at once")
    parser.add_argument("--folder", type=Path, help="of stored images; without, the objects that the study draws")
    parser.add_argument("--preset", type=Path, default=Path("presets/quick.yaml"), help="what candidates change")
    parser.add_argument("--only", help="the name of one candidate, in this process")
    words = parser.parse_args()
    candidates = json.loads(words.candidates.read_text())
    if words.only:
        train(next(candidate for candidate in candidates if candidate["name"] == words.only), words)
        return
    running: dict[str, subprocess.Popen[bytes]] = {}
    waiting = [candidate for candidate in candidates if candidate["name"] not in _known(_record(words.folder))]
    while waiting or running:
        running = {name: process for name, process in running.items() if process.poll() is None}
        ready = [candidate for candidate in waiting if _ready(candidate)]
        if ready and len(running) < words.processes:
            waiting.remove(ready[0])
            command = [sys.executable, "-m", "benchmarks.trainings", *sys.argv[1:], "--only", ready[0]["name"]]
            running[ready[0]["name"]] = subprocess.Popen(command, env=os.environ | {"OMP_NUM_THREADS": "1"})
        elif waiting and not running and not ready:
            sys.exit(f"{', '.join(candidate['name'] for candidate in waiting)}: neighbors in nothing that was trained")
        time.sleep(1)


def _record(folder: Path | None) -> Path:
    return RESULTS / (f"trainings_{folder.name}.json" if folder else "trainings.json")


def _known(record: Path) -> dict[str, Any]:
    return {row["name"]: row for row in json.loads(record.read_text())["rows"]} if record.exists() else {}


def _dotted(values: dict[str, Any], above: str = "") -> dict[str, Any]:
    """Leaves by their dotted names, so that a candidate is one line of the record."""
    flat: dict[str, Any] = {}
    for name, value in values.items():
        flat |= _dotted(value, f"{above}{name}.") if isinstance(value, dict) else {f"{above}{name}": value}
    return flat


def _ready(candidate: dict[str, Any]) -> bool:
    return "neighbors" not in candidate or (KEPT / f"{candidate['neighbors']['of']}.npy").exists()


def parted(images: ImageSet) -> ImageSet:
    """Of the training images alone: what is trained on stands as training, what validates as test images."""
    order = np.random.default_rng(SEED).permutation(len(images.train.labels))
    cut = len(order) * (FOLDS - 1) // FOLDS
    parts = [Split(*(array[np.sort(index)] for array in images.train)) for index in (order[:cut], order[cut:])]
    return images._replace(train=parts[0], test=parts[1])


def some(images: Split, count: int, imbalance: float) -> Split:
    """``count`` images of which the classes' numbers fall geometrically, the first ``imbalance`` times the last."""
    classes = int(images.labels.max()) + 1
    shares = imbalance ** -(np.arange(classes) / (classes - 1))
    rng = np.random.default_rng(SEED)
    wanted = np.round(count * shares / shares.sum()).astype(int)
    owned = [rng.permutation(np.flatnonzero(images.labels == k)) for k in range(classes)]
    if any(len(index) < size for index, size in zip(owned, wanted, strict=True)):
        sys.exit(f"there are too few images of a class: {wanted.tolist()} are wanted")
    index = np.sort(np.concatenate([index[:size] for index, size in zip(owned, wanted, strict=True)]))
    return Split(*(array[index] for array in images))


def loaded(folder: Path | None) -> ImageSet:
    if folder:
        return store.load(folder)
    values = params.load()["download"]["objects"]
    return objects.generate(values["seed"], values["train"], values["test"])


def train(candidate: dict[str, Any], words: argparse.Namespace) -> None:
    """Train one candidate and add what came of it to the record."""
    from threadpoolctl import threadpool_limits

    from visrep.evaluations import probe
    from visrep.machine import device
    from visrep.measures import spread
    from visrep.representations import encoders, generators
    from visrep.settings.runtime import Runtime

    values = params.preset(words.preset)
    machine = device.prepare(params.check(values["runtime"] | candidate.get("runtime", {}), Runtime))
    threadpool_limits(1)
    whole = loaded(words.folder)
    images = whole if candidate.get("test") else parted(whole)
    KEPT.mkdir(exist_ok=True)
    part = candidate.get("part")
    taught = images._replace(train=some(images.train, part["images"], part["imbalance"])) if part else images
    began = time.process_time()
    learned = _learned(candidate, values, taught, machine)
    seconds = time.process_time() - began
    embed = generators.embedded if isinstance(learned[0], generators.Generator) else encoders.embedded
    train, test = (
        embed(learned[0], encoders.whole(part.images, machine.device)) for part in (images.train, images.test)
    )
    np.save(KEPT / f"{candidate['name']}.npy", train)
    metrics = probe.evaluate(train, test, images, params.check(values["probe"], probe.Settings)).metrics
    row = {"name": candidate["name"], "method": candidate["method"], **_dotted(candidate["change"])}
    row |= _dotted({name: candidate.get(name, {}) for name in ("neighbors", "part", "runtime")}) | {
        "linear_accuracy": round(metrics.linear_accuracy.value, 1),
        "knn_accuracy": round(metrics.knn_accuracy.value, 1),
        "effective_rank": round(spread.effective_rank(spread.spectrum(test)), 1),
        **({"variant": candidate["variant"]} if "variant" in candidate else {}),
        "n": len(images.test.labels),
        "trained": learned.result.n,
        "test": bool(candidate.get("test")),
        "core_seconds": round(seconds),
        "processor": machine.processor.split()[0] + (" avx512" if "avx512f" in machine.processor else ""),
        "date": datetime.date.today().isoformat(),
    }
    record = _record(words.folder)
    with record.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        rows = [*_known(record).values(), row]
        files.write_json(record, {"data": images.source, "rows": rows})
    record.with_suffix(".lock").unlink(missing_ok=True)
    print(f"{row['name']}: {row['linear_accuracy']} {row['knn_accuracy']}, {row['core_seconds']} s", flush=True)


def _learned(candidate: dict[str, Any], values: dict[str, Any], images: ImageSet, machine: Any) -> Any:
    """The encoder of a candidate, or its generator, first, and what came of it."""
    from benchmarks import variants
    from visrep.measures import neighbors
    from visrep.representations import latents, learning
    from visrep.settings.representations import Latents, OneEncoder, Views

    checkpoint, progress, name = (
        KEPT / f"{candidate['name']}.pt",
        partial(_progress, candidate["name"]),
        candidate["method"],
    )
    shared = {} if name == "latents" else values["pretraining"]
    section = reduce(merged, (shared, values.get(name, {}), candidate["change"]))
    if name == "latents":
        encoder = params.check(values["pretraining"]["encoder"], OneEncoder).root
        views = params.check(values["pretraining"]["augment"], Views)
        chosen = params.check(section, Latents, key=candidate["name"])
        return latents.learn(chosen, encoder, views, images, machine, checkpoint, progress)
    method = registry.one("visrep.representations.methods", name)
    settings = params.check(section, method.Settings, key=candidate["name"])
    recipe = learning.recipe(method, settings)
    if near := candidate.get("neighbors"):
        points = np.load(KEPT / f"{near['of']}.npy")
        index = np.array(neighbors.nearest(points, points, near["k"], itself=True).index)
        augment = settings.augment if near["augmented"] else None
        return learning.on_neighbors(recipe, images, index, augment, machine, checkpoint, progress)
    with variants.variant(candidate.get("variant"), images, settings, values, machine):
        return learning.on_views(recipe, images, machine, checkpoint, progress)


def _progress(name: str, done: int, of: int, seconds: float, values: Mapping[str, float]) -> None:
    shown = " ".join(f"{key} {value:.3g}" for key, value in values.items() if key in ("train_loss", "effective_rank"))
    print(f"{name} {done}/{of} {seconds:.0f} s {shown}", flush=True)


if __name__ == "__main__":
    main()
