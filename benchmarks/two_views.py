"""Learning from two views of each image, from stored images to moved weights: ours beside lightly's.

Ours draws the views of a whole batch at once, passes both through the network together and computes the loss on a
tensor of views. lightly's way, as its examples have it: a transform of one PIL image at a time in a `DataLoader` of two
workers, a pass for each view, a loss of two tensors; beside it the same in our layout of memory, channels last. All
train the shipped encoder and projector with AdamW on two cores, each with as many threads as suit it best, and change
images in the same ways, equally often and strongly. V views, N images, P dimensions of the projection.
"""

import importlib
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from lightly.transforms.multi_view_transform import MultiViewTransform
from PIL import Image
from torch import Tensor, distributed
from torch.utils.data import DataLoader, Dataset

from benchmarks import measure
from visrep.data.embedded import objects
from visrep.machine.randomness import generator
from visrep.representations import encoders, positives, views
from visrep.representations.methods import vicreg
from visrep.settings.representations import Method, Views
from visrep.stage import params
from visrep.training import weights
from visrep.training.distributed import average_gradients, synchronize

PRESET = Path(__file__).parents[1] / "presets" / "quick.yaml"
CORES = 2
COUNT, ROUNDS = 2560, 5  # images of an epoch, which is a round
TOLERANCE = 1e-5
OURS, PEERS = "ours", {"lightly": torch.contiguous_format, "lightly_channels_last": torch.channels_last}
PACKAGES = ("lightly", "torchvision", "pillow")


class Task(NamedTuple):
    """``ours`` judges projections (V, N, P), ``peer`` those of each view (N, P); ``augment`` says what ``transform``
    does."""

    name: str
    ours: positives.Loss
    peer: Callable[[Tensor, Tensor], Tensor]
    augment: Views
    transform: MultiViewTransform


def compare(task: Task) -> None:
    settings = params.read("vicreg", vicreg.Settings, PRESET)
    images = objects.generate(0, COUNT, 1).train.images
    difference = _difference(task, settings, torch.from_numpy(images[: settings.batch_size]))
    epochs = {name: by_lightly(task, settings, images, memory) for name, memory in PEERS.items()}
    threads = {name: measure.fastest((1, CORES), partial(_on, epoch)) for name, epoch in epochs.items()}
    work = {name: partial(_on, epoch, threads[name]) for name, epoch in epochs.items()}
    work[OURS], processes, threads[OURS] = _fastest(task, settings, torch.from_numpy(images))
    rates = measure.interleaved(work, ROUNDS, warm=False)
    peer = measure.quickest(rates, PEERS)
    found = {
        "ratio": measure.ratio(rates, OURS, peer),
        "fastest_peer": peer,
        "images_per_second": {name: measure.summary(values) for name, values in rates.items()},
        "difference": difference,
        "settings": {"images_of_a_round": COUNT, "batch_size": settings.batch_size, "workers_of_the_loader": CORES}
        | {
            "threads_tried": (1, CORES),
            "threads": threads,
            "processes_of_ours": processes,
            "augment": task.augment.model_dump(),
        }
        | {"encoder": settings.encoder.model_dump(), "projector": settings.projector},
    }
    measure.write(task.name, found, PACKAGES)


def _fastest(task: Task, settings: Method, images: Tensor) -> tuple[Callable[[], int], int, int]:
    """Ours in one process or shared by two, whichever takes less, with its number of processes and threads of each."""

    def seconds(work: Callable[[], int]) -> float:
        began = time.perf_counter()
        work()
        return time.perf_counter() - began

    epoch = ours(task, settings, images)
    threads = measure.fastest((1, CORES), partial(_on, epoch))
    alone = partial(_on, epoch, threads)
    before = seconds(alone)  # not while the other is up: it would wait for it
    shared = Shared(task, settings, images)
    together = partial(_on, shared, 1)
    together()
    if seconds(together) < before:
        return together, 2, 1
    shared.close()
    return alone, 1, threads


def ours(task: Task, settings: Method, images: Tensor) -> Callable[[], int]:
    """An epoch, from which it returns how many images it saw."""
    model, optimizer = _fresh(settings, torch.channels_last)
    synchronize(model)
    stored = positives.Images(images, torch.full((len(images),), -1))
    objective = positives.OfViews(stored, settings.model_copy(update={"augment": task.augment, "views": 2}), task.ours)
    rng = generator("cpu", "views")

    def epoch() -> int:
        batches = _whole(torch.randperm(len(images), generator=rng), settings.batch_size)
        for batch in batches:
            optimizer.zero_grad()
            objective(model, batch, rng, 0.0)
            average_gradients(model)
            optimizer.step()
        return len(batches) * settings.batch_size

    return epoch


