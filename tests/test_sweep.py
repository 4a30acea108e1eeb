"""A linear model, on which FGSM is optimal, passes every gate; models broken on purpose fail the right one."""

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from visrep import records
from visrep.data.pixels import scaled
from visrep.digits import gates, results, sweep, table
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
        "pgd": {"epsilons": (0.1,), "steps": 10, "more_steps": 40, "step_share": 0.25, "restarts": 1},
    }
)
DIRECTION = torch.sign(torch.randn(3, 32, 32, generator=generator("cpu", "direction")))


def images(count: int = 400) -> Labelled:
    """Two classes that lie on both sides of a plane, at many distances: grey images moved along one direction."""
    draw = generator("cpu", "images")
    labels = torch.randint(2, (count,), generator=draw)
    strength = torch.rand(count, generator=draw) * 0.3 + 0.005
    moved = DIRECTION * (strength * (labels * 2 - 1))[:, None, None, None]
    noise = torch.randn(moved.shape, generator=draw) * 0.02
    levels = ((moved + noise + 1) * 127.5).round().clamp(0, 255).to(torch.uint8)
    return Labelled(levels.permute(0, 2, 3, 1).contiguous(), labels)


class Linear(nn.Module):
    """Right on all clean images; an attack of radius epsilon turns those that lie nearer to the plane than that."""

    def forward(self, x: Tensor) -> Tensor:
        score = (x * DIRECTION).mean((1, 2, 3)) * 5
        return torch.stack([-score, score], 1)


class Masked(Linear):
    """The same decisions, but a fine staircase in the way: its gradient points nowhere."""

    def forward(self, x: Tensor) -> Tensor:
        logits = super().forward(x)
        ripple = torch.sin(1e4 * x * DIRECTION.flip(1)).mean((1, 2, 3))  # tiny, but it owns the gradient
        return logits + torch.stack([ripple, -ripple], 1) * 1e-3


class Overfitted(Linear):
    """Stands one full step of FGSM and falls to smaller ones: far along the gradient its answer turns back."""

    def forward(self, x: Tensor) -> Tensor:
        score = (x * DIRECTION).mean((1, 2, 3))
        return torch.stack([-torch.sin(score * 30), torch.sin(score * 30)], 1)


def judged(model: nn.Module, source: nn.Module | None = None) -> tuple[dict[str, bool], dict[str, float], Labelled]:
    data = images()
    found = sweep.result(sweep.sweep(model, data, SETTINGS, source), data.labels.numpy(), "drawn", SETTINGS)
    values = {f"{row.attack} {row.epsilon:g}": row.accuracy.value for row in found.attacks}
    return {gate.name: gate.passed for gate in found.gates}, values | {"clean": found.clean.value}, data


def test_every_gate_passes_for_a_linear_model() -> None:
    passed, values, data = judged(Linear(), Linear())
    assert all(passed.values()), passed
    assert len(passed) == 8
    score = (scaled(data.images) * DIRECTION).mean((1, 2, 3)) * (data.labels * 2 - 1)
    for epsilon in (0.01, 0.1, 0.2):  # the closed form: right as long as the margin exceeds the radius
        assert values[f"fgsm {epsilon}"] == pytest.approx(100 * float((score > epsilon).double().mean()), abs=1)
    assert 20 < values["fgsm 0.1"] < 90
    assert values["pgd 0.1"] == pytest.approx(values["fgsm 0.1"], abs=0.5)


def test_masked_gradients_fire_the_transfer_gate() -> None:
    passed, values, _ = judged(Masked(), Linear())
    assert values["clean"] > 95
    assert not passed["transfer_is_weaker"]
    assert passed["no_label_leaking"]


def test_catastrophic_overfitting_fires_masking() -> None:
    passed, values, _ = judged(Overfitted())
    assert values["fgsm 0.1"] - values["pgd 0.1"] > 15
    assert not passed["no_masking"]


KINDS = {row.key: row for row in table.ATTACKS}
GOOD = {
    "clean": 90,
    "fgsm 0.1": 50,
    "pgd 0.1": 45,
    "pgd_more_steps 0.1": 44.5,
    "noise 0.1": 88,
    "pgd 1": 0,
    "fgsm 1": 5,
}


