"""The loop against steps written out by hand; what it keeps, when it stops, what it refuses."""

import math
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from visrep.errors import Failure
from visrep.settings.training import Plan, Selected
from visrep.training import loop

SGD: dict[str, Any] = {
    "name": "sgd",
    "lr": 0.1,
    "momentum": 0.9,
    "weight_decay": 0.01,
    "warmup_epochs": 0.0,
    "schedule": "constant",
    "clip_norm": None,
}


def plan(optimizer: dict[str, Any] | None = None, **change: Any) -> Selected:
    values = {"epochs": 3, "batch_size": 4, "ema": None, "select": "last", "patience": None}
    return Selected.model_validate({"optimizer": SGD | (optimizer or {}), **values, **change})


def line() -> tuple[Tensor, Tensor]:
    x = torch.linspace(-1, 1, 10)
    return x, 3 * x + 1


def squares(model: nn.Module, batch: Tensor, rng: torch.Generator, time: float) -> dict[str, Tensor]:
    x, y = line()
    loss = ((model(x[batch, None])[:, 0] - y[batch]) ** 2).mean()
    loss.backward()
    return {"loss": loss.detach()}


def in_order(rng: torch.Generator) -> Tensor:
    return torch.arange(10)


def start() -> nn.Linear:
    model = nn.Linear(1, 1)
    nn.init.constant_(model.weight, 0.5)
    nn.init.constant_(model.bias, 0.0)
    return model


def fit(model: nn.Module, settings: Plan, folder: Path, validate: Any = lambda _: {}, **change: Any) -> loop.Fitted:
    options: dict[str, Any] = {"objective": squares, "sampler": in_order} | change
    return loop.fit(
        model,
        options["objective"],
        options["sampler"],
        settings,
        ("test",),
        validate=validate,
        checkpoint=folder / "checkpoint",
        progress=lambda *_: None,
    )


def by_hand(epochs: int, clip: float | None = None, lr: Any = lambda _: 0.1) -> tuple[list[float], list[list[float]]]:
    """SGD with momentum in plain Python floats: (w, b) at the end, and after every step."""
    w, b, vw, vb, path, step = 0.5, 0.0, 0.0, 0.0, [], 0
    xs, ys = (part.tolist() for part in line())
    for _ in range(epochs):
        for chunk in (range(0, 4), range(4, 8), range(8, 10)):
            errors = [w * xs[i] + b - ys[i] for i in chunk]
            gw = sum(2 * e * xs[i] for e, i in zip(errors, chunk, strict=True)) / len(chunk)
            gb = sum(2 * e for e in errors) / len(chunk)
            norm = math.hypot(gw, gb)
            scale = min(1.0, clip / (norm + 1e-6)) if clip else 1.0
            vw, vb = 0.9 * vw + scale * gw + 0.01 * w, 0.9 * vb + scale * gb + 0.01 * b
            w, b = w - lr(step) * vw, b - lr(step) * vb
            path.append([w, b])
            step += 1
    return [w, b], path


def parameters(model: nn.Module) -> list[float]:
    return [parameter.item() for parameter in model.parameters()]


def test_the_loop_takes_the_steps_of_sgd(tmp_path: Path) -> None:
    model = start()
    fit(model, plan(), tmp_path)
    assert parameters(model) == pytest.approx(by_hand(3)[0], rel=1e-5)


def test_the_gradient_is_clipped(tmp_path: Path) -> None:
    model = start()
    fit(model, plan({"clip_norm": 0.2}), tmp_path)
    assert parameters(model) == pytest.approx(by_hand(3, clip=0.2)[0], rel=1e-5)
    assert by_hand(3, clip=0.2)[0] != pytest.approx(by_hand(3)[0], rel=1e-2)


def test_the_schedule_sets_the_rate_of_every_step(tmp_path: Path) -> None:
    model = start()
    fit(model, plan({"schedule": "cosine"}), tmp_path)
    expected = by_hand(3, lr=lambda step: 0.1 * (1 + math.cos(math.pi * step / 9)) / 2)[0]
    assert parameters(model) == pytest.approx(expected, rel=1e-5)


def test_the_average_is_the_exponential_mean_of_the_path(tmp_path: Path) -> None:
    model = start()
    fit(model, plan(ema=0.7), tmp_path)
    path = by_hand(3)[1]
    mean = path[0]
    for point in path[1:]:
        mean = [0.7 * m + 0.3 * p for m, p in zip(mean, point, strict=True)]
    assert parameters(model) == pytest.approx(mean, rel=1e-5)


def scored(scores: list[float]) -> Any:
    left = list(scores)
    return lambda _: {"score": left.pop(0)}


