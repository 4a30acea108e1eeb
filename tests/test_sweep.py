"""Attacks of the sweep on a linear model, on which FGSM is optimal: stored answers, accuracies, curves."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from visrep import records
from visrep.data.pixels import scaled
from visrep.digits import results, sweep, table
from visrep.digits.labelled import Labelled
from visrep.digits.target import Target
from visrep.machine.randomness import generator
from visrep.measures import statistics
from visrep.settings.digits import FgsmSweep

SETTINGS = FgsmSweep.model_validate(
    {
        "seed": 0,
        "batch_size": 100,
        "epsilons": (0.01, 0.1, 0.2),
        "gate_epsilon": 0.1,
        "pgd": {"epsilons": (0.1,), "steps": 10, "step_share": 0.25, "restarts": 1},
    }
)
DIRECTION = torch.sign(torch.randn(3, 32, 32, generator=generator("cpu", "direction")))


def images(count: int = 400) -> Labelled:
    """Two classes that lie on both sides of a plane, at many distances: grey images moved along one direction."""
    rng = generator("cpu", "images")
    labels = torch.randint(2, (count,), generator=rng)
    strength = torch.rand(count, generator=rng) * 0.3 + 0.005
    moved = DIRECTION * (strength * (labels * 2 - 1))[:, None, None, None]
    noise = torch.randn(moved.shape, generator=rng) * 0.02
    levels = ((moved + noise + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
    return Labelled(levels.permute(0, 2, 3, 1).contiguous(), labels)


class Linear(nn.Module):
    """Right on all clean images; an attack of radius epsilon turns those that lie nearer to the plane than that."""

    def forward(self, x: Tensor) -> Tensor:
        score = (x * DIRECTION).mean((1, 2, 3)) * 5
        return torch.stack([-score, score], 1)


def test_accuracies_of_a_linear_model_are_the_closed_form() -> None:
    data = images()
    found = sweep.result(sweep.sweep(Linear(), data, SETTINGS), data.labels.numpy(), "drawn", SETTINGS)
    score = (scaled(data.images) * DIRECTION).mean((1, 2, 3)) * (data.labels * 2 - 1)
    for epsilon in (0.01, 0.1, 0.2):  # right as long as the margin exceeds the radius
        expected = 100 * float((score > epsilon).double().mean())
        assert found.at("fgsm", epsilon).value == pytest.approx(expected, abs=1)
    fgsm, pgd = (found.at(attack, 0.1).value for attack in ("fgsm", "pgd"))
    assert 20 < fgsm < 90
    assert pgd == pytest.approx(fgsm, abs=0.5)


def test_stored_predictions_and_signs_are_the_attacks(monkeypatch: pytest.MonkeyPatch) -> None:
    data = images(60)
    swept = sweep.sweep(Linear(), data, SETTINGS)
    x = scaled(data.images)
    assert (swept.predictions["clean"] == Linear()(x).argmax(1).numpy()).all()
    bits = np.unpackbits(swept.signs, axis=-1).reshape(60, 2, 32, 32, 3)
    towards = (DIRECTION[None] * -(data.labels * 2 - 1)[:, None, None, None]).permute(0, 2, 3, 1).numpy()
    assert (bits[:, 0].astype(int) - bits[:, 1] == towards).all()


def test_pgd_counts_what_is_wrong_without_an_attack_as_wrong() -> None:
    data = images(60)
    upside_down = Labelled(data.images, 1 - data.labels)
    swept = sweep.sweep(Linear(), upside_down, SETTINGS)
    assert (swept.predictions["pgd 0.1"] != upside_down.labels.numpy()).all()


class Lucky(nn.Module):
    """Has no gradient, and is wrong where one pixel is lighter by 0.06 than it was: only chance can find that."""

    def forward(self, x: Tensor) -> Tensor:
        lighter = (x[:, 0, 0, 0] > 127 / 127.5 - 1 + 0.06).float() + 0 * x.square().sum((1, 2, 3))
        return torch.stack([torch.full_like(lighter, 0.5), lighter], 1)


@pytest.mark.parametrize("restarts", [1, 5])
def test_pgd_starts_at_random_as_often_as_it_is_told(restarts: int) -> None:
    """Noise within 0.1 exceeds 0.06 with probability 0.2, so 0.8 to the number of starts still stand."""
    count = 2000
    grey = Labelled(torch.full((count, 32, 32, 3), 127, dtype=torch.uint8), torch.zeros(count, dtype=torch.int64))
    pgd = SETTINGS.pgd.model_copy(update={"restarts": restarts, "steps": 1})
    swept = sweep.sweep(Lucky(), grey, SETTINGS.model_copy(update={"pgd": pgd, "batch_size": 500}))
    standing = float(np.mean(swept.predictions["pgd 0.1"] == 0))
    assert standing == pytest.approx(0.8**restarts, abs=0.04)


class Counted(Linear):
    """Counts passes forward and back."""

    def __init__(self) -> None:
        super().__init__()
        self.forward_passes, self.backward_passes = 0, 0

    def forward(self, x: Tensor) -> Tensor:
        self.forward_passes += 1
        logits = super().forward(x)
        if logits.requires_grad:
            logits.register_hook(self._back)
        return logits

    def _back(self, _: Tensor) -> None:
        self.backward_passes += 1


@pytest.mark.parametrize("radii", [1, 3, 5])
def test_one_gradient_serves_all_radii(radii: int) -> None:
    model, data = Counted(), images(20)
    target = Target(model, scaled(data.images), data.labels)
    for k in range(radii):
        target.fgsm(0.01 * (1 + k))
    assert (model.forward_passes, model.backward_passes) == (1 + radii, 1)


def test_every_batch_is_told_of() -> None:
    told: list[tuple[int, int]] = []
    settings = SETTINGS.model_copy(update={"batch_size": 32})
    sweep.sweep(Linear(), images(70), settings, progress=lambda done, of, *_: told.append((done, of)))
    assert told == [(0, 3), (1, 3), (2, 3), (3, 3)]


def test_curves_start_at_the_clean_accuracy_and_carry_grey_levels() -> None:
    clean, fgsm, pgd = (statistics.wilson(right, 10) for right in (9, 5, 1))
    attacked = (
        results.Attacked("pgd", "PGD", 0.1, pgd, True),
        results.Attacked("fgsm", "FGSM", 0.1, fgsm, True),
    )
    rows: list[Any] = sweep.curves("cnn", results.Sweep({}, 10, "drawn", 20.0, clean, attacked, 0.1))
    assert [(row["attack"], row["epsilon"], row["accuracy"]) for row in rows] == [
        ("FGSM", 0.0, 90.0),
        ("FGSM", 0.1, 50.0),
        ("PGD", 0.0, 90.0),
        ("PGD", 0.1, 10.0),
    ]
    assert {row["classifier"] for row in rows} == {"cnn"}
    assert rows[1]["epsilon_255"] == pytest.approx(12.75)
    assert rows[1]["low"] < 50 < rows[1]["high"]


def test_what_draws_nothing_does_not_depend_on_the_batch_size() -> None:
    data = images(90)
    one, other = (sweep.sweep(Linear(), data, SETTINGS.model_copy(update={"batch_size": size})) for size in (90, 32))
    for name in ("clean", "fgsm 0.1", "fgsm 1"):
        assert (one.predictions[name] == other.predictions[name]).all()


def test_a_guide_that_errs_calls_no_image_fallen(monkeypatch: pytest.MonkeyPatch) -> None:
    """The right gradient, the wrong verdict on every image: what counts is the answer of the model itself."""
    data = images(90)
    plain = sweep.sweep(Linear(), data, SETTINGS)

    def contrary(model: nn.Module, _device: torch.device) -> Any:
        return lambda x: model(x) + torch.nn.functional.one_hot(1 - data.labels, 2) * 1e4

    monkeypatch.setattr(sweep, "in_bf16", contrary)
    guided = sweep.sweep(Linear(), data, SETTINGS, bf16=True)
    assert 0 < (plain.predictions["pgd 0.1"] == data.labels.numpy()).sum() < 90
    assert (plain.predictions["pgd 0.1"] == guided.predictions["pgd 0.1"]).all()


def test_no_attacked_image_leaves_its_ball(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("visrep.digits.attacks.step", lambda x, sign, epsilon: x + 1.1 * epsilon * sign)
    with pytest.raises(ArithmeticError, match="away"):
        sweep.sweep(Linear(), images(20), SETTINGS)


def test_metrics_are_shares_of_the_stored_predictions() -> None:
    data = images(90)
    labels = data.labels.numpy()
    swept = sweep.sweep(Linear(), data, SETTINGS, Linear())
    found = sweep.result(swept, labels, "drawn", SETTINGS)

    def share(column: str) -> float:
        return 100 * sum(int(a == b) for a, b in zip(swept.predictions[column], labels, strict=True)) / 90

    named = {"clean": "clean", "pgd_eps_0_1": "pgd 0.1", "noise_eps_0_1": "noise 0.1"}
    named |= {f"fgsm_eps_{radius.replace('.', '_')}": f"fgsm {radius}" for radius in ("0.01", "0.1", "0.2")}
    told = records.flat(found.metrics)
    assert {name: told[name] for name in named} == pytest.approx({n: share(column) for n, column in named.items()})
    rest = {f"{row.key}_eps_0_1" for row in table.ATTACKS if 0.1 in row.metrics(SETTINGS)}
    assert told.keys() == named.keys() | rest
    assert {f"{row.attack} {row.epsilon:g}" for row in found.attacks} | {"clean"} == set(swept.predictions)


def test_one_more_attack_is_one_more_row() -> None:
    """Half a step of FGSM, in columns, accuracies and metrics."""
    half = table.Attack(
        key="half",
        name="half a step",
        predict=lambda target, _, epsilon: target.fgsm(epsilon / 2),
        radii=lambda _: (0.2,),
        metrics=lambda _: (0.2,),
    )
    data = images(90)
    more = (*table.ATTACKS, half)
    swept = sweep.sweep(Linear(), data, SETTINGS, table=more)
    np.testing.assert_array_equal(swept.under("half", 0.2), swept.under("fgsm", 0.1))
    found = sweep.result(swept, data.labels.numpy(), "drawn", SETTINGS, more)
    assert found.at("half", 0.2) == found.at("fgsm", 0.1) == found.metrics["half_eps_0_2"]
