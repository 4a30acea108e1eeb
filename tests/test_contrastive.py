"""InfoNCE against loops in float64 and against lightly, its chance, bound and preconditions; classification is the same
loss."""

import math

import numpy as np
import pytest
import torch
from lightly.loss import NTXentLoss
from torch import Tensor
from torch.nn import functional as F

from visrep.shapes import contrastive


def features(count: int, dimensions: int, seed: int = 0, dtype: torch.dtype = torch.float64) -> Tensor:
    return torch.randn(count, dimensions, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def pairs(count: int = 6, dimensions: int = 4) -> tuple[Tensor, Tensor]:
    """Unit features."""
    return contrastive.unit(features(count, dimensions)), contrastive.unit(features(count, dimensions, 1))


def by_hand(u: Tensor, v: Tensor, temperature: float) -> float:
    losses = []
    for i, asks in enumerate(u.tolist()):
        logits = [sum(a * b for a, b in zip(asks, answer, strict=True)) / temperature for answer in v.tolist()]
        losses.append(math.log(sum(math.exp(logit - logits[i]) for logit in logits)))
    return sum(losses) / len(losses)


@pytest.mark.parametrize("temperature", [0.1, 0.5, 1.0])
def test_the_loss_is_that_of_a_loop(temperature: float) -> None:
    u, v = pairs()
    assert float(contrastive.info_nce(u, v, temperature)) == pytest.approx(by_hand(u, v, temperature), rel=1e-12)
    raw = features(6, 4), features(6, 4, 1)  # nothing is normalised inside
    assert float(contrastive.info_nce(*raw, temperature)) == pytest.approx(by_hand(*raw, temperature), rel=1e-12)


def test_each_row_is_lightlys_loss_with_the_other_answers_as_its_memory() -> None:
    u, v = pairs()
    losses = []
    for i in range(len(u)):
        theirs = NTXentLoss(temperature=0.3, memory_bank_size=(len(v) - 1, v.shape[1]))
        theirs.memory_bank.bank = torch.cat([v[:i], v[i + 1 :]])
        losses.append(float(theirs(u[i : i + 1], v[i : i + 1])))
    assert float(contrastive.info_nce(u, v, 0.3)) == pytest.approx(np.mean(losses), rel=1e-12)


def test_the_order_of_pairs_does_not_matter_but_the_pairing_does() -> None:
    u, v = pairs()
    loss, order = contrastive.info_nce(u, v, 0.2), torch.tensor([3, 0, 5, 1, 4, 2])
    assert torch.allclose(contrastive.info_nce(u[order], v[order], 0.2), loss)
    assert not torch.allclose(contrastive.info_nce(u[order], v, 0.2), loss)


def test_u_asks_and_v_answers() -> None:
    """Swapping them transposes the logits: another loss in general, the same one where they are symmetric."""
    u, v = pairs()
    assert not torch.allclose(contrastive.info_nce(u, v, 0.2), contrastive.info_nce(v, u, 0.2))
    turn = torch.linalg.qr(features(4, 4, 5)).Q
    both = turn + turn.T  # u' (both) u is symmetric in the pair
    assert torch.allclose(contrastive.info_nce(u, u @ both, 0.2), contrastive.info_nce(u @ both, u, 0.2))


def test_gradients() -> None:
    u, v = (x.requires_grad_() for x in pairs(4, 3))
    assert torch.autograd.gradcheck(lambda a, b: contrastive.info_nce(a, b, 0.3), (u, v))
    raw = features(4, 3, 7).requires_grad_()
    assert torch.autograd.gradcheck(lambda a: contrastive.info_nce(contrastive.unit(a), v, 0.3), raw)


@pytest.mark.parametrize("count", [2, 7, 64])
def test_equal_features_give_chance(count: int) -> None:
    u = contrastive.unit(torch.ones(count, 3, dtype=torch.float64))
    for temperature in (0.05, 1.0):
        assert float(contrastive.info_nce(u, u, temperature)) == pytest.approx(math.log(count), rel=1e-12)


def test_no_unit_features_come_below_the_floor_and_two_opposite_ones_reach_it() -> None:
    distinct = np.arange(2)[:, None]
    opposite = torch.tensor([[1.0, 0.0], [-1.0, 0.0]], dtype=torch.float64)
    for temperature in (0.1, 0.5, 2.0):
        bound = contrastive.bound(distinct, temperature)
        assert bound == pytest.approx(math.log1p(math.exp(-2 / temperature)), rel=1e-12)
        assert float(contrastive.info_nce(opposite, opposite, temperature)) == pytest.approx(bound, rel=1e-9)
        for seed in range(20):
            u, v = (contrastive.unit(features(5, 3, seed + shift)) for shift in (0, 100))
            assert float(contrastive.info_nce(u, v, temperature)) > contrastive.bound(
                np.arange(5)[:, None], temperature
            )


def test_pairs_that_keep_the_same_are_equally_good_answers() -> None:
    """Two kinds at opposite poles: of N pairs the m alike share the probability."""
    kept = np.array([[1, 0], [1, 0], [1, 2], [1, 0]])
    u = torch.tensor([[1.0, 0.0], [1.0, 0.0], [-1.0, 0.0], [1.0, 0.0]], dtype=torch.float64)
    bound = contrastive.bound(kept, 0.4)
    assert float(contrastive.info_nce(u, u, 0.4)) == pytest.approx(bound, rel=1e-12)
    assert bound == pytest.approx((3 * math.log(3 + math.exp(-5)) + math.log(1 + 3 * math.exp(-5))) / 4, rel=1e-12)
    assert contrastive.bound(np.zeros((8, 0)), 0.1) == pytest.approx(math.log(8))  # nothing is kept: chance


def test_a_small_temperature_is_safe() -> None:
    u, v = (contrastive.unit(features(5, 3, seed, torch.float32)).requires_grad_() for seed in (0, 1))
    for temperature in (1e-3, 1e-6):
        loss = contrastive.info_nce(u, v, temperature)
        loss.backward()
        assert u.grad is not None
        assert torch.isfinite(loss) and torch.isfinite(u.grad).all()


def test_the_loss_is_float32_where_products_are_bfloat16() -> None:
    u, v = (contrastive.unit(features(50, 16, seed, torch.float32)) for seed in (0, 1))
    with torch.autocast("cpu", torch.bfloat16):
        assert float(contrastive.info_nce(u, v, 0.05)) == pytest.approx(by_hand(u, v, 0.05), rel=1e-6)
        assert contrastive.info_nce(u.bfloat16(), v.bfloat16(), 0.05).dtype == torch.float32
        assert contrastive.unit(u.bfloat16()).dtype == torch.float32
    assert contrastive.info_nce(*pairs(), 0.05).dtype == torch.float64


def test_distance_and_angle_say_the_same_of_unit_features_only() -> None:
    u, v = pairs()
    apart = (u - v).square().sum(1)
    assert torch.allclose(apart, 2 * (1 - (u * v).sum(1)), atol=1e-14)
    longer = 3 * u
    assert not torch.allclose((longer - v).square().sum(1), 2 * (1 - (longer * v).sum(1)))


def test_a_row_of_zeros_has_no_direction_and_does_no_harm() -> None:
    u = torch.zeros(3, 4, requires_grad=True)
    contrastive.info_nce(contrastive.unit(u), contrastive.unit(u), 0.1).backward()
    assert u.grad is not None and torch.isfinite(u.grad).all()


def test_without_unit_length_scale_alone_ends_the_loss_and_overflows() -> None:
    """As docs/similarity.md says, with its numbers: unit features that match their pairs but for a little noise."""
    u = contrastive.unit(features(8, 4, dtype=torch.float32))
    v = contrastive.unit(u + 0.1 * features(8, 4, 1, torch.float32))
    losses = [float(contrastive.info_nce(scale * u, scale * v, 1.0)) for scale in (1, 3, 10, 100)]
    assert losses == sorted(losses, reverse=True)
    assert losses[0] > 1 and losses[-1] < 1e-6
    assert not math.isfinite(float(contrastive.info_nce(1e20 * u, 1e20 * v, 1.0)))
    kept = [float(contrastive.info_nce(contrastive.unit(scale * u), contrastive.unit(v), 1.0)) for scale in (1, 1e10)]
    assert kept[0] == pytest.approx(kept[1], rel=1e-6)


def test_classification_is_contrastive_learning() -> None:
    """One example of each class, logits as they are, temperature 1: the same loss, slopes and answers."""
    labels = torch.tensor([2, 0, 4, 1, 3])
    logits = (3 * features(5, 5, 3)).requires_grad_()
    codes = F.one_hot(labels, 5).double()
    classified, contrasted = F.cross_entropy(logits, labels), contrastive.info_nce(logits, codes, 1.0)
    assert torch.allclose(classified, contrasted, rtol=1e-14)
    slopes = [torch.autograd.grad(loss, logits)[0] for loss in (classified, contrasted)]
    assert torch.allclose(*slopes, atol=1e-15)
    answers = (logits @ codes.T).argmax(1)  # which pair
    assert torch.equal(labels[answers], logits.argmax(1))  # which class


@pytest.mark.parametrize("labels", [[2, 0, 4, 1, 1], [2, 0, 4, 1]])
def test_classes_that_come_twice_or_not_at_all_break_the_identity(labels: list[int]) -> None:
    truth = torch.tensor(labels)
    logits = features(len(labels), 5, 3)
    codes = F.one_hot(truth, 5).double()
    assert not torch.allclose(F.cross_entropy(logits, truth), contrastive.info_nce(logits, codes, 1.0))


def test_normalised_logits_or_another_temperature_break_the_identity() -> None:
    truth, logits = torch.arange(5), features(5, 5, 3)
    codes, loss = F.one_hot(truth, 5).double(), F.cross_entropy(logits, truth)
    assert not torch.allclose(loss, contrastive.info_nce(contrastive.unit(logits), codes, 1.0))
    assert not torch.allclose(loss, contrastive.info_nce(logits, codes, 0.5))
