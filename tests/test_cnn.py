"""Networks, their files, and losses."""

from pathlib import Path

import pytest
import torch
from torch import nn

from visrep.digits import cnn, losses
from visrep.errors import Failure
from visrep.machine.randomness import generator, seed
from visrep.training import weights

CONFIG = {"channels": [4, 6, 8], "depth": 2, "hidden": 10, "dropout": 0.3, "classes": 7}


def trained_looking(model: cnn.ConvNet) -> cnn.ConvNet:
    """Batch statistics as training leaves them: far from 0 and 1."""
    rng = generator("cpu", "statistics")
    for layer in model.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.running_mean = torch.randn(layer.num_features, generator=rng)
            layer.running_var = torch.rand(layer.num_features, generator=rng) + 0.5
            layer.weight.data = torch.randn(layer.num_features, generator=rng)
            layer.bias.data = torch.randn(layer.num_features, generator=rng)
    return model.eval()


def test_the_network_is_the_one_described() -> None:
    model = weights.fresh(cnn.ConvNet, CONFIG, generator("cpu", 0))
    kinds = [type(layer).__name__ for layer in model.features[0]]
    assert kinds == ["Conv2d", "BatchNorm2d", "ReLU"] * 2 + ["MaxPool2d", "Dropout"]
    assert len([layer for layer in model.head if isinstance(layer, nn.Linear)]) == 2
    assert model(torch.zeros(2, 3, 32, 32)).shape == (2, 7)


def test_weights_come_from_the_generator_alone() -> None:
    torch.manual_seed(1)
    one = weights.fresh(cnn.ConvNet, CONFIG, generator("cpu", 0)).state_dict()
    torch.manual_seed(2)
    same, other = (weights.fresh(cnn.ConvNet, CONFIG, generator("cpu", key)).state_dict() for key in (0, 1))
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not torch.equal(one["head.1.weight"], other["head.1.weight"])


def test_folding_keeps_the_function() -> None:
    model = trained_looking(weights.fresh(cnn.ConvNet, CONFIG, generator("cpu", 0)))
    x = torch.randn(5, 3, 32, 32, generator=generator("cpu", "x"))
    folded = cnn.folded(model)
    assert not [layer for layer in folded.modules() if isinstance(layer, nn.BatchNorm2d | nn.Dropout)][1:]
    torch.testing.assert_close(folded(x), model(x), rtol=1e-4, atol=1e-4)
    assert any(isinstance(layer, nn.BatchNorm2d) for layer in model.modules()), "the original is left alone"


def test_a_file_gives_back_the_network(tmp_path: Path) -> None:
    model = trained_looking(weights.fresh(cnn.ConvNet, CONFIG, generator("cpu", 0)))
    weights.save(tmp_path / "m.safetensors", model)
    loaded = weights.load(tmp_path / "m.safetensors", cnn.ConvNet)
    x = torch.randn(2, 3, 32, 32)
    assert torch.equal(loaded(x), model(x))
    assert not loaded.training


@pytest.mark.parametrize("content", [b"", b"no weights", None])
def test_an_unreadable_file_is_one_line(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "m.safetensors"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(Failure, match=r"m\.safetensors (is missing|cannot be read)"):
        weights.load(path, cnn.ConvNet)


def test_cross_entropy_is_a_double_loop() -> None:
    rng = generator("cpu", "loss")
    logits = torch.randn(6, 4, generator=rng, dtype=torch.float64)
    labels = torch.tensor([0, 1, 2, 3, 1, 0])
    factors = torch.tensor([1.0, 2.0, 0.5, 0.0])
    for smoothing in (0.0, 0.2):
        total = 0.0
        for n in range(6):
            log_sum = torch.logsumexp(logits[n], 0).item()
            for k in range(4):
                q = (1 - smoothing) * (k == labels[n].item()) + smoothing / 4
                total -= q * (logits[n, k].item() - log_sum) / 6
        assert losses.cross_entropy(logits, labels, smoothing).item() == pytest.approx(total, rel=1e-6)
    picked = [
        (factors[y].item(), torch.logsumexp(z, 0).item() - z[y].item()) for z, y in zip(logits, labels, strict=True)
    ]
    expected = sum(w * loss for w, loss in picked) / sum(w for w, _ in picked)
    assert losses.cross_entropy(logits, labels, 0.0, factors).item() == pytest.approx(expected, rel=1e-6)
    each = [losses.cross_entropy(logits[n : n + 1], labels[n : n + 1], 0.2).item() for n in range(6)]
    counted = [factors[y].item() for y in labels]
    smoothed = sum(w * loss for w, loss in zip(counted, each, strict=True)) / sum(counted)
    assert losses.cross_entropy(logits, labels, 0.2, factors).item() == pytest.approx(smoothed, rel=1e-6)


def test_balanced_weights_make_every_class_count_the_same() -> None:
    labels = torch.tensor([0] * 6 + [1] * 3 + [3])
    factors = losses.balanced_weights(labels, 5)
    totals = [factors[k].item() * int((labels == k).sum()) for k in range(5)]
    assert totals == pytest.approx([2, 2, 0, 2, 0])
    assert factors[2].item() == factors[4].item() == 0


def test_seeds_depend_on_every_key_and_their_order() -> None:
    drawn = {seed(1, 2), seed(2, 1), seed(12), seed("a", 1), seed("a", 2), seed(1, 2, "")}
    assert len(drawn) == 6
    assert all(0 <= s < 2**63 for s in drawn)
