"""The ways of adversarial training against passes written out by hand."""

from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as F

import tiny
from visrep.data.pixels import scaled
from visrep.digits import adversarial, attacks, cnn
from visrep.digits.labelled import Labelled
from visrep.machine.randomness import generator
from visrep.settings.digits import AdvTrain
from visrep.stage import params
from visrep.training import weights

CONFIG = {"channels": [4, 6], "depth": 1, "hidden": 10, "dropout": 0.0, "classes": 10}


METHODS: dict[str, dict[str, Any]] = {
    "fgsm_mix": {"alpha": 0.8, "fused": False},
    "n_fgsm": {},
    "pgd": {"steps": 3, "step_size": 0.05},
    "trades": {"steps": 3, "step_size": 0.05, "beta": 6.0},
}


def settings(method: str, options: dict[str, Any] | None = None, **change: Any) -> AdvTrain:
    change |= {"augment": {"shift": 0.0}, "method": {"name": method, **METHODS[method], **(options or {})}}
    return params.check(tiny.merge(tiny.study()["adv_train"], change), AdvTrain)


@pytest.fixture
def data() -> Labelled:
    rng = generator("cpu", "data")
    images = torch.randint(0, 256, (20, 32, 32, 3), generator=rng, dtype=torch.uint8)
    return Labelled(images, torch.randint(10, (20,), generator=rng))


def network() -> cnn.ConvNet:
    """Without batch norm, whose statistics would depend on the order of the passes."""
    model = weights.fresh(cnn.ConvNet, CONFIG, generator("cpu", "network"))
    for block in model.features:
        block[1] = nn.Identity()
    return model.train()


def gradients(model: nn.Module) -> Tensor:
    return torch.cat([p.grad.flatten() for p in model.parameters() if p.grad is not None])


def by_hand(alpha: float, epsilon: float, data: Labelled) -> Tensor:
    """Three passes: attack, clean loss, attacked loss."""
    model, x = network(), scaled(data.images)
    leaf = x.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(F.cross_entropy(model(leaf), data.labels), leaf)
    attacked = (x + epsilon * gradient.sign()).clamp(-1, 1)
    loss = alpha * F.cross_entropy(model(x), data.labels)
    loss = loss + (1 - alpha) * F.cross_entropy(model(attacked), data.labels)
    loss.backward()
    return gradients(model)


@pytest.mark.parametrize("alpha", [0.8, 0.2])
@pytest.mark.parametrize("fused", [False, True])
def test_the_mixed_step_is_three_passes(data: Labelled, alpha: float, fused: bool) -> None:
    model = network()
    objective = adversarial.Objective(data, settings("fgsm_mix", {"alpha": alpha, "fused": fused}, ramp_epochs=0))
    scalars = objective(model, torch.arange(20), generator("cpu", 0), 1.0)
    torch.testing.assert_close(gradients(model), by_hand(alpha, 0.1, data), rtol=1e-4, atol=1e-6)
    assert set(scalars) == {"loss", "accuracy", "attacked_accuracy"}


def test_alpha_zero_cannot_be_fused() -> None:
    with pytest.raises(Exception, match="alpha 0 leaves no clean loss to fuse"):
        settings("fgsm_mix", {"alpha": 0.0, "fused": True})


