"""A linear model, on which every attack is optimal, passes every gate; models that mislead attacks fail the right
ones."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from visrep.audit import audit, gates, signs, verdict
from visrep.audit.gates import Evidence
from visrep.audit.results import Audit, Signs
from visrep.data.pixels import scaled
from visrep.data.store import ImageSet, split
from visrep.digits import sweep
from visrep.digits.labelled import labelled
from visrep.machine.randomness import generator
from visrep.settings.audit import Audit as Settings
from visrep.settings.digits import FgsmSweep

SWEEP = FgsmSweep.model_validate(
    {
        "seed": 0,
        "batch_size": 100,
        "epsilons": (0.01, 0.1, 0.2),
        "gate_epsilon": 0.1,
        "pgd": {"epsilons": (0.1,), "steps": 10, "step_share": 0.25, "restarts": 1},
    }
)
AUDIT = Settings(seed=0, images=200, batch_size=100, epsilons=(0.05, 0.1), steps=20, targets=9, queries=100)
DIRECTION = torch.sign(torch.randn(3, 32, 32, generator=generator("cpu", "direction")))


def images(farthest: float = 0.3) -> ImageSet:
    """Two classes that lie on both sides of a plane, at many distances: grey images moved along one direction."""
    count = 300
    rng = generator("cpu", "images")
    labels = torch.randint(2, (count,), generator=rng)
    strength = torch.rand(count, generator=rng) * farthest + 0.005
    moved = DIRECTION * (strength * (labels * 2 - 1))[:, None, None, None]
    noise = torch.randn(moved.shape, generator=rng) * 0.02
    levels = ((moved + noise + 1) * 127.5).round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).contiguous()
    part = split(levels.numpy(), labels.numpy())
    return ImageSet(part, part, ("below", "above"), "drawn", {})


def distances() -> np.ndarray:
    """Of the images from the plane, in the L-infinity norm: the closed form of every attack."""
    data = labelled(images().test, torch.device("cpu"))
    score = (scaled(data.images) * DIRECTION).mean((1, 2, 3)) * (data.labels * 2 - 1)
    return score.numpy()


class Linear(nn.Module):
    """Right on all clean images; an attack of radius epsilon turns those that lie nearer to the plane than that."""

    farthest = 0.3  # of the images, from the plane

    def score(self, x: Tensor) -> Tensor:
        return (x * DIRECTION).mean((1, 2, 3)) * 5

    def forward(self, x: Tensor) -> Tensor:
        score = self.score(x)
        return torch.stack([-score, score], 1)


class Shattered(Linear):
    """The same decisions, but a fine wave in the way: its gradient points nowhere."""

    def forward(self, x: Tensor) -> Tensor:
        ripple = torch.sin(1e4 * x * DIRECTION.flip(1)).mean((1, 2, 3))  # tiny, but it owns the gradient
        return super().forward(x) + torch.stack([ripple, -ripple], 1) * 1e-3


class Rounded(Linear):
    """The same decisions on pixels rounded to few levels: its gradient is zero."""

    def score(self, x: Tensor) -> Tensor:
        return super().score((x * 20).round() / 20)


class Saturated(Linear):
    """The same decisions with logits so large that float32 knows no doubt."""

    def score(self, x: Tensor) -> Tensor:
        return super().score(x) * 1e4


class Overfitted(Linear):
    """Near the plane it withstands one full step of FGSM and falls to smaller ones: farther along its answer turns
    back."""

    farthest = 0.035

    def score(self, x: Tensor) -> Tensor:
        return torch.sin((x * DIRECTION).mean((1, 2, 3)) * 60)


class Random(Linear):
    """The same decisions, and chance in the logits."""

    def score(self, x: Tensor) -> Tensor:
        return super().score(x) + torch.rand(len(x)) * 1e-4


class Probabilities(Linear):
    """A softmax at the output."""

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(x).softmax(1)


class Optimising(Linear):
    """Takes a gradient step of its own before it answers."""

    def forward(self, x: Tensor) -> Tensor:
        with torch.enable_grad():
            moved = x.detach().requires_grad_()
            (back,) = torch.autograd.grad(super().forward(moved).square().sum(), moved)
        return super().forward(x - 1e-4 * back)


def judged(model: Linear, source: nn.Module | None = None) -> tuple[set[str], Audit]:
    """The names of the gates that fail."""
    digits = images(model.farthest)
    data = labelled(digits.test, torch.device("cpu"))
    answers = sweep.sweep(model, data, SWEEP, source)
    audited = audit.audit(model, data, AUDIT)
    right, labels = data.at(torch.from_numpy(audited.right(digits.test.labels, 500, 0)))
    seen = signs.signs(model, scaled(right), labels, 0.1)
    lines = signs.lines(model, scaled(right), labels, 0.1, generator("cpu", "lines"))
    found = verdict.result(audited, answers, digits, AUDIT, SWEEP, len(labels), seen, lines)
    return {gate.name for gate in found.failed()}, found


def test_every_gate_passes_for_a_linear_model() -> None:
    failed, found = judged(Linear(), Linear())
    assert failed == set()
    assert len(found.gates) == 14
    chosen = distances()[np.sort(np.random.default_rng(0).permutation(300)[:200])]
    for epsilon in (0.05, 0.1):
        assert found.left(epsilon).value == pytest.approx(100 * float((chosen > epsilon).mean()), abs=1)
    assert 20 < found.left(0.1).value < 90
    assert found.metrics["median_radius"] == pytest.approx(float(np.median(chosen)), rel=0.03)
    assert found.metrics["worst_eps_0_05"] == found.left(0.05)
    assert [one.accuracy.value for one in found.curve] == sorted(
        (one.accuracy.value for one in found.curve), reverse=True
    )


@pytest.mark.parametrize(
    ("model", "must"),
    [
        (Shattered, {"gradient_keeps_promise", "pgd_near_audit"}),
        (Rounded, {"gradient_not_zero", "loss_rises_nearby", "black_box_no_stronger"}),
        (Saturated, {"gradient_not_zero", "loss_rises_nearby", "margin_loss_no_stronger", "pgd_near_audit"}),
        (Overfitted, {"no_return_on_the_way"}),
        (Random, {"same_answer_twice"}),
        (Probabilities, {"logits_not_probabilities"}),
        (Optimising, {"no_optimisation_inside"}),
    ],
)
def test_each_kind_of_masking_fires_its_gates(model: Callable[[], Linear], must: set[str]) -> None:
    failed, found = judged(model(), Linear())
    assert found.clean.value > 95
    assert must <= failed, failed


GOOD = Evidence(
    clean=90.0,
    chance=20.0,
    noise=88.0,
    fgsm=50.0,
    pgd=45.0,
    weakest=89.0,
    far=3.0,
    apgd_ce=42.0,
    apgd_t=40.0,
    worst=39.0,
    only_black_box=0.5,
    black_boxes=("noise",),
)
NOTHING = Signs(False, False, False, 0.0, 0.0, 0.0, 0.0)


@pytest.mark.parametrize(
    ("change", "sign", "fires"),
    [
        ({}, {}, set()),
        ({}, {"random_outputs": True}, {"same_answer_twice"}),
        ({}, {"probabilities": True}, {"logits_not_probabilities"}),
        ({}, {"optimises": True}, {"no_optimisation_inside"}),
        ({}, {"zero_gradient": 99.0}, {"gradient_not_zero"}),
        ({}, {"wild_gradient": 99.0}, {"gradient_keeps_promise"}),
        ({}, {"flat_loss": 99.0}, {"loss_rises_nearby"}),
        ({}, {"right_again": 99.0}, {"no_return_on_the_way"}),
        ({"apgd_ce": 90.0}, {}, {"margin_loss_no_stronger"}),
        ({"only_black_box": 60.0}, {}, {"black_box_no_stronger"}),
        ({"pgd": 52.0, "worst": 49.0}, {}, {"order"}),
        ({"fgsm": 92.0, "noise": 92.0}, {}, {"order"}),
        ({"worst": 47.0}, {}, {"order"}),
        ({"weakest": 92.0}, {}, {"no_label_leaking"}),
        ({"noise": 30.0}, {}, {"noise_hurts_least"}),
        ({"far": 25.0}, {}, {"far_falls_to_chance"}),
        ({"worst": 5.0}, {}, {"pgd_near_audit"}),
    ],
)
def test_each_gate_fires_on_its_own_numbers(change: dict[str, float], sign: dict[str, float], fires: set[str]) -> None:
    verdicts = gates.verdicts(replace(GOOD, **change), replace(NOTHING, **sign))  # type: ignore[arg-type]
    assert {gate.name for gate in verdicts if not gate.passed} == fires


def test_the_loss_of_a_linear_model_rises_straight_along_its_gradient() -> None:
    """Cross entropy of two logits -s and s is log(1 + exp(-2 s)) of the right side, and s changes by 5 epsilon."""
    _, found = judged(Linear())
    along = [line for line in found.lines if line.direction == signs.DIRECTIONS[0]]
    wrong_free = distances()[np.sort(np.random.default_rng(0).permutation(300)[:200])]
    for line in along:
        expected = np.median(np.log1p(np.exp(-10 * (wrong_free - line.distance))))
        assert line.loss == pytest.approx(float(expected), rel=0.02)
    across = [line.loss for line in found.lines if line.direction == signs.DIRECTIONS[2]]
    assert max(across) - min(across) < 0.1 * (along[-1].loss - along[0].loss)
