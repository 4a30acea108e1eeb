"""Learning without labels: how a run is watched, and what it leaves behind.

N images, D dimensions, S steps.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from torch import Tensor

from visrep.data import store
from visrep.data.store import ImageSet
from visrep.learning import positives, training, views
from visrep.machine import device
from visrep.machine.device import Machine
from visrep.machine.randomness import generator
from visrep.models import encoders, weights
from visrep.readers import collapse
from visrep.settings.runtime import Runtime
from visrep.settings.unlabelled import Unlabelled
from visrep.stage import artifacts, run
from visrep.stage.errors import Failure

ROWS = 500  # of the curves over batches, at most
LIMITS = ("_chance", "_floor")  # end the names of what hardly changes from epoch to epoch: in tables, not in the log
PERCENT = "positive_top1"  # begins the names of what is no loss, and not drawn beside losses batch by batch


class Learned(NamedTuple):
    """``watched``: how many test images were; ``axes``: of their embeddings the standard deviation of each dimension
    and the share of variance along each principal axis, both largest first."""

    encoder: encoders.Network
    fitted: training.Fitted
    watched: int
    axes: list[dict[str, Any]]


def of_views(job: run.Job, settings: Unlabelled, loss: positives.Loss, name: str, measures: Sequence[str]) -> None:
    """A whole stage: train on random views of the training images and write what there is to tell, as ``name``."""
    machine = device.prepare(job.read("runtime", Runtime))
    cifar10 = store.load(job.input("data/cifar10"))
    images = encoders.whole(cifar10.train.images, machine.device)
    objective = positives.OfViews(images, settings.augment, settings.views, loss)
    write(job, learn(job, machine, settings, objective, cifar10), name, cifar10, measures)


def learn(
    job: run.Job,
    machine: Machine,
    settings: Unlabelled,
    objective: positives.OfViews | positives.OfNeighbors,
    cifar10: ImageSet,
) -> Learned:
    """Train a fresh encoder with ``objective``, whose batches index the training images. Raises `Failure` where there
    are fewer than two test images to watch."""
    encoder = encoders.started(settings.encoder, settings.seed)
    parts = {"encoder": encoder, "widths": settings.projector}
    model = machine.place(weights.fresh(encoders.Projected, parts, generator("cpu", settings.seed, "projector")))
    watched = store.sample(len(cifar10.test.labels), settings.watched, settings.seed)
    if len(watched) < 2:
        raise Failure("there are fewer than two test images to watch")
    watch = Watch(encoders.whole(cifar10.test.images[watched], machine.device), settings, objective.loss)
    fitted = training.fit(
        model,
        objective,
        training.shuffled(len(cifar10.train.labels), machine.device),
        settings,
        ("unlabelled", settings.seed),
        validate=watch,
        checkpoint=job.scratch / "checkpoint.pt",
        tell=partial(_tell, job.progress),
        bf16=machine.bf16,
    )
    return Learned(model.encoder, fitted, len(watched), axes(encoders.embedded(model.encoder, watch.images)))


def _tell(tell: run.Tell, done: int, of: int, seconds: float, values: Mapping[str, float]) -> None:
    tell(done, of, seconds, {name: value for name, value in values.items() if not name.endswith(LIMITS)})


@dataclass(frozen=True)
class Watch:
    """The loss on random views of test images, the same views each time, and the rank and spread of their embeddings,
    which show a collapse while it happens."""

    images: Tensor
    settings: Unlabelled
    loss: positives.Loss

    def __call__(self, model: encoders.Projected) -> dict[str, float]:
        settings = self.settings
        draw = generator(self.images.device, settings.seed, "watched views")
        count = len(self.images)  # cut into about the size that is trained with, on which losses depend; never one
        batches = self.images.tensor_split(max(1, min(round(count / settings.batch_size), count // 2)))
        rows = [
            positives.judged(model, views.draw(batch, settings.augment, settings.views, draw), self.loss)
            for batch in batches
        ]
        found, sizes = encoders.embedded(model.encoder, self.images), [len(batch) for batch in batches]
        means = {
            f"test_{name}": float(np.average([float(row[name]) for row in rows], weights=sizes)) for name in rows[0]
        }
        return means | {
            "effective_rank": collapse.effective_rank(collapse.spectrum(found)),
            "std": float(collapse.spread(found).mean()),
        }


def axes(found: np.ndarray) -> list[dict[str, Any]]:
    """Rows (axis, std, share) of embeddings (N, D), one for each dimension; with fewer images than dimensions the last
    shares are 0."""
    deviations, shares = np.sort(collapse.spread(found))[::-1], np.zeros(found.shape[1])
    held = collapse.spectrum(found)
    shares[: len(held)] = held
    pairs = zip(deviations, shares, strict=True)
    return [{"axis": k, "std": float(std), "share": float(share)} for k, (std, share) in enumerate(pairs, 1)]


def write(job: run.Job, learned: Learned, name: str, cifar10: ImageSet, measures: Sequence[str]) -> None:
    """The encoder, ``measures`` of its last epoch on test images as ``metrics/<name>.json``, curves over epochs and
    batches below ``plots/<name>``."""
    history = pd.DataFrame(learned.fitted.history)
    last = learned.fitted.history[learned.fitted.epoch - 1]
    weights.save(job.out(f"models/{name.split('/')[-1]}.safetensors"), learned.encoder)
    artifacts.write_metrics(
        job.out(f"metrics/{name}.json"),
        {measure: last[f"test_{measure}"] for measure in measures} | {"effective_rank": last["effective_rank"]},
    )
    artifacts.write_table(job.out(f"plots/{name}/history.json"), history)
    artifacts.write_table(job.out(f"plots/{name}/steps.json"), steps(learned.fitted.steps))
    artifacts.write_json(
        job.out(f"plots/{name}/details.json"),
        {"n": len(cifar10.train.labels), "watched": learned.watched, "source": cifar10.source, "epochs": len(history)}
        | {"parameters": sum(p.numel() for p in learned.encoder.parameters()), "axes": learned.axes},
    )


def steps(seen: Mapping[str, Tensor]) -> pd.DataFrame:
    """Losses of every step (S,) as rows (step, term, value), means over as few steps as leave `ROWS` or fewer."""
    count = len(seen["loss"])
    width = -(-count // ROWS)
    rows = [
        {"step": min(start + width, count), "term": term, "value": float(values[start : start + width].mean())}
        for start in range(0, count, width)
        for term, values in seen.items()
        if not term.startswith(PERCENT)
    ]
    return pd.DataFrame(rows)