@pytest.mark.parametrize("method", ["n_fgsm", "pgd", "fgsm_mix"])
def test_the_radius_grows_with_the_ramp(data: Labelled, method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    radii: list[float] = []

    def watched(original: Any) -> Any:
        def attack(model: Any, x: Tensor, y: Tensor, epsilon: float, *rest: Any, **named: Any) -> Tensor:
            radii.append(epsilon)
            return original(model, x, y, epsilon, *rest, **named)

        return attack

    for name in ("n_fgsm", "pgd", "fgsm"):
        monkeypatch.setattr(attacks, name, watched(getattr(attacks, name)))
    objective = adversarial.Objective(data, settings(method, ramp_epochs=4.0, epochs=9))
    for time in (0.0, 1.0, 4.0, 9.0):
        objective(network(), torch.arange(20), generator("cpu", 0), time)
    assert radii == pytest.approx([0.0, 0.025, 0.1, 0.1])


@pytest.mark.parametrize("method", ["n_fgsm", "pgd"])
def test_the_descent_is_on_the_attacked_images(data: Labelled, method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever the attack returns is what is learnt."""
    attacked = torch.rand(20, 3, 32, 32, generator=generator("cpu", "attacked")) * 2 - 1
    monkeypatch.setattr(attacks, method, lambda *_, **__: attacked)
    model, other = network(), network()
    scalars = adversarial.Objective(data, settings(method))(model, torch.arange(20), generator("cpu", 0), 9.0)
    loss = F.cross_entropy(other(attacked), data.labels)
    loss.backward()
    torch.testing.assert_close(gradients(model), gradients(other), rtol=0, atol=0)
    right = (other(attacked).argmax(1) == data.labels).double().mean() * 100
    assert (float(scalars["loss"]), float(scalars["attacked_accuracy"])) == pytest.approx(
        (float(loss.detach()), float(right))
    )


def test_steps_of_pgd_grow_with_the_ramp(data: Labelled, monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[float] = []

    def watched(
        model: Any, x: Tensor, y: Tensor, epsilon: float, steps: int, step_size: float, start: Tensor
    ) -> Tensor:
        sizes.append(step_size)
        return x

    monkeypatch.setattr(attacks, "pgd", watched)
    chosen = settings("pgd", ramp_epochs=4.0, epochs=9)
    for time in (1.0, 2.0, 9.0):
        adversarial.Objective(data, chosen)(network(), torch.arange(20), generator("cpu", 0), time)
    assert sizes == pytest.approx([METHODS["pgd"]["step_size"] * share for share in (0.25, 0.5, 1.0)])


def test_pgd_training_attacks_the_network_as_it_will_be_used(data: Labelled) -> None:
    """The attack neither moves batch statistics nor draws dropout: only the descent on the attacked batch does."""
    model = weights.fresh(cnn.ConvNet, CONFIG | {"dropout": 0.5}, generator("cpu", 0)).train()
    adversarial.Objective(data, settings("pgd"))(model, torch.arange(20), generator("cpu", 0), 9.0)
    assert int(model.features[0][1].num_batches_tracked) == 1
    assert model.training


def test_validation_is_counted_image_by_image(data: Labelled) -> None:
    model = network().eval()
    pgd = settings("pgd").validation_pgd
    found = adversarial.validate(model, data, 0.1, pgd, seed=0)
    x = scaled(data.images)
    clean = sum(int(model(x[i : i + 1]).argmax()) == int(data.labels[i]) for i in range(20))
    fgsm = sum(
        int(model(attacks.fgsm(model, x[i : i + 1], data.labels[i : i + 1], 0.1)).argmax()) == int(data.labels[i])
        for i in range(20)
    )
    starts = attacks.noise(x, 0.1, generator("cpu", 0, "validation attack"))
    stands = 0
    for i in range(20):
        image, y, moved = x[i : i + 1], data.labels[i : i + 1], starts[i : i + 1]
        seen = [image, moved]
        for _ in range(pgd.steps):
            moved = attacks.project(moved + pgd.step_size * attacks.gradient_sign(model, moved, y)[0], image, 0.1)
            seen.append(moved)
        stands += all(int(model(one).argmax()) == int(y) for one in seen)
    assert (found["val_clean"], found["val_fgsm"], found["val_pgd"]) == pytest.approx((clean * 5, fgsm * 5, stands * 5))
    assert found == adversarial.validate(model, data, 0.1, pgd, seed=0)


def test_a_defence_starts_from_the_classifier_or_from_scratch() -> None:
    trained = weights.fresh(cnn.ConvNet, CONFIG | {"dropout": 0.4}, generator("cpu", "trained"))
    started = adversarial._started(settings("pgd", model={"init": "cnn", "dropout": 0.0}), trained, 10)
    assert started.config == trained.config | {"dropout": 0.0}
    assert all(torch.equal(value, started.state_dict()[name]) for name, value in trained.state_dict().items())
    scratch = adversarial._started(settings("pgd", model={"init": "scratch", **tiny.MODEL}), trained, 7)
    assert scratch.config == tiny.MODEL | {"classes": 7}
