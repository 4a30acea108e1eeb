"""What a GPU gives to learning without labels: views per second by what is switched on, and accuracy by minutes.

    python -m benchmarks.gpu throughput [--small]
    python -m benchmarks.gpu curve --folder data/objects --minutes 8 [--dimensions 512] [--small]

`throughput` takes steps of the preset `best`'s VICReg (ResNet-18, two views) on random pixels, with each variant of
`VARIANTS`, and says views per second, the share of the card's bfloat16 rate that the products alone make (by torch's
count), peak memory, and whether twenty steps done twice end in the same bytes. `curve` trains on stored images for so
many minutes, with as many epochs as the first steps promise, and after every tenth of them says what the nearest
neighbors name (top-1 of 20-NN, by the study's own evaluation, on test images: report the last row, choose nothing by
it). Both add to `results/gpu_training.json`. --small takes a small network and few steps: to rehearse on a processor.
"""

import argparse
import datetime
import hashlib
import json
import time
from collections.abc import Callable, Mapping
from functools import reduce
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from benchmarks.measure import RESULTS
from visrep import files
from visrep.data import store
from visrep.machine import device
from visrep.machine.device import Machine
from visrep.machine.randomness import generator
from visrep.measures import probes, statistics
from visrep.representations import encoders, learning, positives
from visrep.representations.methods import vicreg
from visrep.settings.base import merged
from visrep.settings.runtime import Runtime
from visrep.stage import params
from visrep.training import optimizers, weights

RECORD = RESULTS / "gpu_training.json"
PEAK = 989e12  # multiplications and additions a second of an H100 or H200 in bfloat16, dense, by its data sheet
ADAMW = {"name": "adamw", "lr": 0.003, "weight_decay": 0.0001, "warmup_epochs": 0, "schedule": "one_cycle"}
ADAMW |= {"clip_norm": None}
VARIANTS: dict[str, dict[str, Any]] = {
    "float32, 256": {"batch": 256},
    "bf16, 256": {"batch": 256, "bf16": True},
    "bf16, 1024": {"batch": 1024, "bf16": True},
    "bf16, 4096": {"batch": 4096, "bf16": True},
    "bf16, 1024, contiguous": {"batch": 1024, "bf16": True, "channels_last": False},
    "bf16, 1024, AdamW": {"batch": 1024, "bf16": True, "optimizer": ADAMW},
    "bf16, 256, compiled": {"batch": 256, "bf16": True, "compiled": True},
    "bf16, 1024, compiled": {"batch": 1024, "bf16": True, "compiled": True},
    "bf16, 1024, compiled, CUDA graph": {"batch": 1024, "bf16": True, "compiled": "reduce-overhead"},
}
SMALL = {"encoder": {"widths": [8, 16], "blocks": [1, 1], "stem_stride": 2}, "projector": [32, 32], "monitored": 50}
STEPS, WARM = 20, 5
K, TEMPERATURE = 20, 0.1  # of the vote of neighbors: params.yaml's


def main() -> None:
    parser = argparse.ArgumentParser(description="Measure training on a GPU.")
    parser.add_argument("what", choices=("throughput", "curve"))
    parser.add_argument("--folder", type=Path, help="of stored images")
    parser.add_argument("--minutes", type=float, default=8.0)
    parser.add_argument("--dimensions", type=int, default=512)
    parser.add_argument("--batch", type=int, default=1024, help="of the curve")
    parser.add_argument("--lr", type=float, default=0.003, help="of the curve's AdamW")
    parser.add_argument("--small", action="store_true")
    words = parser.parse_args()
    if words.what == "throughput":
        for name, variant in VARIANTS.items():
            try:
                record(throughput(name, variant, words.small))
            except (RuntimeError, torch.OutOfMemoryError) as error:  # one variant that fails leaves the others
                record({"what": "throughput", "name": name, "error": " ".join(str(error).split())[:300]})
    else:
        record(curve(words))


def record(row: dict[str, Any]) -> None:
    rows = json.loads(RECORD.read_text())["rows"] if RECORD.exists() else []
    card = torch.cuda.get_device_name() if torch.cuda.is_available() else "processor"
    row = {**row, "card": card, "torch": torch.__version__, "date": datetime.date.today().isoformat()}
    files.write_json(RECORD, {"rows": [*rows, row]})
    print(json.dumps(row), flush=True)


def machine(bf16: bool, channels_last: bool = True) -> Machine:
    kind: Literal["cuda", "cpu"] = "cuda" if torch.cuda.is_available() else "cpu"
    return device.prepare(Runtime(device=kind, threads=4, bf16=bf16, channels_last=channels_last))


def settings(small: bool, change: dict[str, Any]) -> vicreg.Settings:
    values = params.preset(Path("presets/best.yaml"))
    section = reduce(merged, (values["pretraining"], values["vicreg"], change, SMALL if small else {}))
    checked: vicreg.Settings = params.check(section, vicreg.Settings)
    return checked


