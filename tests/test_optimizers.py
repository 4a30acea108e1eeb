"""LARS against its formula in plain numbers; the learning rate over time."""

import math
from typing import Any

import pytest
import torch
from pydantic import TypeAdapter
from torch import nn

from visrep.settings.training import Lars, Optimizer
from visrep.training import optimizers


def settings(**change: Any) -> Lars:
    values: dict[str, Any] = {"name": "lars", "lr": 0.3, "momentum": 0.9, "weight_decay": 0.01, "trust": 0.02}
    values |= {"warmup_epochs": 0.0, "schedule": "constant", "clip_norm": None}
    return Lars(**values | change)


def by_hand(weights: list[float], gradients: list[list[float]], lr: float, matrix: bool) -> list[float]:
    """Steps of LARS on one tensor."""
    speed = [0.0] * len(weights)
    for gradient in gradients:
        if matrix:
            length, slope = math.hypot(*weights), math.hypot(*gradient)
            local = 0.02 * length / (slope + 0.01 * length) if length and slope else lr
            factor = min(local / lr, 1.0)
            gradient = [factor * (g + 0.01 * w) for g, w in zip(gradient, weights, strict=True)]
        speed = [0.9 * v + g for v, g in zip(speed, gradient, strict=True)]
        weights = [w - lr * v for w, v in zip(weights, speed, strict=True)]
    return weights


@pytest.mark.parametrize("start", [[0.5, -1.0, 2.0, 0.1], [0.0, 0.0, 0.0, 0.0], [1e4, 0.0, 0.0, 1e4]])
@pytest.mark.parametrize("matrix", [True, False])
def test_lars_is_its_formula(start: list[float], matrix: bool) -> None:
    gradients = [[0.3, 0.1, -2.0, 0.0], [0.0, 0.0, 0.0, 0.0], [5.0, 1.0, 1.0, 1.0]]
    shape = (2, 2) if matrix else (4,)
    module = nn.Module()
    module.weight = nn.Parameter(torch.tensor(start, dtype=torch.float64).view(shape))
    optimizer = optimizers.optimizer(module, settings())
    for gradient in gradients:
        module.weight.grad = torch.tensor(gradient, dtype=torch.float64).view(shape)
        optimizer.step()
    assert module.weight.detach().flatten().tolist() == pytest.approx(by_hand(start, gradients, 0.3, matrix), rel=1e-9)


def test_a_resumed_lars_goes_on_with_its_momentum() -> None:
    def moved(stop: int | None) -> torch.Tensor:
        module = nn.Linear(2, 2, dtype=torch.float64)
        nn.init.eye_(module.weight)
        optimizer = optimizers.optimizer(module, settings())
        for step in range(4):
            if step == stop:
                state = optimizer.state_dict()
                optimizer = optimizers.optimizer(module, settings())
                optimizer.load_state_dict(state)
            module.weight.grad = torch.full((2, 2), 0.1 * (step + 1), dtype=torch.float64)
            module.bias.grad = torch.ones(2, dtype=torch.float64)
            optimizer.step()
        return module.weight.detach()

    assert torch.equal(moved(None), moved(2))


def test_weights_without_gradient_stay() -> None:
    module = nn.Linear(2, 2)
    before = module.weight.detach().clone()
    optimizers.optimizer(module, settings()).step()
    assert torch.equal(module.weight, before)


@pytest.mark.parametrize(
    ("name", "kind"), [("sgd", torch.optim.SGD), ("adam", torch.optim.Adam), ("adamw", torch.optim.AdamW)]
)
def test_the_other_optimisers_are_torchs(name: str, kind: type) -> None:
    values = settings().model_dump(exclude={"trust"} if name == "sgd" else {"trust", "momentum"}) | {"name": name}
    made = optimizers.optimizer(nn.Linear(1, 1), TypeAdapter(Optimizer).validate_python(values))
    assert type(made) is kind
    assert made.param_groups[0]["weight_decay"] == 0.01


def test_the_rate_warms_up_and_then_follows_its_schedule() -> None:
    warm = settings(warmup_epochs=2.0, schedule="cosine")
    rates = [optimizers.rate_at(warm, time, 10) for time in (0, 1, 2, 6, 10)]
    assert rates == pytest.approx([0, 0.15, 0.3, 0.15, 0])
    assert optimizers.rate_at(settings(schedule="cosine"), 0.0, 10) == 0.3


@pytest.mark.parametrize(
    ("schedule", "values"),
    [
        ("constant", {0.0: 1, 0.5: 1, 1.0: 1}),
        ("cosine", {0.0: 1, 0.5: 0.5, 1.0: 0}),
        ("one_cycle", {0.0: 1 / 25, 0.15: 0.52, 0.3: 1, 0.65: 0.5, 1.0: 0}),
    ],
)
def test_schedules_pass_through_known_points(schedule: str, values: dict[float, float]) -> None:
    for done, value in values.items():
        assert optimizers.rate(schedule, done) == pytest.approx(value, abs=1e-12)


def test_one_cycle_is_torchs() -> None:
    optimizer = torch.optim.SGD([nn.Parameter(torch.zeros(()))], lr=1.0)
    theirs = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, 1.0, total_steps=101, pct_start=0.3, div_factor=25, final_div_factor=1e9, cycle_momentum=False
    )
    for step in range(101):
        reference = theirs.get_last_lr()[0]
        assert optimizers.rate("one_cycle", step / 100) == pytest.approx(
            reference, abs=0.03
        )  # their first phase ends at step 29.3
        optimizer.step()
        theirs.step() if step < 100 else None
