"""Networks in files: weights, and the configuration from which the network is built."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol, TypeVar

import torch
from torch import Tensor

from visrep import files


class Network(Protocol):
    """A module whose ``config`` holds its constructor's arguments."""

    config: dict[str, Any]

    def state_dict(self) -> dict[str, Tensor]: ...


M = TypeVar("M", bound=torch.nn.Module)


def fresh(kind: Callable[..., M], config: Mapping[str, Any], generator: torch.Generator) -> M:
    """A new network, its weights drawn from ``generator``."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(int(torch.randint(2**62, (), generator=generator)))
        return kind(**config)


def save(path: Path, model: Network) -> None:
    arrays = {name: tensor.detach().cpu().numpy() for name, tensor in model.state_dict().items()}
    files.write_weights(path, arrays, model.config)


def load(path: Path, kind: Callable[..., M]) -> M:
    """The network of a file, in evaluation mode. Raises `Failure` where the file is missing or unreadable."""
    arrays, config = files.read_weights(path)
    model = kind(**config)
    model.load_state_dict({name: torch.from_numpy(array) for name, array in arrays.items()})
    return model.eval()
