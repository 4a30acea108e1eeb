"""One training by several processes: each computes its part of every batch, and all end with the weights that one
process alone would have, up to rounding.

torchrun's launcher starts them; gloo connects processors, NCCL graphics cards. Every process computes the whole loss of
what all have gathered, so gradients are averaged in the end.

V views, N images of a batch, n of them in this process, P dimensions.
"""

import os
from collections.abc import Callable
from typing import Any, TypeVar, cast

import torch
from torch import Tensor, distributed, nn

from visrep.errors import Failure
from visrep.machine import device
from visrep.machine.device import Machine
from visrep.machine.lifetime import die_with_parent
from visrep.settings.runtime import Runtime

T = TypeVar("T")


def run(processes: int, runtime: Runtime, work: Callable[[Machine], T]) -> T:
    """Run ``work`` in so many ``processes`` at once and return what the first returns. With more than one, ``work`` and
    its result must be picklable, and on GPUs each needs a card. Raises `Failure` where there are fewer cards, where
    ``work`` does, and where a process ended before its work did."""
    if processes == 1:
        return work(device.prepare(runtime))
    if runtime.device == "cuda" and torch.cuda.device_count() < processes:
        cards = torch.cuda.device_count()
        raise Failure(f"params.yaml: processes is {processes}, but there are {cards} CUDA devices; one for each", 2)
    from torch.distributed.elastic.multiprocessing.errors import ChildFailedError
    from torch.distributed.launcher.api import LaunchConfig, elastic_launch

    config = LaunchConfig(
        min_nodes=1,
        max_nodes=1,
        nproc_per_node=processes,
        run_id="visrep",
        rdzv_backend="c10d",
        rdzv_endpoint="localhost:0",
        max_restarts=0,
        monitor_interval=0.5,
    )
    try:
        answer = elastic_launch(config, _one)(runtime, work, os.getpid())[0]
    except ChildFailedError as error:
        place, failure = error.get_first_failure()
        raise Failure(f"process {place} of {processes} ended: {failure.message}") from error
    if isinstance(answer, Failure):
        raise answer
    return cast(T, answer)


def _one(runtime: Runtime, work: Callable[[Machine], T], parent: int) -> T | Failure | None:
    """The life of one of the processes."""
    die_with_parent(parent)
    if runtime.device == "cuda":
        torch.cuda.set_device(int(os.environ["LOCAL_RANK"]))
    distributed.init_process_group("nccl" if runtime.device == "cuda" else "gloo")
    try:
        answer: T | Failure = work(device.prepare(runtime))
    except Failure as failure:  # any other error the launcher reports
        answer = failure
    distributed.destroy_process_group()
    return answer if os.environ["RANK"] == "0" else None


def count() -> int:
    """The number of processes that train together."""
    return distributed.get_world_size() if distributed.is_initialized() else 1


def first() -> bool:
    """Whether this is the process that writes files and reports progress; alone it is."""
    return not distributed.is_initialized() or distributed.get_rank() == 0


def own(images: int) -> Tensor | None:
    """Which images of a batch (n,) are this process's; None for all, where it is alone."""
    if count() == 1:
        return None
    return torch.arange(images).tensor_split(count())[distributed.get_rank()]


def gathered(z: Tensor, images: int) -> Tensor:
    """(V, N, P) of all ``images`` of a batch from (V, n, P), in the order of the batch. The gradient of each process's
    part is the sum of what all processes' losses send to it."""
    rows = own(images)
    if rows is None:
        return z
    whole = z.new_zeros(len(z), images, z.shape[2])
    whole[:, rows] = z
    return summed(whole)


def summed(x: Tensor) -> Tensor:
    """The sum over all processes, the same bytes in each; its gradient is the sum of the gradients."""
    return cast(Tensor, _Summed.apply(x))


class _Summed(torch.autograd.Function):
    @staticmethod
    def forward(_: Any, x: Tensor) -> Tensor:
        total = x.clone(memory_format=torch.contiguous_format)
        distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(_: Any, slope: Tensor) -> Tensor:
        return _Summed.forward(_, slope)


@torch.no_grad()
def average_gradients(model: nn.Module) -> None:
    """Over all processes: with the whole loss in each, that is its gradient."""
    if count() == 1:
        return
    gradients = [parameter.grad for parameter in model.parameters() if parameter.grad is not None]
    flat = torch.cat([gradient.flatten() for gradient in gradients])
    distributed.all_reduce(flat)
    parts = (flat / count()).split([gradient.numel() for gradient in gradients])
    for gradient, part in zip(gradients, parts, strict=True):
        gradient.copy_(part.view_as(gradient))


class BatchNorm(nn.modules.batchnorm._BatchNorm):
    """Batch norm whose mean and variance are those of all processes' images (N, C, ...). torch's own,
    `torch.nn.SyncBatchNorm`, needs GPUs."""

    running_mean: Tensor
    running_var: Tensor
    num_batches_tracked: Tensor
    momentum: float

    def forward(self, x: Tensor) -> Tensor:
        if not self.training:
            return super().forward(x)
        axes, wide = [0, *range(2, x.ndim)], (-1, *[1] * (x.ndim - 2))
        full = x.float()
        values = summed(full.new_tensor(float(x.numel() // x.shape[1])))
        mean = summed(full.sum(axes)) / values
        centred = full - mean.view(wide)
        variance = summed(centred.square().sum(axes)) / values
        with torch.no_grad():
            self.num_batches_tracked += 1
            self.running_mean.lerp_(mean, self.momentum)
            self.running_var.lerp_(variance * values / (values - 1), self.momentum)
        scale = self.weight * (variance + self.eps).rsqrt()
        return torch.addcmul(self.bias.view(wide), centred, scale.view(wide)).to(x.dtype)

    def _check_input_dim(self, input: Tensor) -> None:
        pass  # any number of axes


def synchronize(model: nn.Module) -> None:
    """Let all batch norm of ``model`` be over all processes; the parameters stay the same objects."""
    if count() == 1:
        return
    for module in list(model.modules()):
        for name, child in module.named_children():
            if isinstance(child, nn.BatchNorm1d | nn.BatchNorm2d):
                shared = BatchNorm(child.num_features, child.eps, cast(float, child.momentum))
                for key, value in [*child.named_parameters(), *child.named_buffers()]:
                    setattr(shared, key, value)
                module.register_module(name, shared)
