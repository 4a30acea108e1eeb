"""Which training without labels is worth its time: the search by which the shipped ones were chosen.

    python -m benchmarks.trainings candidates.json [processes at once]

A candidate is {"name", "method", "change"}: the parameters of a method in params.yaml with other values. With
"neighbors": {"of": name of another candidate, "k", "augmented"} the nearest images in that one's embedding stand for
views. Of the study's training objects four fifths are trained on and the others validate (linear probe and k-NN, as the
study evaluates); test images are not looked at. Every candidate that is not in `results/trainings.json` yet is trained
in a process of its own with one thread; its seconds are those of the processor.
"""

import datetime
import fcntl
import json
import os
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.measure import RESULTS
from visrep import files, registry
from visrep.data.embedded import objects
from visrep.data.store import ImageSet, Split
from visrep.stage import params

FOLDS, SEED = 5, 123  # the last of so many parts validates
RECORD = RESULTS / "trainings.json"
EMBEDDED = Path(tempfile.gettempdir()) / "visrep-trainings"  # embeddings of those trained, for neighbours


def main() -> None:
    candidates = json.loads(Path(sys.argv[1]).read_text())
    if len(sys.argv) > 2 and not sys.argv[2].isdigit():
        train(next(candidate for candidate in candidates if candidate["name"] == sys.argv[2]))
        return
    running: dict[str, subprocess.Popen[bytes]] = {}
    waiting = [candidate for candidate in candidates if candidate["name"] not in _known()]
    while waiting or running:
        running = {name: process for name, process in running.items() if process.poll() is None}
        ready = [candidate for candidate in waiting if _ready(candidate)]
        if ready and len(running) < int(sys.argv[2] if len(sys.argv) > 2 else 1):
            waiting.remove(ready[0])
            command = [sys.executable, "-m", "benchmarks.trainings", sys.argv[1], ready[0]["name"]]
            running[ready[0]["name"]] = subprocess.Popen(command, env=os.environ | {"OMP_NUM_THREADS": "1"})
        elif waiting and not running and not ready:
            sys.exit(f"{', '.join(candidate['name'] for candidate in waiting)}: neighbours in nothing that was trained")
        time.sleep(1)


def _known() -> dict[str, Any]:
    return {row["name"]: row for row in json.loads(RECORD.read_text())["rows"]} if RECORD.exists() else {}


def _dotted(values: dict[str, Any], above: str = "") -> dict[str, Any]:
    """Leaves by their dotted names, so that a candidate is one line of the record."""
    flat: dict[str, Any] = {}
    for name, value in values.items():
        flat |= _dotted(value, f"{above}{name}.") if isinstance(value, dict) else {f"{above}{name}": value}
    return flat


def _ready(candidate: dict[str, Any]) -> bool:
    return "neighbors" not in candidate or (EMBEDDED / f"{candidate['neighbors']['of']}.npy").exists()


def parted() -> ImageSet:
    """The study's training objects, parted: what is trained on stands as training, what validates as test images."""
    values = params.load()["download"]["objects"]["embedded"]
    drawn = objects.draw(values["seed"], values["train"], values["test"])
    order = np.random.default_rng(SEED).permutation(values["train"])
    cut = len(order) * (FOLDS - 1) // FOLDS
    parts = [Split(*(array[np.sort(index)] for array in drawn.train)) for index in (order[:cut], order[cut:])]
    return ImageSet(*parts, drawn.classes, drawn.source, drawn.factors)


def train(candidate: dict[str, Any]) -> None:
    """Train one candidate and add what came of it to the record."""
    import torch
    from threadpoolctl import threadpool_limits

    from visrep.evaluations import probe
    from visrep.machine import device
    from visrep.measures import neighbors
    from visrep.representations import encoders, learning, positives
    from visrep.settings.runtime import Runtime

    method = registry.one("visrep.representations.methods", candidate["method"])
    section = params.merged(params.load()[candidate["method"]], candidate["change"])
    settings = params.check(section, method.Settings, key=candidate["name"])
    machine = device.prepare(params.read("runtime", Runtime))
    threadpool_limits(1)
    images = parted()
    loss, telling = partial(method.loss, settings=settings), method.telling(settings)
    began = time.process_time()
    with tempfile.TemporaryDirectory() as folder:
        whole, checkpoint = encoders.whole(images.train.images, machine.device), Path(folder) / "checkpoint.pt"
        objective: positives.OfViews | positives.OfNeighbors
        objective = positives.OfViews(whole, settings.augment, settings.views, loss)
        if near := candidate.get("neighbors"):
            points = np.load(EMBEDDED / f"{near['of']}.npy")
            index = torch.from_numpy(np.array(neighbors.nearest(points, points, near["k"], itself=True).index))
            objective = positives.OfNeighbors(whole, index, settings.augment if near["augmented"] else None, loss)
        learned = learning.train(
            settings, objective, candidate["method"], telling, images, machine, checkpoint, lambda *_: None
        )
    seconds = time.process_time() - began
    train, test = (
        encoders.embedded(learned.encoder, encoders.whole(part.images, machine.device))
        for part in (images.train, images.test)
    )
    EMBEDDED.mkdir(exist_ok=True)
    np.save(EMBEDDED / f"{candidate['name']}.npy", train)
    metrics = probe.evaluate(train, test, images, params.read("probe", probe.Settings)).metrics
    row = {"name": candidate["name"], "method": candidate["method"], **_dotted(candidate["change"])}
    row |= _dotted({"neighbors": candidate.get("neighbors", {})}) | {
        "linear_accuracy": round(metrics.linear_accuracy.value, 1),
        "knn_accuracy": round(metrics.knn_accuracy.value, 1),
        "effective_rank": round(learned.result.effective_rank, 1),
        "core_seconds": round(seconds),
        "processor": machine.processor.split()[0] + (" avx512" if "avx512f" in machine.processor else ""),
        "date": datetime.date.today().isoformat(),
    }
    with RECORD.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        rows = [*_known().values(), row]
        files.write_json(RECORD, {"n": len(images.test.labels), "trained": len(images.train.labels), "rows": rows})
    RECORD.with_suffix(".lock").unlink(missing_ok=True)
    print(f"{row['name']}: {row['linear_accuracy']} {row['knn_accuracy']}, {row['core_seconds']} s", flush=True)


if __name__ == "__main__":
    main()
