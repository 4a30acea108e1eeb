"""Several processes train what one does, batch statistics included, to rounding; and twice the same bytes."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

import tiny
from oracles import ROOT
from visrep.data.embedded import objects
from visrep.data.store import ImageSet, Split
from visrep.errors import Failure
from visrep.machine.device import Machine
from visrep.representations import encoders, learning
from visrep.representations.methods import simclr, vicreg
from visrep.settings.base import merged
from visrep.settings.representations import Method
from visrep.settings.runtime import Runtime
from visrep.stage import params
from visrep.training import distributed, loop

METHODS = {"vicreg": vicreg, "simclr": simclr}
CPU = Runtime(device="cpu", threads=1, bf16=False, channels_last=True)
COUNT = 77  # images: with batches of 20 the last holds 17, whose halves differ
PLAIN = {"name": "sgd", "lr": 0.00002, "momentum": 0.9, "weight_decay": 0.0001}
CHANGE: dict[str, Any] = {
    **tiny.PRETRAINING,
    "projector": [16, 16],
    "local": tiny.LOCAL,
    "augment": tiny.VIEWS,
    "optimizer": PLAIN | {"schedule": "constant", "clip_norm": None, "warmup_epochs": 0.0},
    "epochs": 5,  # of four steps
    "batch_size": 20,
    "ema": 0.9,
}


def drawn() -> ImageSet:
    return objects.generate(0, COUNT, 40)


def quiet(done: int, of: int, seconds: float, values: Mapping[str, float]) -> None:
    pass


def settings(module: Any, **change: Any) -> Method:
    values = params.load(ROOT / "params.yaml")
    section = merged(values["pretraining"], values[module.__name__.rpartition(".")[2]])
    checked: Method = params.check(merged(section, CHANGE | change), module.Settings)
    return checked


def views(name: str, machine: Machine, checkpoint: Path) -> learning.Learned:
    module, change = METHODS[name], {"queue": 50} if name == "simclr" else {}
    recipe = learning.recipe(module, settings(module, **change))
    return learning.on_views(recipe, drawn(), machine, checkpoint, quiet)


def neighbors(machine: Machine, checkpoint: Path) -> learning.Learned:
    chosen = settings(vicreg)
    nearest = np.random.default_rng(1).integers(0, COUNT, (COUNT, 3))
    recipe = learning.recipe(vicreg, chosen)
    return learning.on_neighbors(recipe, drawn(), nearest, chosen.augment, machine, checkpoint, quiet)


WORKS: dict[str, Any] = {
    "vicreg": partial(views, "vicreg"),
    "simclr": partial(views, "simclr"),
    "neighbors": neighbors,
}


def everything(machine: Machine, folder: Path) -> dict[str, Any]:
    """All that the tests below compare, by so many processes as there are: starting them takes seconds."""
    done: dict[str, Any] = {name: work(machine, folder / f"{name}.pt") for name, work in WORKS.items()}
    done["again"] = views("vicreg", machine, folder / "again.pt")
    with stopping():
        views("vicreg", machine, folder / "stopped.pt")
    done["resumed"] = views("vicreg", machine, folder / "stopped.pt")
    return done | {"batch norm": normalised(), "own": own(17)}


@contextmanager
def stopping() -> Iterator[None]:
    """A training ends as if it were killed after its third epoch."""
    close = loop._Run.close

    def closing(run: Any, row: Any) -> None:
        if run.epoch == 3:
            raise InterruptedError
        close(run, row)

    loop._Run.close = closing  # type: ignore[method-assign]
    try:
        yield
    except InterruptedError:
        pass
    finally:
        loop._Run.close = close  # type: ignore[method-assign]


def own(images: int) -> list[list[int]]:
    """Which images each process has."""
    rows = distributed.own(images)
    parts: list[Any] = [None] * distributed.count()
    if rows is not None:
        torch.distributed.all_gather_object(parts, rows.tolist())
    return parts


def normalised() -> list[Tensor]:
    """Output, gradient and running statistics of batch norm on five images whose mean is far from 0."""
    x = 3 * torch.randn(5, 4, 3, 3, generator=torch.Generator().manual_seed(0)) + 100
    slope = torch.randn(x.shape, generator=torch.Generator().manual_seed(1))
    model, rows = nn.Sequential(nn.BatchNorm2d(4)), distributed.own(5)
    rows = torch.arange(5) if rows is None else rows
    distributed.synchronize(model)
    given = x[rows].requires_grad_()
    y = model(given)
    (y * slope[rows]).sum().backward()
    assert given.grad is not None
    whole = torch.zeros(2, *x.shape)
    whole[:, rows] = torch.stack([y.detach(), given.grad])
    whole = distributed.summed(whole) if distributed.count() > 1 else whole
    return [whole, model[0].running_mean, model[0].running_var]


@pytest.fixture(scope="module")
def alone(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return distributed.run(1, CPU, partial(everything, folder=tmp_path_factory.mktemp("alone")))


@pytest.fixture(scope="module")
def together(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return distributed.run(2, CPU, partial(everything, folder=tmp_path_factory.mktemp("together")))


def weights(learned: learning.Learned) -> dict[str, Tensor]:
    return {name: value.double() for name, value in learned.encoder.state_dict().items()}


@pytest.mark.parametrize("work", sorted(WORKS))
def test_two_processes_train_what_one_does(work: str, alone: dict[str, Any], together: dict[str, Any]) -> None:
    ours, theirs = weights(together[work]), weights(alone[work])
    assert ours.keys() == theirs.keys() and any("running_var" in name for name in ours)
    apart = {name: float(((ours[name] - theirs[name]) / theirs[name].abs().clamp(min=1)).abs().max()) for name in ours}
    assert {name: gap for name, gap in apart.items() if gap >= 1e-5} == {}
    started = encoders.started(settings(vicreg).encoder, 0).state_dict()
    assert any(float((theirs[name] - started[name]).abs().max()) > 5e-4 for name in started)  # it moved
    for row, other in zip(together[work].history, alone[work].history, strict=True):
        assert row["train_loss"] == pytest.approx(other["train_loss"], rel=1e-4)
        assert row["test_loss"] == pytest.approx(other["test_loss"], rel=1e-4)


@pytest.mark.parametrize("other", ["again", "resumed"])
def test_twice_is_the_same_to_the_byte_also_after_a_stop(other: str, together: dict[str, Any]) -> None:
    first, second = together["vicreg"], together[other]
    assert first.history == second.history and first.steps == second.steps
    ours, theirs = weights(first), weights(second)
    assert [name for name in ours if not torch.equal(ours[name], theirs[name])] == []


def test_each_process_has_a_part(alone: dict[str, Any], together: dict[str, Any]) -> None:
    assert together["own"] == [list(range(9)), list(range(9, 17))] and alone["own"] == [None]


def test_batch_norm_over_processes_is_torchs_over_all_images(alone: dict[str, Any], together: dict[str, Any]) -> None:
    for ours, theirs in zip(together["batch norm"], alone["batch norm"], strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-5)


def test_a_failure_is_the_one_line_that_one_process_would_say(tmp_path: Path) -> None:
    with pytest.raises(Failure, match=r"^there is no batch of at least 2 images to train on$") as failure:
        distributed.run(2, CPU, partial(one_image, checkpoint=tmp_path / "c.pt"))
    assert failure.value.status == 1


def one_image(machine: Machine, checkpoint: Path) -> learning.Learned:
    images = drawn()
    one = images._replace(train=Split(*(part[:1] for part in images.train)))
    return learning.on_views(learning.recipe(vicreg, settings(vicreg)), one, machine, checkpoint, quiet)


def test_an_error_names_the_process_that_ended() -> None:
    with pytest.raises(Failure, match=r"^process 1 of 2 ended: .*no such thing"):
        distributed.run(2, CPU, broken)


def broken(machine: Machine) -> None:
    if not distributed.first():
        raise ValueError("no such thing")
    torch.distributed.barrier()


@pytest.mark.skipif(torch.cuda.device_count() > 1, reason="there are enough cards")
def test_more_processes_than_cards_are_refused() -> None:
    with pytest.raises(Failure, match=r"^params.yaml: processes is 2, but there are \d CUDA devices"):
        distributed.run(2, CPU.model_copy(update={"device": "cuda"}), broken)
