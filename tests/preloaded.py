"""What a stage spends seconds on before it does anything: imported once, by the server that runs are forked from."""

import torch

import visrep.training.loop

torch.optim.SGD([torch.nn.Parameter(torch.zeros(1))], lr=0.1)  # the first optimiser imports torch's compiler

__all__ = ["visrep"]
