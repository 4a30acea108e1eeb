"""Which training makes the best classifier, clean and attacked: the search behind `train_cnn` and `adv_train`.

python -m benchmarks.robust_training candidates.json <folder of street_digits> [processes at once]

A candidate is {"name", "cnn", "adv_train", "runtime", "seed", "images"}: the sections `train_cnn`, `adv_train` and
`runtime` of params.yaml with other values, what is added to the seeds, how many images are attacked at most. The
undefended classifier is trained first where the defence starts from it, and alone where there is no "adv_train".
Candidates are compared on validation images: clean, FGSM, and what APGD on cross entropy and towards each class leaves
of them at two radii. With "test": true the test images are attacked, too, by the same and by PGD: for those that were
chosen. Every candidate that is not in `results/robust_training.json` yet is trained in a process of its own with one
thread; its seconds are those of the processor since it was last started.
"""

import datetime
import fcntl
import hashlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from benchmarks.measure import RESULTS
from visrep import files
from visrep.audit import apgd
from visrep.data import pixels, store
from visrep.digits import adversarial, attacks, cnn, labelled, supervised
from visrep.digits.labelled import Labelled
from visrep.machine import device
from visrep.machine.randomness import generator
from visrep.measures import statistics
from visrep.settings.base import merged
from visrep.settings.digits import AdvTrain, FromClassifier, TrainCNN
from visrep.settings.runtime import Runtime
from visrep.stage import params

RECORD = RESULTS / "robust_training.json"
WEIGHTS = Path(tempfile.gettempdir()) / "visrep-robust"  # by folder: classifiers are shared, a stop loses an epoch
RADII = (8 / 127.5, 0.1)
AUDITED, STEPS, TARGETS = 800, 50, 9  # validation images, at most; steps of APGD; classes


def main() -> None:
    candidates = json.loads(Path(sys.argv[1]).read_text())
    if len(sys.argv) > 3 and not sys.argv[3].isdigit():
        train(next(candidate for candidate in candidates if candidate["name"] == sys.argv[3]), Path(sys.argv[2]))
        return
    running: list[subprocess.Popen[bytes]] = []
    waiting = [candidate["name"] for candidate in candidates if candidate["name"] not in _known()]
    while waiting or running:
        running = [process for process in running if process.poll() is None]
        if waiting and len(running) < int(sys.argv[3] if len(sys.argv) > 3 else 1):
            command = [sys.executable, "-m", "benchmarks.robust_training", *sys.argv[1:3], waiting.pop(0)]
            running.append(subprocess.Popen(command, env=os.environ | {"OMP_NUM_THREADS": "1"}))
        time.sleep(1)


def _known() -> set[str]:
    return {row["name"] for row in json.loads(RECORD.read_text())["rows"]} if RECORD.exists() else set()


