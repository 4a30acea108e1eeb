"""Attacks against closed forms and foolbox."""

import foolbox
import numpy as np
import pytest
import torch
from torch import Tensor, nn

from visrep.digits import attacks, cnn
from visrep.machine.randomness import generator
from visrep.training import weights

EPSILONS = [0.01, 0.1, 0.3, 1.0]


@pytest.fixture
def network() -> cnn.ConvNet:
    config = {"channels": [4, 8], "depth": 1, "hidden": 16, "dropout": 0.5, "classes": 10}
    return weights.fresh(cnn.ConvNet, config, generator("cpu", "network")).eval().requires_grad_(False)


@pytest.fixture
def batch() -> tuple[Tensor, Tensor]:
    """Images with many pixels at and near the bounds, so that clipping matters."""
    rng = generator("cpu", "batch")
    x = (torch.rand(12, 3, 32, 32, generator=rng) * 2.6 - 1.3).clamp(-1, 1)
    return x, torch.randint(10, (12,), generator=rng)


def linear(seed: str = "linear") -> tuple[nn.Module, Tensor]:
    """logits = (w x, 0): the cross entropy of class 0 falls along w."""
    w = torch.randn(3 * 32 * 32, generator=generator("cpu", seed)) / 100  # so that no softmax saturates

    class Linear(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            score = x.flatten(1) @ w
            return torch.stack([score, torch.zeros_like(score)], 1)

    return Linear(), w.view(3, 32, 32)


@pytest.mark.parametrize("epsilon", EPSILONS)
def test_fgsm_on_a_linear_model_is_known(batch: tuple[Tensor, Tensor], epsilon: float) -> None:
    model, w = linear()
    x, _ = batch
    y = torch.arange(12) % 2
    direction = torch.where(y == 0, -1.0, 1.0)[:, None, None, None] * torch.sign(w)
    expected = torch.clamp(x + epsilon * direction, -1, 1)
    torch.testing.assert_close(attacks.fgsm(model, x, y, epsilon), expected, rtol=0, atol=0)


@pytest.mark.parametrize("epsilon", EPSILONS)
def test_fgsm_is_foolboxs(network: nn.Module, batch: tuple[Tensor, Tensor], epsilon: float) -> None:
    x, y = batch
    theirs = foolbox.attacks.LinfFastGradientAttack(random_start=False)
    reference = theirs.run(foolbox.PyTorchModel(network, bounds=(-1, 1), device="cpu"), x, y, epsilon=epsilon)
    torch.testing.assert_close(attacks.fgsm(network, x, y, epsilon), reference, rtol=0, atol=1e-6)


@pytest.mark.parametrize("epsilon", [0.05, 0.3])
def test_pgd_is_foolboxs(network: nn.Module, batch: tuple[Tensor, Tensor], epsilon: float) -> None:
    x, y = batch
    theirs = foolbox.attacks.LinfPGD(steps=7, abs_stepsize=epsilon / 4, random_start=False)
    reference = theirs.run(foolbox.PyTorchModel(network, bounds=(-1, 1), device="cpu"), x, y, epsilon=epsilon)
    ours = attacks.pgd(network, x, y, epsilon, steps=7, step_size=epsilon / 4)
    assert float(((ours - reference).abs() > 1e-5).float().mean()) < 1e-3  # a sign may flip where the gradient is ~ 0


def test_fgsm_is_one_step_of_pgd(network: nn.Module, batch: tuple[Tensor, Tensor]) -> None:
    x, y = batch
    once = attacks.pgd(network, x, y, 0.1, steps=1, step_size=0.1)
    torch.testing.assert_close(once, attacks.fgsm(network, x, y, 0.1), rtol=0, atol=1e-7)


@pytest.mark.parametrize("epsilon", EPSILONS)
def test_every_attack_stays_in_the_ball_and_among_images(
    network: nn.Module, batch: tuple[Tensor, Tensor], epsilon: float
) -> None:
    x, y = batch
    rng = generator("cpu", "ball")
    start = attacks.noise(x, epsilon, rng)
    made = {
        "fgsm": attacks.fgsm(network, x, y, epsilon),
        "noise": attacks.noise(x, epsilon, rng),
        "pgd": attacks.pgd(network, x, y, epsilon, 5, epsilon, start),
        "until wrong": attacks.pgd_until_wrong(network, x, y, start, epsilon, 5, epsilon),
    }
    for name, attacked in made.items():
        distance = np.abs(attacked.numpy().astype(np.float64) - x.numpy()).max()
        assert distance <= epsilon + 1e-6, name
        assert distance >= 0.9 * epsilon, f"{name} does not use its radius"
        assert float(attacked.min()) >= -1, name
        assert float(attacked.max()) <= 1, name
        attacks.bounded(attacked, x, epsilon)


def test_leaving_the_ball_or_the_images_raises() -> None:
    x = torch.zeros(1, 3, 4, 4)
    with pytest.raises(ArithmeticError, match=r"0\.2 away"):
        attacks.bounded(x + 0.2, x, 0.1)
    with pytest.raises(ArithmeticError, match=r"1\.05"):
        attacks.bounded(x + 1.05, x + 1, 0.1)


def test_pgd_until_wrong_moves_only_what_still_stands(network: nn.Module, batch: tuple[Tensor, Tensor]) -> None:
    x, _ = batch
    right = network(x).argmax(1)
    wrong = (right + 1) % 10
    start = attacks.noise(x, 0.1, generator("cpu", "start"))
    fallen = attacks.pgd_until_wrong(network, x, wrong, start, 0.1, 5, 0.05)
    already = network(start).argmax(1) != wrong
    assert bool(already.any())
    torch.testing.assert_close(fallen[already], start[already], rtol=0, atol=0)


def test_pgd_until_wrong_is_at_least_as_strong_as_pgd(network: nn.Module, batch: tuple[Tensor, Tensor]) -> None:
    x, _ = batch
    y = network(x).argmax(1)
    for epsilon in (0.02, 0.1, 0.4):
        start = attacks.noise(x, epsilon, generator("cpu", 1))
        plain = attacks.pgd(network, x, y, epsilon, 8, epsilon / 4, start)
        until = attacks.pgd_until_wrong(network, x, y, start, epsilon, 8, epsilon / 4)
        standing_plain = (network(plain).argmax(1) == y).sum()
        assert int((network(until).argmax(1) == y).sum()) <= int(standing_plain)


def test_noise_is_uniform() -> None:
    x = torch.zeros(50, 3, 32, 32)
    drawn = attacks.noise(x, 0.5, generator("cpu", "uniform")).flatten()
    counts = torch.histc(drawn, bins=10, min=-0.5, max=0.5)
    assert float(drawn.abs().max()) <= 0.5
    assert float((counts / len(drawn) - 0.1).abs().max()) < 0.005


def test_n_fgsm_on_a_linear_model_is_noise_of_twice_the_radius_and_a_step() -> None:
    model, w = linear()
    x, y = torch.zeros(8, 3, 32, 32), torch.zeros(8, dtype=torch.int64)
    moved = attacks.n_fgsm(model, x, y, 0.1, generator("cpu", "n"))
    noise = (moved + 0.1 * torch.sign(w)) * torch.sign(w)  # against the step and along it: no ball cuts either
    assert -0.2 - 1e-6 <= float(noise.min()) < -0.199
    assert 0.199 < float(noise.max()) <= 0.2 + 1e-6


def test_looking_leaves_the_network_alone(batch: tuple[Tensor, Tensor]) -> None:
    config = {"channels": [4], "depth": 1, "hidden": 4, "dropout": 0.0, "classes": 10}
    network = weights.fresh(cnn.ConvNet, config, generator("cpu", "grad")).eval()
    attacks.gradient_sign(network, *batch)
    assert all(parameter.grad is None for parameter in network.parameters())


def test_one_look_serves_every_radius(network: nn.Module, batch: tuple[Tensor, Tensor]) -> None:
    x, y = batch
    sign, logits = attacks.gradient_sign(network, x, y)
    torch.testing.assert_close(logits, network(x), rtol=0, atol=0)
    for epsilon in EPSILONS:
        assert torch.equal(attacks.step(x, sign, epsilon), attacks.fgsm(network, x, y, epsilon))


def test_mi_fgsm_on_a_linear_model_is_fgsm() -> None:
    model, w = linear()
    x, y = torch.zeros(4, 3, 32, 32), torch.zeros(4, dtype=torch.long)
    torch.testing.assert_close(attacks.mi_fgsm(model, x, y, 0.1, 5), attacks.fgsm(model, x, y, 0.1), rtol=0, atol=1e-6)
    assert attacks.mi_fgsm(model, x, y, 0.1, 5).eq(0).sum() == 4 * (w == 0).sum()


def test_mi_fgsm_is_its_loop(network: nn.Module, batch: tuple[Tensor, Tensor]) -> None:
    """Image by image in float64, with norms as the paper has them."""
    x, y = batch
    network, found = network.double(), attacks.mi_fgsm(network.double(), x.double(), y, 0.1, 5)
    for image, label, ours in zip(x.double(), y, found, strict=True):
        moved, summed = image.clone(), torch.zeros_like(image)
        for _ in range(5):
            moved.requires_grad_()
            (slope,) = torch.autograd.grad(-network(moved[None]).log_softmax(1)[0, label], moved)
            summed += slope / slope.abs().sum()
            moved = (moved.detach() + 0.02 * summed.sign()).clamp(image - 0.1, image + 0.1).clamp(-1, 1)
        torch.testing.assert_close(ours, moved, rtol=0, atol=1e-9)


def test_without_a_gradient_mi_fgsm_stays() -> None:
    x = torch.zeros(2, 3, 32, 32)
    moved = attacks.mi_fgsm(lambda x: x.flatten(1)[:, :2] * 0, x, torch.zeros(2, dtype=torch.long), 0.1, 3)
    assert torch.equal(moved, x)