@pytest.mark.parametrize(
    ("change", "fires"),
    [
        ({}, set()),
        ({"pgd 0.1": 52, "pgd_more_steps 0.1": 52}, {"order"}),
        ({"pgd 0.1": 34, "pgd_more_steps 0.1": 34}, {"no_masking"}),
        ({"fgsm 0.1": 25, "pgd 0.1": 12, "pgd_more_steps 0.1": 12}, {"no_masking"}),
        ({"fgsm 0.1": 15, "pgd 0.1": 7, "pgd_more_steps 0.1": 7}, set()),  # more than half, but below chance
        ({"fgsm 0.1": 33, "pgd 0.1": 1, "pgd_more_steps 0.1": 1}, {"no_masking", "no_catastrophic_overfitting"}),
        ({"fgsm 1": 95}, {"no_label_leaking"}),
        ({"transfer_pgd 0.1": 40, "transfer_fgsm 0.1": 60}, {"transfer_is_weaker"}),
        ({"transfer_pgd 0.1": 60, "transfer_fgsm 0.1": 60}, set()),
        ({"noise 0.1": 30}, {"noise_hurts_least"}),
        ({"pgd 1": 25}, {"far_falls_to_chance"}),
        ({"pgd_more_steps 0.1": 42}, {"steps_suffice"}),
    ],
)
def test_each_gate_fires_on_its_own_numbers(change: dict[str, float], fires: set[str]) -> None:
    values = GOOD | change
    measured = []
    for column, value in values.items():
        if column != "clean":
            attack, radius = column.split()
            measured.append(gates.Measured(KINDS[attack].kind, KINDS[attack].name, float(radius), value))
    verdicts = gates.judge(values["clean"], measured, 0.1, chance=20)
    assert {gate.name for gate in verdicts if not gate.passed} == fires


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
    pgd = SETTINGS.pgd.model_copy(update={"restarts": restarts, "steps": 1, "more_steps": 2})
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
    sweep.sweep(Linear(), images(70), settings, tell=lambda done, of, *_: told.append((done, of)))
    assert told == [(0, 3), (1, 3), (2, 3), (3, 3)]


def test_curves_start_at_the_clean_accuracy_and_carry_grey_levels() -> None:
    clean, fgsm, pgd = (statistics.wilson(right, 10) for right in (9, 5, 1))
    attacked = (
        results.Attacked("pgd", "PGD", 0.1, pgd, True),
        results.Attacked("fgsm", "FGSM", 0.1, fgsm, True),
    )
    rows: list[Any] = sweep.curves(results.Sweep({}, 10, "drawn", 20.0, clean, attacked, 0.1, ()))
    assert [(row["attack"], row["epsilon"], row["accuracy"]) for row in rows] == [
        ("FGSM", 0.0, 90.0),
        ("FGSM", 0.1, 50.0),
        ("PGD", 0.0, 90.0),
        ("PGD", 0.1, 10.0),
    ]
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
    for name in ("pgd 0.1", "pgd_more_steps 0.1"):
        assert 0 < (plain.predictions[name] == data.labels.numpy()).sum() < 90
        assert (plain.predictions[name] == guided.predictions[name]).all()


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
    assert told.pop("masking_suspected") == 0
    assert {name: told[name] for name in named} == pytest.approx({n: share(column) for n, column in named.items()})
    rest = {f"{row.key}_eps_0_1" for row in table.ATTACKS if 0.1 in row.metrics(SETTINGS)}
    assert told.keys() == named.keys() | rest
    assert {f"{row.attack} {row.epsilon:g}" for row in found.attacks} | {"clean"} == set(swept.predictions)
    assert sweep.gate_metrics(found) == {gate.name: gate.passed for gate in found.gates} | {
        "pgd_more_steps": pytest.approx(share("pgd_more_steps 0.1"))
    }
    masked = sweep.result(sweep.sweep(Overfitted(), data, SETTINGS), labels, "drawn", SETTINGS)
    assert masked.metrics["masking_suspected"] == 1


def test_one_more_attack_is_one_more_row() -> None:
    """Half a step of FGSM, in columns, accuracies and metrics."""
    half = table.Attack(
        key="half",
        name="half a step",
        kind=table.Kind.STEP,
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
