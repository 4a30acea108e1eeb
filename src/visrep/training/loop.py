"""The one training loop.

An objective owns its data and its loss; the loop owns epochs, batches, optimizer, schedule, averaging, the selection of
the epoch, and progress. Every epoch has random generators named by the seed and its number, so that a resumed run ends
in the same bytes as one that was never stopped.
"""

import time
from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path
from typing import Any, NamedTuple, TypeVar, cast

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from visrep import files
from visrep.errors import Failure
from visrep.machine.randomness import generator, seed
from visrep.settings.training import Plan, Selected
from visrep.training import distributed, optimizers

# Accumulates the gradients of its loss and returns detached scalars, "loss" among them. Arguments: the model in
# training mode, the batch as indices (B,), a generator on the device, and time in epochs since the start.
Objective = Callable[[nn.Module, Tensor, torch.Generator, float], dict[str, Tensor]]
M = TypeVar("M", bound=nn.Module)
# Reports progress: epochs or batches done, of how many, seconds for each, and scalars to show.
Progress = Callable[[int, int, float, Mapping[str, float]], None]
Sampler = Callable[[torch.Generator], Tensor]  # the order of one epoch, as indices
Row = dict[str, float]


class Fitted(NamedTuple):
    """``history`` holds one row per epoch, ``steps`` every scalar of every step (S,); ``epoch`` is the one whose
    weights were kept."""

    history: list[Row]
    steps: dict[str, Tensor]
    epoch: int


def fit(
    model: M,
    objective: Objective,
    sampler: Sampler,
    plan: Plan,
    key: tuple[object, ...],
    *,
    validate: Callable[[M], Row],
    checkpoint: Path,
    progress: Progress,
    bf16: bool = False,
) -> Fitted:
    """Train ``model`` in place and leave the selected epoch's weights in it, in evaluation mode.

    ``key`` names the randomness. ``validate`` sees the weights that would be kept (the average, where there is one).
    Progress lies in ``checkpoint`` after every epoch. Raises `Failure` on a loss that is not finite, naming epoch and
    step, on such weights at the end of an epoch, and where there are fewer than two images.
    """
    distributed.synchronize(model)
    run = _Run(model, plan)
    run.resume(checkpoint)
    started, before = time.monotonic(), run.epoch
    progress = progress if distributed.first() else _nothing
    progress(before, plan.epochs, 0.0, {})
    while run.epoch < plan.epochs and not run.out_of_patience():
        means = _epoch(run, objective, sampler, key, bf16)
        kept = run.kept.eval()
        with torch.no_grad():
            run.close({"epoch": run.epoch + 1, "lr": run.rate, **means, **validate(cast(M, kept))})
        if distributed.first():
            run.save(checkpoint)
        progress(run.epoch, plan.epochs, (time.monotonic() - started) / (run.epoch - before), run.history[-1])
    model.load_state_dict(run.best)
    model.eval()
    return Fitted(run.history, run.steps, run.best_epoch)


def _nothing(done: int, of: int, seconds: float, values: Mapping[str, float]) -> None:
    """Only the first of several processes reports progress."""


def shuffled(count: int, device: torch.device) -> Sampler:
    """Every image once, in random order."""
    return lambda rng: torch.randperm(count, generator=rng, device=device)


