"""Learning without labels: how a run is watched, and what it leaves behind.

N images, D dimensions, V views, S steps.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from torch import Tensor, nn

from visrep import artifacts, collapse, encoders, run, training, vicreg, views, weights
from visrep.data import store
from visrep.data.store import ImageSet
from visrep.device import Machine
from visrep.randomness import generator
from visrep.settings.vicreg import VICReg

TERMS = ("loss", *vicreg.Terms._fields)
ROWS = 500  # of the curves over batches, at most


class Learned(NamedTuple):
    """``spread`` (D,): the standard deviation of each dimension over the watched images."""

    encoder: encoders.ResNet
    fitted: training.Fitted
    spread: np.ndarray


def learn(
    job: run.Job, machine: Machine, settings: VICReg, objective: training.Objective, cifar10: ImageSet
) -> Learned:
    """Train a fresh encoder with ``objective``, whose batches index the training images."""
    encoder = encoders.untrained(settings.encoder.model_dump(), settings.seed)
    parts = {"encoder": encoder, "widths": settings.projector}
    model = machine.place(weights.fresh(encoders.Projected, parts, generator("cpu", settings.seed, "projector")))
    watched = store.sample(len(cifar10.test.labels), settings.watched, settings.seed)
    watch = Watch(encoders.whole(cifar10.test.images[watched], machine.device), settings)
    fitted = training.fit(
        model,
        objective,
        training.shuffled(len(cifar10.train.labels), machine.device),
        settings,
        ("vicreg", settings.seed),
        validate=watch,
        checkpoint=job.scratch / "checkpoint.pt",
        tell=job.epoch,
        bf16=machine.bf16,
    )
    return Learned(model.encoder, fitted, collapse.spread(encoders.embedded(model.encoder, watch.images)))


@dataclass(frozen=True)
class Watch:
    """The loss on random views of test images, the same views each time, and the rank and spread of their embeddings,
    which show a collapse while it happens."""

    images: Tensor
    settings: VICReg

    def __call__(self, model: encoders.Projected) -> dict[str, float]:
        settings = self.settings
        draw = generator(self.images.device, settings.seed, "watched views")
        batches = [batch for batch in self.images.split(settings.batch_size) if len(batch) > 1]
        rows = [self._terms(model, views.draw(batch, settings.augment, settings.views, draw)) for batch in batches]
        found = encoders.embedded(model.encoder, self.images)
        means = {f"test_{name}": float(np.mean([row[name] for row in rows])) for name in rows[0]}
        return means | {
            "effective_rank": collapse.effective_rank(found),
            "std": float(collapse.spread(found).mean()),
        }

    def _terms(self, model: nn.Module, seen: Tensor) -> dict[str, float]:
        found = vicreg.terms(vicreg.projections(model, seen))
        loss = vicreg.total(found, self.settings.weights)
        return {"loss": float(loss)} | {name: float(term) for name, term in found._asdict().items()}


def write(job: run.Job, learned: Learned, name: str, cifar10: ImageSet) -> None:
    """The encoder, what its last epoch found on test images as ``metrics/<name>.json``, curves over epochs and batches
    below ``plots/<name>``."""
    history = pd.DataFrame(learned.fitted.history)
    last = learned.fitted.history[learned.fitted.epoch - 1]
    weights.save(job.out(f"models/{name.split('/')[-1]}.safetensors"), learned.encoder)
    artifacts.write_metrics(
        job.out(f"metrics/{name}.json"),
        {term: last[f"test_{term}"] for term in vicreg.Terms._fields} | {"effective_rank": last["effective_rank"]},
    )
    artifacts.write_table(job.out(f"plots/{name}/history.json"), history)
    artifacts.write_table(job.out(f"plots/{name}/steps.json"), steps(learned.fitted.steps))
    artifacts.write_json(
        job.out(f"plots/{name}/details.json"),
        {"n": len(cifar10.train.labels), "source": cifar10.source, "epochs": len(history)}
        | {"parameters": sum(p.numel() for p in learned.encoder.parameters())}
        | {"dimensions": [{"dimension": d, "std": s} for d, s in enumerate(np.sort(learned.spread)[::-1])]},
    )


def steps(seen: Mapping[str, Tensor]) -> pd.DataFrame:
    """Scalars of every step (S,) as rows (step, term, value), means over as few steps as leave `ROWS` or fewer."""
    count = len(seen["loss"])
    width = -(-count // ROWS)
    rows = [
        {"step": min(start + width, count), "term": term, "value": float(seen[term][start : start + width].mean())}
        for start in range(0, count, width)
        for term in TERMS
    ]
    return pd.DataFrame(rows)
