"""The attacks of the audit against closed forms, AutoAttack's own code and foolbox."""

from statistics import mean

import foolbox
import pytest
import torch
from pyautoattack.autopgd_base import APGDAttack, APGDAttack_targeted
from pyautoattack.square import SquareAttack
from torch import Tensor, nn
from torch.nn import functional as F

from visrep.audit import apgd, minimal, square
from visrep.data import pixels
from visrep.data.embedded import handwritten_digits
from visrep.digits import attacks
from visrep.machine.randomness import generator

EPSILON = 0.1
N, STEPS, TARGETS = 500, 100, 3
Batch = tuple[nn.Module, Tensor, Tensor]


@pytest.fixture(scope="module")
def batch() -> Batch:
    """A small network, trained for a second on handwritten digits, and 500 of them that it reads rightly."""
    drawn = handwritten_digits.generate(0, 800, 60)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = nn.Sequential(nn.AvgPool2d(4), nn.Flatten(), nn.Linear(192, 32), nn.ReLU(), nn.Linear(32, 10))
    optimizer = torch.optim.Adam(model.parameters(), 0.003)
    images, labels = (torch.from_numpy(array.copy()) for array in (drawn.train.images, drawn.train.labels))
    x = pixels.scaled(images).contiguous()
    for epoch in range(20):
        for chosen in torch.randperm(len(labels), generator=generator("cpu", epoch)).split(60):
            optimizer.zero_grad()
            F.cross_entropy(model(x[chosen]), labels[chosen]).backward()
            optimizer.step()
    model.eval().requires_grad_(False)
    chosen = torch.nonzero(model(x).argmax(1) == labels).flatten()[:N]
    assert len(chosen) == N
    return model, x[chosen], labels[chosen]


class Linear(nn.Module):
    """Two classes on both sides of a plane."""

    def __init__(self) -> None:
        super().__init__()
        self.w = torch.randn(3 * 32 * 32, generator=generator("cpu", "linear")) / 100  # so that no softmax saturates

    def forward(self, x: Tensor) -> Tensor:
        score = x.flatten(1) @ self.w
        return torch.stack([-score, score], 1)


def plane(count: int = 60) -> tuple[Linear, Tensor, Tensor, Tensor]:
    """Mid-grey images at all distances from the plane, no pixel near the bounds; the distances."""
    model = Linear()
    distance = torch.linspace(0.005, 0.2, count)
    side = torch.arange(count) % 2 * 2 - 1
    x = (distance * side)[:, None] * torch.sign(model.w)
    return model, x.view(-1, 3, 32, 32), (side > 0).long(), distance