class Shared:
    """The same by two processes of one thread, each with its part of every batch, as `processes: 2` has it. This one is
    the first; the second lives beside it and takes an epoch when this one does."""

    def __init__(self, task: Task, settings: Method, images: Tensor) -> None:
        place, context = f"file://{tempfile.mkdtemp()}/meeting", torch.multiprocessing.get_context("spawn")
        self.second = context.Process(target=_second, args=(place, task.name, settings, images), daemon=True)
        self.second.start()
        distributed.init_process_group("gloo", init_method=place, rank=0, world_size=2)
        self.epoch = ours(task, settings, images)

    def __call__(self) -> int:
        distributed.broadcast(torch.ones(1), 0)
        return self.epoch()

    def close(self) -> None:
        distributed.broadcast(torch.zeros(1), 0)
        distributed.destroy_process_group()
        self.second.join()


def _second(place: str, task: str, settings: Method, images: Tensor) -> None:
    torch.set_num_threads(1)
    distributed.init_process_group("gloo", init_method=place, rank=1, world_size=2)
    epoch = ours(importlib.import_module(f"benchmarks.{task}").task(), settings, images)
    again = torch.zeros(1)
    while True:
        distributed.broadcast(again, 0)
        if not again:
            break
        epoch()
    distributed.destroy_process_group()


def by_lightly(task: Task, settings: Method, images: np.ndarray, memory: torch.memory_format) -> Callable[[], int]:
    """Its workers live on from epoch to epoch and rest in between."""
    model, optimizer = _fresh(settings, memory)
    stored = Stored(images, task.transform)
    more = {"num_workers": CORES, "persistent_workers": True, "drop_last": True, "shuffle": True}
    loader: DataLoader[list[Tensor]] = DataLoader(stored, settings.batch_size, **more)

    def epoch() -> int:
        for first, second in loader:
            optimizer.zero_grad()
            first, second = (view.contiguous(memory_format=memory) for view in (first, second))
            task.peer(model(first), model(second)).backward()
            optimizer.step()
        return len(loader) * settings.batch_size

    return epoch


class Stored(Dataset[list[Tensor]]):
    """The views of one image."""

    def __init__(self, images: np.ndarray, transform: MultiViewTransform) -> None:
        self.images, self.transform = images, transform

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> list[Tensor]:
        found: list[Tensor] = self.transform(Image.fromarray(self.images[index]))
        return found


def _fresh(settings: Method, memory: torch.memory_format) -> tuple[encoders.Projected, torch.optim.Optimizer]:
    encoder = encoders.untrained(settings.encoder, settings.seed)
    parts = {"encoder": encoder, "widths": settings.projector, "places": 0}
    model = weights.fresh(encoders.Projected, parts, generator("cpu", "projector")).to(memory_format=memory).train()
    return model, torch.optim.AdamW(model.parameters(), settings.optimizer.lr)


def _whole(order: Tensor, size: int) -> list[Tensor]:
    return [batch for batch in order.split(size) if len(batch) == size]


def _on(epoch: Callable[[], int], threads: int, _: int = 0) -> int:
    with measure.on(threads):
        return epoch()


def _difference(task: Task, settings: Method, images: Tensor) -> dict[str, float]:
    """Of the losses of the same projections, and of their gradients by length, relative. Raises `ArithmeticError` where
    one is above `TOLERANCE`."""
    model, _ = _fresh(settings, torch.contiguous_format)
    seen = views.random_views(images, task.augment, 2, generator("cpu", "views"))
    z = model(seen.flatten(0, 1)).unflatten(0, seen.shape[:2]).detach().requires_grad_()  # (V, N, P)
    batch = positives.Batch(torch.full((len(images),), -1), generator("cpu", "loss"), None)
    losses = [task.ours(z, batch)["loss"], task.peer(z[0], z[1])]
    gradients = [torch.autograd.grad(loss, z)[0] for loss in losses]
    apart = float((gradients[0] - gradients[1]).norm() / gradients[1].norm())
    return {
        "loss": measure.agree(losses[0].item(), losses[1].item(), TOLERANCE),
        "gradient": measure.agree(1 + apart, 1, TOLERANCE),
    }
