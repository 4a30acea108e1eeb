"""Device, threads and number formats, set for reproducible results."""

import ctypes
import os
from typing import NamedTuple, TypeVar

import torch
from torch import nn

from visrep.errors import Failure
from visrep.machine import processor
from visrep.settings.runtime import Runtime

M = TypeVar("M", bound=nn.Module)


class Machine(NamedTuple):
    device: torch.device
    bf16: bool
    memory_format: torch.memory_format

    def place(self, model: M) -> M:
        """``model`` on the device, its weights laid out as images are."""
        return model.to(self.device).to(memory_format=self.memory_format)

    @property
    def processor(self) -> str:
        """The name of the graphics card, or the kind of processor."""
        return torch.cuda.get_device_name(self.device) if self.device.type == "cuda" else processor.kind()


def prepare(runtime: Runtime) -> Machine:
    """Use deterministic kernels and so many threads. Raises `Failure` where the device does not exist.

    On the CPU all that is used here is deterministic at a fixed number of threads (the tests compare bytes), and
    torch's own switch would import its compiler, which takes as long as torch itself.
    """
    _keep_freed_memory()
    torch.set_num_threads(runtime.threads)
    if runtime.device == "cuda":
        if not torch.cuda.is_available():
            raise Failure("params.yaml: runtime.device is cuda, but there is no CUDA device; set it to cpu", 2)
        os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
        torch.use_deterministic_algorithms(True)
        torch.backends.cudnn.benchmark = False
    memory_format = torch.channels_last if runtime.channels_last else torch.contiguous_format
    return Machine(torch.device(runtime.device), runtime.bf16, memory_format)


def _keep_freed_memory() -> None:
    """Reuse the memory of large tensors instead of giving it back after each step: glibc returns and refetches it page
    by page, which costs a tenth to a third of a training step on the CPU. Elsewhere nothing happens."""
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return
    trim_threshold, mmap_threshold = -1, -3  # M_TRIM_THRESHOLD and M_MMAP_THRESHOLD of mallopt(3)
    mallopt(trim_threshold, 2**31 - 1)
    mallopt(mmap_threshold, 2**30)