def right(model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    return model(x).argmax(1) == y


def percent(verdicts: Tensor) -> float:
    return 100 * float(verdicts.double().mean())


def test_apgd_falls_on_a_plane_as_far_as_it_can() -> None:
    model, x, y, distance = plane()
    for loss in (apgd.cross_entropy, apgd.margin, apgd.targeted_dlr):
        start = attacks.noise(x, 0.1, generator("cpu", "start"))
        moved = apgd.apgd(model, x, y, 0.1, 20, start, loss, 1 - y)
        attacks.bounded(moved, x, 0.1)
        assert right(model, moved, y).tolist() == (distance > 0.1).tolist()


def test_the_checkpoints_are_those_of_the_paper() -> None:
    assert sorted(apgd.checkpoints(100))[:9] == [22, 41, 57, 70, 80, 87, 93, 99, 105]


def test_the_losses_are_their_equations() -> None:
    logits = torch.randn(50, 6, generator=generator("cpu", "logits"))
    y, target = torch.arange(50) % 6, (torch.arange(50) + 2) % 6
    for z, label, other, ours in zip(logits, y, target, apgd.targeted_dlr(logits, y, target), strict=True):
        first, _, third, fourth, *_ = sorted(z.tolist(), reverse=True)
        expected = -(z[label] - z[other]) / (first - (third + fourth) / 2)
        assert float(ours) == pytest.approx(float(expected), rel=1e-5)
    three = apgd.targeted_dlr(logits[:, :3], y % 3, target % 3)
    ordered = logits[:, :3].sort(1, descending=True).values
    margin = apgd.margin(logits[:, :3], y % 3, target % 3)
    torch.testing.assert_close(three, margin / (ordered[:, 0] - ordered[:, 2]))
    torch.testing.assert_close(
        apgd.targeted_dlr(logits[:, :2], y % 2, 1 - y % 2), apgd.margin(logits[:, :2], y % 2, 1 - y % 2)
    )


def test_apgds_are_as_strong_as_autoattacks(batch: Batch) -> None:
    """Each within a point on 500 images, the worst case of both within half a point."""
    model, x, y = batch
    rng = generator("cpu", "start")
    first = right(model, apgd.apgd(model, x, y, EPSILON, STEPS, attacks.noise(x, EPSILON, rng)), y)
    second = apgd.towards_each(model, x, y, EPSILON, STEPS, TARGETS, rng)
    attacks.bounded(second, x, EPSILON)
    in_unit = {"n_iter": STEPS, "eps": EPSILON / 2, "seed": 0, "device": "cpu"}
    one = APGDAttack(lambda z: model(z * 2 - 1), **in_unit).perturb((x + 1) / 2, y)
    other = APGDAttack_targeted(lambda z: model(z * 2 - 1), n_target_classes=TARGETS, **in_unit).perturb((x + 1) / 2, y)
    theirs = [right(model, moved * 2 - 1, y) for moved in (one, other)]
    ours = [first, right(model, second, y)]
    assert 10 < percent(ours[1]) < 90
    for mine, reference in zip(ours, theirs, strict=True):
        assert percent(mine) == pytest.approx(percent(reference), abs=1)
    assert percent(ours[0] & ours[1]) == pytest.approx(percent(theirs[0] & theirs[1]), abs=0.5)


def test_square_is_as_strong_as_autoattacks(batch: Batch) -> None:
    model, x, y = batch
    queries = 1000
    ours, theirs = [], []
    for seed in range(4):  # each run is a matter of chance, theirs most, where all images share one square
        moved = square.square(model, x, y, 2 * EPSILON, queries, generator("cpu", seed))
        attacks.bounded(moved, x, 2 * EPSILON)
        ours.append(percent(right(model, moved, y)))
        attack = SquareAttack(
            lambda z: model(z * 2 - 1), n_queries=queries, eps=EPSILON, p_init=0.8, seed=seed, device="cpu"
        )
        theirs.append(percent(right(model, attack.perturb((x + 1) / 2, y) * 2 - 1, y)))
    assert 10 < mean(ours) < 95
    assert mean(ours) == pytest.approx(mean(theirs), abs=2)


def test_squares_shrink_as_the_paper_says() -> None:
    assert [square.share(k, 10_000) for k in (1, 10, 11, 51, 501, 8001)] == pytest.approx(
        [0.8, 0.8, 0.4, 0.2, 0.05, 0.8 / 512]
    )
    assert square.share(26, 5000) == square.share(52, 10_000)


def test_the_least_move_on_a_plane_is_the_distance() -> None:
    model, x, y, distance = plane()
    radius, moved = minimal.minimal(model, x, y, 100)
    assert not right(model, moved, y).any()
    assert radius.tolist() == pytest.approx(distance.tolist(), rel=0.05, abs=1e-3)
    torch.testing.assert_close((moved - x).abs().amax((1, 2, 3)), radius)


def test_the_least_moves_are_foolboxs(batch: Batch) -> None:
    model, x, y = batch
    x, y = x[:200], y[:200]
    ours, _ = minimal.minimal(model, x, y, 60)
    bounded = foolbox.PyTorchModel(model, bounds=(-1, 1), device="cpu")
    _, reference, _ = foolbox.attacks.LInfFMNAttack(steps=60)(bounded, x, y, epsilons=None)
    theirs = (reference - x).abs().amax((1, 2, 3))
    assert float(ours.median()) == pytest.approx(float(theirs.median()), rel=0.05)


def test_what_is_wrong_already_is_left_alone(batch: Batch) -> None:
    model, x, y = batch
    wrong = (y + 1) % 10
    torch.testing.assert_close(apgd.apgd(model, x, wrong, EPSILON, 5, x), x)
    radius, _ = minimal.minimal(model, x, wrong, 5)
    assert (radius == 0).all()


def test_images_without_a_gradient_are_given_up_at_the_first_checkpoint() -> None:
    """Their attack would stay where it is. The first of 50 steps is checked after 11: 0.22 of them."""
    passes: list[int] = []

    def flat(x: Tensor) -> Tensor:
        passes.append(len(x))
        return torch.tensor([1.0, 0.0]).expand(len(x), 2) + 0 * x.sum((1, 2, 3))[:, None]

    x = torch.zeros(4, 3, 8, 8)
    start = attacks.noise(x, EPSILON, generator("cpu", 0))
    moved = apgd.apgd(flat, x, torch.zeros(4, dtype=torch.int64), EPSILON, 50, start)
    torch.testing.assert_close(moved, start)
    assert len(passes) == 12
