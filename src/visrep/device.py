"""The machine as the parameters ask for it, reproducible."""

import os
from typing import NamedTuple, TypeVar

import torch
from torch import nn

from visrep.errors import Failure
from visrep.settings.runtime import Runtime

M = TypeVar("M", bound=nn.Module)


class Machine(NamedTuple):
    device: torch.device
    bf16: bool
    memory_format: torch.memory_format

    def place(self, model: M) -> M:
        """``model`` on the device, its weights laid out as images are."""
        return model.to(self.device).to(memory_format=self.memory_format)


def prepare(runtime: Runtime) -> Machine:
    """Deterministic kernels only, on the threads asked for. Raises `Failure` where the device is not at hand."""
    if runtime.device == "cuda" and not torch.cuda.is_available():
        raise Failure("params.yaml: runtime.device is cuda, but no CUDA device is at hand; set it to cpu", 2)
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    torch.set_num_threads(runtime.threads)
    torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.benchmark = False
    memory_format = torch.channels_last if runtime.channels_last else torch.contiguous_format
    return Machine(torch.device(runtime.device), runtime.bf16, memory_format)