def train(candidate: dict[str, Any], folder: Path) -> None:
    name, shift = candidate["name"], candidate.get("seed", 0)
    digits, values = store.load(folder), params.load()
    machine = device.prepare(params.check(values["runtime"] | candidate.get("runtime", {}), Runtime))
    first = _settings(TrainCNN, values["train_cnn"], candidate.get("cnn", {}), shift)
    second = _settings(AdvTrain, values["adv_train"], candidate.get("adv_train", {}), shift)
    kept = WEIGHTS / folder.name
    kept.mkdir(parents=True, exist_ok=True)
    undefended = cnn.ConvNet(**first.model.model_dump(), classes=len(digits.classes))
    done: supervised.Trained[cnn.ConvNet] | adversarial.Defended | None = None
    began = time.process_time()
    if "adv_train" not in candidate or isinstance(second.model, FromClassifier):
        done = supervised.train(cnn.ConvNet, first, digits, machine, kept / _named(first), _tell(f"{name} cnn"))
        undefended = done.model
    if "adv_train" in candidate:
        done = adversarial.train(second, digits, undefended, machine, kept / f"{name}.pt", _tell(name))
    assert done is not None
    seconds = time.process_time() - began
    share, seed = (second.validation, second.seed) if "adv_train" in candidate else (first.validation, first.seed)
    _, validation = labelled.divide(labelled.labelled(digits.train, machine.device), share, seed)
    network = machine.place(cnn.folded(done.model))
    row = {"name": name, "seed": shift, "change": candidate, "data": digits.source, "epoch": done.result.epoch}
    row |= {"seconds": round(seconds), "train_attacked": done.history[-1].get("train_attacked_accuracy")}
    radii = candidate.get("radii", RADII)
    row["validation"] = accuracies(network, _some(validation, candidate.get("images", AUDITED)), radii)
    if candidate.get("test"):
        test = labelled.labelled(digits.test, machine.device)
        row["test"] = accuracies(network, _some(test, candidate.get("images", len(test.labels))), radii, pgd=True)
    row["date"] = str(datetime.date.today())
    with open(f"{RECORD}.lock", "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        record = json.loads(RECORD.read_text()) if RECORD.exists() else {"rows": []}
        record["rows"].append(row)
        files.write_bytes(RECORD, (json.dumps(record, indent=1) + "\n").encode())
    print(json.dumps(row), flush=True)


def accuracies(model: attacks.Model, data: Labelled, radii: Sequence[float], pgd: bool = False) -> dict[str, float]:
    """Percent of the images that are right, clean and attacked at each radius."""
    random = generator(data.labels.device, 0, "audit")
    right: dict[str, int] = {}

    def count(name: str, verdicts: torch.Tensor) -> None:
        right[name] = right.get(name, 0) + int(verdicts.sum())

    for images, y in zip(data.images.split(200), data.labels.split(200), strict=True):
        x = pixels.scaled(images)
        sign, logits = attacks.gradient_sign(model, x, y)
        stands = logits.argmax(1) == y
        count("clean", stands)
        for epsilon in radii:
            name = f"{epsilon:.3g}"
            count(f"fgsm {name}", _right(model, attacks.step(x, sign, epsilon), y))
            if pgd:
                hurt = x.clone()
                start = attacks.noise(x[stands], epsilon, random)
                hurt[stands] = attacks.pgd_until_wrong(model, x[stands], y[stands], start, epsilon, 20, 0.25 * epsilon)
                count(f"pgd {name}", _right(model, hurt, y))
            hurt = apgd.apgd(model, x, y, epsilon, STEPS, attacks.noise(x, epsilon, random))
            still = _right(model, hurt, y)
            count(f"apgd_ce {name}", still)
            hurt[still] = apgd.towards_each(model, x[still], y[still], epsilon, STEPS, TARGETS, random)
            still = _right(model, hurt, y)
            count(f"audit {name}", still)
    return {name: round(statistics.wilson(hits, len(data.labels)).value, 2) for name, hits in right.items()} | {
        "n": len(data.labels)
    }


@torch.no_grad()
def _right(model: attacks.Model, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    return model(x).argmax(1) == y


def _settings(kind: Any, section: dict[str, Any], change: dict[str, Any], shift: int) -> Any:
    settings = params.check(merged(section, change), kind)
    return settings.model_copy(update={"seed": settings.seed + shift})


def _some(data: Labelled, count: int) -> Labelled:
    index = torch.from_numpy(store.sample(len(data.labels), count, 0)).to(data.labels.device)
    return Labelled(*(part[index] for part in data))


def _named(settings: TrainCNN) -> str:
    """Of the checkpoint of a classifier that is trained so."""
    return f"cnn-{hashlib.sha256(settings.model_dump_json().encode()).hexdigest()[:12]}.pt"


def _tell(name: str) -> Any:
    def progress(done: int, of: int, seconds: float, values: dict[str, float]) -> None:
        shown = " ".join(f"{key} {value:.3g}" for key, value in values.items() if key != "epoch")
        print(f"{name} {done}/{of} {seconds:.1f} s {shown}", flush=True)

    return progress


if __name__ == "__main__":
    main()
