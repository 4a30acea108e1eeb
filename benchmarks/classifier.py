"""The report's classifier, trained for a moment on the embedded street digits, so that accuracies mean something."""

from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from visrep.data import pixels
from visrep.data.embedded import street_digits
from visrep.digits import cnn
from visrep.machine.randomness import generator
from visrep.training import weights

CONFIG = {"channels": [32, 64, 128], "depth": 1, "hidden": 128, "dropout": 0.25, "classes": 10}


class Images(NamedTuple):
    """``x`` (N, 3, 32, 32) in [-1, 1], in the layout torch calls contiguous, and labels ``y`` (N,)."""

    x: Tensor
    y: Tensor


def images(train: int, test: int) -> tuple[Images, Images]:
    drawn = street_digits.generate(0, train, test)
    pairs = [(torch.from_numpy(part.images), torch.from_numpy(part.labels)) for part in (drawn.train, drawn.test)]
    seen, judged = (Images(pixels.scaled(x).contiguous(), y.long()) for x, y in pairs)
    return seen, judged


def fresh() -> cnn.ConvNet:
    return weights.fresh(cnn.ConvNet, CONFIG, generator("cpu", "classifier"))


def trained(seen: Images, epochs: int, batch: int = 64) -> cnn.ConvNet:
    """In evaluation mode. Adam, learning rate 1e-3."""
    torch.manual_seed(0)  # dropout
    model = fresh().to(memory_format=torch.channels_last).train()
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)
    rng = generator("cpu", "order")
    for _ in range(epochs):
        for batch_of in torch.randperm(len(seen.y), generator=rng).split(batch):
            optimizer.zero_grad()
            F.cross_entropy(model(seen.x[batch_of]), seen.y[batch_of]).backward()
            optimizer.step()
    return model.eval()