def throughput(name: str, variant: dict[str, Any], small: bool) -> dict[str, Any]:
    where = machine(variant.get("bf16", False), variant.get("channels_last", True))
    batch = 32 if small else variant["batch"]
    chosen = settings(small, {"optimizer": variant.get("optimizer", {}), "batch_size": batch})
    stored = torch.randint(0, 256, (4 * batch, 32, 32, 3), dtype=torch.uint8, generator=generator("cpu", 0))
    digests, seconds, products, peak = [], 0.0, 0, 0
    for _ in range(2):
        step, model = stepper(chosen, where, stored, variant.get("compiled", False), batch)
        for _ in range(WARM):
            step()
        if where.device.type == "cuda":
            torch.cuda.reset_peak_memory_stats()
        synchronise(where)
        began = time.perf_counter()
        for _ in range(STEPS):
            step()
        synchronise(where)
        seconds = (time.perf_counter() - began) / STEPS
        arrays = [parameter.detach().cpu().numpy() for parameter in model.parameters()]
        digests.append(hashlib.sha256(b"".join(array.tobytes() for array in arrays)).hexdigest())
        peak = torch.cuda.max_memory_allocated() if where.device.type == "cuda" else 0
    if not variant.get("compiled"):
        step, model = stepper(chosen, where, stored, False, batch)
        with FlopCounterMode(display=False) as counter:
            step()
        products = counter.get_total_flops()
    views = chosen.views * batch
    row = {"what": "throughput", "name": name, "milliseconds": 1000 * seconds, "views_per_second": views / seconds}
    row |= {"share_of_peak": products / seconds / PEAK or None, "peak_mib": peak / 2**20}
    return row | {"same_twice": digests[0] == digests[1], "batch": batch, "small": small, "n": STEPS}


def stepper(
    chosen: vicreg.Settings, where: Machine, stored: Tensor, compiled: bool | str, batch: int
) -> tuple[Callable[[], None], nn.Module]:
    """A training step as the loop takes it, on the next images each time, and the network that it moves."""
    parts = {"encoder": encoders.started(chosen.encoder, 0), "widths": chosen.projector, "places": 0}
    model = where.place(weights.fresh(encoders.Projected, parts, generator("cpu", 0))).train()
    recipe = learning.recipe(vicreg, chosen)
    labels = torch.full((len(stored),), -1, device=where.device)
    objective = positives.OfViews(positives.Images(stored.to(where.device), labels), chosen, recipe.loss)
    moves = optimizers.optimizer(model, chosen.optimizer)
    run: Any = model
    if compiled:
        run = torch.compile(model, mode=compiled if isinstance(compiled, str) else None)
    rng, place = generator(where.device, 1), 0

    def step() -> None:
        nonlocal place
        index = torch.arange(place, place + batch, device=where.device) % len(stored)
        place += batch
        moves.zero_grad(set_to_none=True)
        with torch.autocast(where.device.type, torch.bfloat16, enabled=where.bf16):
            objective(run, index, rng, 0.0)
        moves.step()

    return step, model


def synchronise(where: Machine) -> None:
    if where.device.type == "cuda":
        torch.cuda.synchronize()


def curve(words: argparse.Namespace) -> dict[str, Any]:
    """Accuracy of nearest neighbors by seconds of training."""
    images, where = store.load(words.folder), machine(bf16=True)
    change = {
        "optimizer": ADAMW | {"lr": words.lr},
        "batch_size": words.batch,
        "encoder": {"dimensions": words.dimensions},
    }
    chosen = settings(words.small, change)
    step, _ = stepper(chosen, where, torch.from_numpy(np.array(images.train.images)), False, chosen.batch_size)
    for _ in range(WARM):
        step()
    synchronise(where)
    began = time.perf_counter()
    for _ in range(STEPS):
        step()
    synchronise(where)
    an_epoch = (time.perf_counter() - began) / STEPS * len(images.train.labels) / chosen.batch_size
    epochs = max(2, round(60 * words.minutes / an_epoch))
    chosen = chosen.model_copy(update={"epochs": epochs})
    checkpoint = Path("/tmp/visrep-gpu.pt")
    checkpoint.unlink(missing_ok=True)
    rows: list[dict[str, float]] = []
    spent = 0.0  # on evaluations, which the clock leaves out

    def progress(done: int, of: int, seconds: float, now: Mapping[str, float]) -> None:
        nonlocal spent
        if done and (done == of or done % max(1, of // 10) == 0):
            before = time.perf_counter()
            state = torch.load(checkpoint, weights_only=True)["model"]
            encoder = encoders.untrained(chosen.encoder, 0)
            own = {key.removeprefix("encoder."): value for key, value in state.items() if key.startswith("encoder.")}
            encoder.load_state_dict(own)
            accuracy = neighbors(where.place(encoder.eval()), images, where)
            rows.append({"epoch": done, "seconds": before - start - spent, "knn": accuracy})
            spent += time.perf_counter() - before
            print(json.dumps(rows[-1]), flush=True)

    start = time.perf_counter()
    learning.on_views(learning.recipe(vicreg, chosen), images, where, checkpoint, progress)
    row = {"what": "curve", "dimensions": words.dimensions, "batch": words.batch, "lr": words.lr, "epochs": epochs}
    return row | {"data": images.source, "n": len(images.test.labels), "rows": rows, "small": words.small}


def neighbors(encoder: nn.Module, images: store.ImageSet, where: Machine) -> float:
    """Percent of the test images of which the 20 nearest training images name the class, as the stage `probe` does."""
    train, test = (
        encoders.embedded(encoder, encoders.whole(part.images, where.device)) for part in (images.train, images.test)
    )
    votes = probes.knn(train, images.train.labels, test, K, TEMPERATURE, len(images.classes))
    return statistics.accuracy(votes, images.test.labels).value


if __name__ == "__main__":
    main()
