"""Defences that only look like one, made of a small trained classifier: each fires its gates, the classifier itself
none; and the attack that knows them breaks them."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from visrep.audit import audit, signs, verdict
from visrep.audit.results import Audit
from visrep.data import pixels
from visrep.data.embedded import handwritten_digits
from visrep.data.store import ImageSet
from visrep.digits import cnn, defences, labelled, masked, sweep
from visrep.digits.masked import MASKS
from visrep.machine import device
from visrep.machine.randomness import generator
from visrep.settings.audit import Audit as Settings
from visrep.settings.defences import Defence
from visrep.settings.digits import FgsmSweep, TrainCNN
from visrep.settings.runtime import Runtime
from visrep.stage import params
from visrep.training import weights

EPSILON = 0.1
SWEEP = FgsmSweep.model_validate(
    {
        "seed": 0,
        "batch_size": 100,
        "epsilons": (EPSILON,),
        "gate_epsilon": EPSILON,
        "pgd": {"epsilons": (EPSILON,), "steps": 10, "step_share": 0.25, "restarts": 1},
    }
)
AUDIT = Settings(seed=0, images=200, batch_size=100, epsilons=(EPSILON,), steps=20, targets=3, queries=None)


@pytest.fixture(scope="module")
def digits() -> ImageSet:
    drawn = handwritten_digits.generate(0, 800, 60)
    return drawn._replace(test=drawn.train)


@pytest.fixture(scope="module")
def honest(digits: ImageSet) -> cnn.ConvNet:
    """Trained for some seconds, on the very images that are attacked."""
    config = {"channels": [6, 12], "depth": 1, "hidden": 24, "dropout": 0.0, "classes": 10}
    model = weights.fresh(cnn.ConvNet, config, generator("cpu", "network"))
    optimizer = torch.optim.Adam(model.parameters(), 0.003)
    data = labelled.labelled(digits.train, torch.device("cpu"))
    for epoch in range(10):
        for chosen in torch.randperm(len(data.labels), generator=generator("cpu", epoch)).split(60):
            optimizer.zero_grad()
            F.cross_entropy(model(pixels.scaled(data.images[chosen])), data.labels[chosen]).backward()
            optimizer.step()
    return model.eval().requires_grad_(False)


def audited(network: masked.Classifier, source: nn.Module, digits: ImageSet) -> tuple[Audit, set[str]]:
    """What an audit says, and which gates fail."""
    data = labelled.labelled(digits.test, torch.device("cpu"))
    model = masked.for_evaluation(network).requires_grad_(False)
    answers = sweep.sweep(model, data, SWEEP, source)
    found = audit.audit(model, data, AUDIT, masked.surrogate(model))
    right, labels = data.at(torch.from_numpy(found.right(digits.test.labels, 500, 0)))
    seen = signs.signs(model, pixels.scaled(right), labels, EPSILON)
    told = verdict.result(found, answers, digits, AUDIT, SWEEP, len(labels), seen, ())
    return told, {gate.name for gate in told.failed()}


def behind(mask: str, strength: float) -> Callable[[cnn.ConvNet], masked.Classifier]:
    """The same weights behind a mask."""

    def make(network: cnn.ConvNet) -> masked.Classifier:
        made = masked.Masked(mask, strength, network.config)
        made.network.load_state_dict(network.state_dict())
        return made.eval()

    return make


def test_the_classifier_itself_fires_none(honest: cnn.ConvNet, digits: ImageSet) -> None:
    found, failed = audited(honest, honest, digits)
    assert failed == set()
    assert found.left(EPSILON).value < 50 < 90 < found.clean.value


@pytest.mark.parametrize(
    ("make", "fires", "breaks"),
    [
        (behind("levels", 8), {"gradient_not_zero", "loss_rises_nearby", "black_box_no_stronger"}, "adaptive"),
        (behind("ripple", 0.05), {"gradient_keeps_promise", "pgd_near_audit"}, "apgd_ce"),
        (lambda net: cnn.sharpened(net, 100), {"gradient_not_zero", "margin_loss_no_stronger"}, "apgd_t"),
    ],
    ids=["quantised", "rippled", "sharpened"],
)
def test_each_looks_robust_and_breaks(
    make: Callable[[cnn.ConvNet], masked.Classifier],
    fires: set[str],
    breaks: str,
    honest: cnn.ConvNet,
    digits: ImageSet,
) -> None:
    found, failed = audited(make(honest), honest, digits)
    assert fires <= failed
    assert found.pgd.value - found.left(EPSILON).value >= 30
    by_attack = {"pgd": found.pgd.value} | {row.attack: row.accuracy.value for row in found.attacks}
    before = list(by_attack.values())[list(by_attack).index(breaks) - 1]
    assert before - by_attack[breaks] >= 20


@pytest.mark.parametrize(("mask", "strength"), [("levels", 8), ("ripple", 0.05)])
def test_a_stand_in_answers_alike_and_has_the_networks_gradient(
    mask: str, strength: float, honest: cnn.ConvNet, digits: ImageSet
) -> None:
    model = behind(mask, strength)(honest)
    stand_in = masked.surrogate(model)
    assert stand_in is not None and masked.surrogate(honest) is None
    x = pixels.scaled(torch.from_numpy(digits.test.images[:20].copy()))
    torch.testing.assert_close(stand_in(x), model(x), atol=1e-4, rtol=1e-4)

    def gradient(of: Callable[[torch.Tensor], torch.Tensor], at: torch.Tensor) -> torch.Tensor:
        at = at.detach().requires_grad_()
        (back,) = torch.autograd.grad(of(at)[:, 0].sum(), at)
        return back

    torch.testing.assert_close(gradient(stand_in, x), gradient(honest, MASKS[mask](x, strength)), atol=1e-4, rtol=1e-3)


def test_rounding_is_to_the_nearest_level() -> None:
    x = torch.linspace(-1, 1, 1001)
    levels = torch.linspace(-1, 1, 6)
    nearest = levels[(x[:, None] - levels).abs().argmin(1)]
    away = (x[:, None] - levels).abs().sort(1).values
    clear = away[:, 1] - away[:, 0] > 1e-4  # not half way between two
    torch.testing.assert_close(masked.rounded(x, 6)[clear], nearest[clear])


def test_distillation_learns_the_teachers_probabilities_and_sharpens(
    honest: cnn.ConvNet, digits: ImageSet, tmp_path: Path
) -> None:
    """The student of a teacher that calls everything a three calls everything a three, a hundred times as loudly."""
    teacher = cnn.ConvNet(**honest.config)
    with torch.no_grad():
        for parameter in teacher.parameters():
            parameter.zero_()
        teacher.head[-1].bias[3] = 20.0  # type: ignore[union-attr,operator]
    settings = params.check(
        params.load()["train_cnn"]
        | {"epochs": 1, "batch_size": 60, "model": {"channels": [6, 12], "depth": 1, "hidden": 24, "dropout": 0.0}},
        TrainCNN,
    )
    machine = device.prepare(Runtime(device="cpu", threads=1, bf16=False, channels_last=False))
    made = {}
    for temperature in (1.0, 100.0):
        defence = Defence(of="train_cnn", temperature=temperature)
        checkpoint = tmp_path / f"{temperature}.pt"
        made[temperature] = defences.train(
            defence, settings, digits, teacher.eval(), machine, checkpoint, lambda *_: None
        )
    x = pixels.scaled(torch.from_numpy(digits.test.images[:50].copy()))
    plain, sharp = (made[temperature].model(x) for temperature in (1.0, 100.0))
    assert (plain.argmax(1) == 3).all()
    torch.testing.assert_close(sharp, 100 * plain, rtol=1e-3, atol=1e-2)