class _Run:
    """What a checkpoint holds: everything that the next epoch depends on, and the history."""

    SIMPLE = ("history", "steps", "best", "best_epoch")

    def __init__(self, model: nn.Module, plan: Plan) -> None:
        self.model, self.plan = model, plan
        self.choice = plan if isinstance(plan, Selected) else None
        self.optimizer = optimizers.optimizer(model, plan.optimizer)
        average = get_ema_multi_avg_fn(plan.ema) if plan.ema else None
        self.average = AveragedModel(model, multi_avg_fn=average, use_buffers=True) if average else None
        self.history: list[Row] = []
        self.steps: dict[str, Tensor] = {}
        self.best: dict[str, Tensor] = {}
        self.best_epoch = 0
        self.rate = 0.0

    @property
    def epoch(self) -> int:
        return len(self.history)

    @property
    def kept(self) -> nn.Module:
        return self.average.module if self.average else self.model

    def out_of_patience(self) -> bool:
        patience = self.choice.patience if self.choice else None
        return patience is not None and self.epoch - max(self.best_epoch, patience.after) >= patience.epochs

    def close(self, row: Row) -> None:
        """End an epoch; keep its weights where they are the best so far (the first of equals) or simply the last."""
        self.history.append(row)
        name = self.choice.select if self.choice else "last"
        if name == "last" or not self.best or row[name] > self.history[self.best_epoch - 1][name]:
            self.best = {key: value.clone() for key, value in self.kept.state_dict().items()}
            self.best_epoch = self.epoch

    def _parts(self) -> dict[str, Any]:
        average = {"average": self.average} if self.average else {}
        return {"model": self.model, "optimizer": self.optimizer, **average}

    def save(self, path: Path) -> None:
        state = {name: part.state_dict() for name, part in self._parts().items()}
        state |= {name: getattr(self, name) for name in self.SIMPLE}
        buffer = BytesIO()  # `write_bytes` reports a full disk in one line, torch does not
        torch.save(state, buffer)
        files.write_bytes(path, buffer.getvalue())

    def resume(self, path: Path) -> None:
        if not path.exists():
            return
        state = torch.load(path, map_location="cpu", weights_only=True)  # `load_state_dict` moves it to the device
        for name, part in self._parts().items():
            part.load_state_dict(state[name])
        for name in self.SIMPLE:
            setattr(self, name, state[name])


def _epoch(run: _Run, objective: Objective, sampler: Sampler, key: tuple[object, ...], bf16: bool) -> Row:
    """One pass over the data; returns the mean of every scalar, named ``train_...``."""
    device = next(run.model.parameters()).device
    rng = generator(device, *key, "epoch", run.epoch)
    least = max(2, distributed.count())  # batch norm needs two images, each process one
    batches = [batch for batch in sampler(rng).split(run.plan.batch_size) if len(batch) >= least]
    if not batches:
        raise Failure(f"there is no batch of at least {least} images to train on")
    rows: list[dict[str, Tensor]] = []
    run.model.train()
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):  # dropout draws from the default
        torch.manual_seed(seed(*key, "dropout", run.epoch))
        for step, batch in enumerate(batches):
            time_in_epochs = run.epoch + step / len(batches)
            rows.append(_step(run, objective, batch, rng, time_in_epochs, bf16))
    sizes = torch.tensor([len(batch) for batch in batches], dtype=torch.float64)
    scalars = {name: _finite([row[name] for row in rows], run.epoch, name) for name in rows[0]}
    if not all(bool(weights.isfinite().all()) for weights in run.model.parameters()):  # by the very last step
        raise Failure(f"weights are not finite after epoch {run.epoch + 1}; try a smaller lr")
    run.steps = {name: torch.cat([run.steps.get(name, values[:0]), values]) for name, values in scalars.items()}
    return {f"train_{name}": float((values * sizes).sum() / sizes.sum()) for name, values in scalars.items()}


def _step(
    run: _Run, objective: Objective, batch: Tensor, rng: torch.Generator, time_in_epochs: float, bf16: bool
) -> dict[str, Tensor]:
    settings = run.plan.optimizer
    run.rate = optimizers.rate_at(settings, time_in_epochs, run.plan.epochs)
    for group in run.optimizer.param_groups:
        group["lr"] = run.rate
    run.optimizer.zero_grad(set_to_none=True)
    with torch.autocast(batch.device.type, torch.bfloat16, enabled=bf16):
        scalars = objective(run.model, batch, rng, time_in_epochs)
    distributed.average_gradients(run.model)
    if settings.clip_norm is not None:
        nn.utils.clip_grad_norm_(run.model.parameters(), settings.clip_norm)
    run.optimizer.step()
    if run.average:
        run.average.update_parameters(run.model)
    return scalars


def _finite(values: list[Tensor], epoch: int, name: str) -> Tensor:
    """One scalar of every step of an epoch (S,), on the CPU. Raises `Failure` where one is not finite."""
    stacked = torch.stack(values).double().cpu()  # the one synchronisation of an epoch
    wrong = torch.nonzero(~torch.isfinite(stacked))
    if len(wrong):
        step = int(wrong[0])
        raise Failure(f"{name} is {float(stacked[step])} in epoch {epoch + 1}, step {step + 1}; try a smaller lr")
    return stacked