def test_the_first_of_the_best_epochs_is_kept(tmp_path: Path) -> None:
    model = start()
    fitted = fit(model, plan(epochs=4, select="score"), tmp_path, scored([1, 5, 5, 2]))
    assert fitted.epoch == 2
    assert len(fitted.history) == 4
    assert parameters(model) == pytest.approx(by_hand(2)[0], rel=1e-5)


@pytest.mark.parametrize(("free", "stops"), [(0, 4), (4, 6), (3, 5)])
def test_patience_counts_from_where_it_is_told(tmp_path: Path, free: int, stops: int) -> None:
    scores = [1.0, 3.0, 2.0, 2.0, 1.0, 1.0, 1.0, 1.0, 1.0]
    settings = plan(epochs=9, select="score", patience={"epochs": 2, "after": free})
    fitted = fit(start(), settings, tmp_path, scored(scores))
    assert (len(fitted.history), fitted.epoch) == (stops, 2)


def test_a_loss_that_is_not_finite_names_epoch_and_step(tmp_path: Path) -> None:
    calls = 0

    def breaks(*arguments: Any) -> dict[str, Tensor]:
        nonlocal calls
        calls += 1
        scalars = squares(*arguments)
        return scalars if calls != 5 else {"loss": scalars["loss"] * math.nan}

    with pytest.raises(Failure, match=r"loss is nan in epoch 2, step 2"):
        fit(start(), plan(), tmp_path, objective=breaks)


def test_too_few_images_are_one_line(tmp_path: Path) -> None:
    with pytest.raises(Failure, match="no batch of at least 2 images"):
        fit(start(), plan(), tmp_path, sampler=lambda _: torch.tensor([0]))


def test_means_weigh_batches_by_their_size(tmp_path: Path) -> None:
    def sizes(model: nn.Module, batch: Tensor, rng: torch.Generator, time: float) -> dict[str, Tensor]:
        return squares(model, batch, rng, time) | {"size": torch.tensor(float(len(batch)))}

    fitted = fit(start(), plan(epochs=1), tmp_path, objective=sizes)
    assert fitted.history[0]["train_size"] == pytest.approx((4 * 4 + 4 * 4 + 2 * 2) / 10)


def test_every_epoch_draws_its_own_order_whatever_came_before(tmp_path: Path) -> None:
    orders: list[list[int]] = []

    def sampler(rng: torch.Generator) -> Tensor:
        order = loop.shuffled(10, torch.device("cpu"))(rng)
        orders.append(order.tolist())
        return order

    fit(start(), plan(epochs=4), tmp_path / "a", sampler=sampler) if (tmp_path / "a").mkdir() is None else None
    assert all(sorted(order) == list(range(10)) for order in orders)
    assert len({tuple(order) for order in orders}) == 4
    fit(start(), plan(epochs=2), tmp_path, sampler=sampler)
    fit(start(), plan(epochs=4), tmp_path, sampler=sampler)  # resumes after epoch 2
    assert orders[4:] == orders[:4]


def test_global_randomness_is_left_as_it_was(tmp_path: Path) -> None:
    model = start()
    before = torch.random.get_rng_state()
    fit(model, plan(epochs=1), tmp_path)
    assert torch.equal(before, torch.random.get_rng_state())


def test_a_resumed_run_goes_on_with_its_average(tmp_path: Path) -> None:
    """Two epochs and two more are four, averaged weights included."""
    models = [start() for _ in range(3)]
    folders = [tmp_path / name for name in ("whole", "parts")]
    for folder in folders:
        folder.mkdir()
    whole = fit(models[0], plan(epochs=4, ema=0.7), folders[0])
    fit(models[1], plan(epochs=2, ema=0.7), folders[1])
    parts = fit(models[2], plan(epochs=4, ema=0.7), folders[1])
    assert parts.history == whole.history
    assert parameters(models[2]) == parameters(models[0])
    unaveraged = start()
    (tmp_path / "plain").mkdir()
    fit(unaveraged, plan(epochs=4), tmp_path / "plain")
    assert parameters(unaveraged) != pytest.approx(parameters(models[0]), rel=1e-3)


def test_weights_that_the_last_step_ruins_are_refused(tmp_path: Path) -> None:
    """The only loss of the epoch is finite; what it does to the weights is not."""

    def ruin(model: nn.Module, batch: Tensor, rng: torch.Generator, time: float) -> dict[str, Tensor]:
        told = squares(model, batch, rng, time)
        for weights in model.parameters():
            assert weights.grad is not None
            weights.grad.fill_(math.inf)
        return told

    with pytest.raises(Failure, match="weights are not finite after epoch 1; try a smaller lr"):
        fit(start(), plan(batch_size=10), tmp_path, objective=ruin)
