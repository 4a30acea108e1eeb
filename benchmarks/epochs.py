"""Which epoch to keep without labels: what a linear probe reads after every epoch, beside the criteria of that epoch.

    python -m benchmarks.epochs candidates.json [--folder data/objects] [--preset presets/best.yaml]

Candidates are those of `benchmarks.trainings`. Criteria are those of the training's history, on images that are held
out; the probe is taught on the images that were trained on and read on all that are held out. For each criterion
`results/epochs.json` holds the rank correlation over the epochs of a run, and the accuracy of the epoch that it picks;
beside these, that of the last epoch and of the best.
"""

import argparse
import datetime
import json
from collections.abc import Mapping
from functools import reduce
from pathlib import Path
from typing import Any

import numpy as np
import torch
from threadpoolctl import threadpool_limits

from benchmarks import trainings
from benchmarks.measure import RESULTS
from visrep import files, registry
from visrep.evaluations import probe
from visrep.machine import device
from visrep.measures import ranking
from visrep.measures.choosing import CRITERIA
from visrep.representations import encoders, learning
from visrep.settings.base import merged
from visrep.settings.runtime import Runtime
from visrep.stage import params

RECORD = RESULTS / "epochs.json"


def main() -> None:
    parser = argparse.ArgumentParser(description="Evaluate every epoch of candidates.")
    parser.add_argument("candidates", type=Path)
    parser.add_argument("--folder", type=Path, help="of stored images; without, the objects that the study draws")
    parser.add_argument("--preset", type=Path, default=Path("presets/quick.yaml"), help="what candidates change")
    words = parser.parse_args()
    threadpool_limits(1)
    for candidate in json.loads(words.candidates.read_text()):
        rows = json.loads(RECORD.read_text())["rows"] if RECORD.exists() else []
        if candidate["name"] not in [row["name"] for row in rows]:
            files.write_json(RECORD, {"rows": [*rows, evaluated(candidate, words.folder, words.preset)]})
    print(json.dumps(summary(json.loads(RECORD.read_text())["rows"]), indent=1))


def evaluated(candidate: dict[str, Any], folder: Path | None, preset: Path) -> dict[str, Any]:
    """Train a candidate, and evaluate its encoder after every epoch."""
    values = params.preset(preset)
    method = registry.one("visrep.representations.methods", candidate["method"])
    section = reduce(merged, (values["pretraining"], values[candidate["method"]], candidate["change"]))
    settings = params.check(section, method.Settings, key=candidate["name"])
    machine = device.prepare(params.check(values["runtime"] | candidate.get("runtime", {}), Runtime))
    images = trainings.parted(trainings.loaded(folder))
    trainings.KEPT.mkdir(exist_ok=True)
    checkpoint = trainings.KEPT / f"{candidate['name']} by epoch.pt"
    checkpoint.unlink(missing_ok=True)
    weights: list[dict[str, torch.Tensor]] = []

    def progress(done: int, of: int, seconds: float, now: Mapping[str, float]) -> None:
        if done:
            state = torch.load(checkpoint, weights_only=True)["model"]
            kept = {name: value for name, value in state.items() if name.startswith("encoder.")}
            weights.append({name.removeprefix("encoder."): value.clone() for name, value in kept.items()})
            print(f"{candidate['name']} {done}/{of} {seconds:.0f} s", flush=True)

    learned = learning.on_views(learning.recipe(method, settings), images, machine, checkpoint, progress)
    accuracies = []
    for state in weights:
        learned.encoder.load_state_dict(state)
        train, test = (
            encoders.embedded(learned.encoder, encoders.whole(part.images, machine.device))
            for part in (images.train, images.test)
        )
        metrics = probe.evaluate(train, test, images, params.check(values["probe"], probe.Settings)).metrics
        accuracies.append({"linear": metrics.linear_accuracy.value, "knn": metrics.knn_accuracy.value})
    return {
        "name": candidate["name"],
        "data": images.source,
        "n": len(images.test.labels),
        "monitored": learned.result.monitored,
        "linear": [accuracy["linear"] for accuracy in accuracies],
        "knn": [accuracy["knn"] for accuracy in accuracies],
        "criteria": {name: [row[name] for row in learned.history] for name in learning.CRITERIA},
        "date": datetime.date.today().isoformat(),
    }


def summary(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Over runs: mean rank correlation of each criterion with the probe by epoch, and the mean accuracy of the epoch
    it picks, less that of the best."""
    found: dict[str, Any] = {"runs": len(rows)}
    best = np.array([max(row["linear"]) for row in rows])
    found["last"] = {"short_of_best": float(np.mean(best - [row["linear"][-1] for row in rows]))}
    for key, rule in CRITERIA.items():
        correlations, picked = [], []
        for row in rows:
            score, truth = rule.score(np.array(row["criteria"][key])), np.array(row["linear"])
            correlations.append(ranking.correlation(score, truth, np.zeros(len(truth))))
            picked.append(truth[score.argmax()])
        short = best - picked
        found[key] = {"correlation": float(np.mean(correlations)), "short_of_best": float(np.mean(short))}
        found[key] |= {"lowest_correlation": min(correlations), "most_short": float(short.max())}
    return found


if __name__ == "__main__":
    main()
