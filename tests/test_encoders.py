"""Encoders against torchvision's network and counts by hand; the floors against scikit-learn."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torchvision.models import ResNet50_Weights, resnet18, resnet50
from torchvision.transforms.functional import normalize

from visrep.errors import Failure
from visrep.machine.randomness import generator
from visrep.representations import encoders
from visrep.representations.resnet50 import ResNet50
from visrep.settings.representations import ResNet50 as ResNet50Settings
from visrep.training import weights

NARROW = {"input_size": 32, "stem_stride": 2, "widths": [4, 6], "blocks": [1, 2], "dimensions": 8}
RESNET18 = {"input_size": 32, "stem_stride": 1, "widths": [64, 128, 256, 512], "blocks": [2, 2, 2, 2], "dimensions": 10}


def test_wide_enough_it_is_torchvisions_resnet18_with_a_small_stem() -> None:
    ours = weights.fresh(encoders.ResNet, RESNET18, generator("cpu", 0)).eval()
    theirs = resnet18(num_classes=10)
    theirs.conv1, theirs.maxpool = nn.Conv2d(3, 64, 3, 1, 1, bias=False), nn.Identity()
    theirs.eval()
    shapes = [sorted(tuple(p.shape) for p in net.parameters()) for net in (ours, theirs)]
    assert shapes[0] == shapes[1]
    theirs.load_state_dict(dict(zip(theirs.state_dict(), _in_their_order(ours), strict=True)))
    x = torch.randn(2, 3, 32, 32, generator=generator("cpu", "x"))
    torch.testing.assert_close(ours(x), theirs(x), rtol=1e-4, atol=1e-4)


def _in_their_order(model: encoders.ResNet) -> list[torch.Tensor]:
    """All weights in the order in which torchvision names them: stem, blocks, linear layer."""
    return list(model.state_dict().values())


@pytest.mark.parametrize(("stride", "side"), [(1, 16), (2, 8)])
def test_the_stride_of_the_stem_halves_the_places(stride: int, side: int) -> None:
    model = weights.fresh(encoders.ResNet, NARROW | {"stem_stride": stride}, generator("cpu", 0))
    blocks = model.features[:-2]
    assert blocks(torch.zeros(1, 3, 32, 32)).shape == (1, 6, side, side)
    assert model(torch.zeros(3, 3, 32, 32)).shape == (3, 8)


def test_a_projector_has_its_widths_and_no_norm_at_its_end() -> None:
    encoder = weights.fresh(encoders.ResNet, NARROW, generator("cpu", 0))
    model = encoders.Projected(encoder, [16, 12], 0)
    assert [type(layer).__name__ for layer in model.projector] == ["Linear", "BatchNorm1d", "ReLU", "Linear"]
    assert model(torch.zeros(2, 3, 32, 32)).shape == (2, 12)
    alone = encoders.Projected(encoder, [], 0).eval()
    x = torch.randn(2, 3, 32, 32)
    assert torch.equal(alone(x), encoder(x))


def images(count: int = 60) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, 32, 32, 3), dtype=np.uint8)


@pytest.mark.parametrize("size", [32, 48])
def test_images_are_enlarged_before_the_first_convolution(size: int) -> None:
    model = weights.fresh(encoders.ResNet, NARROW | {"input_size": size}, generator("cpu", 0)).eval()
    seen: list[torch.Size] = []
    model.features[0].register_forward_hook(lambda module, given, out: seen.append(given[0].shape))
    x = torch.randn(2, 3, 32, 32, generator=generator("cpu", "x"))
    found = model(x)
    assert seen == [(2, 3, size, size)]
    larger = F.interpolate(x, scale_factor=size / 32, mode="bilinear", align_corners=False)
    torch.testing.assert_close(found, model.embedding(model.features(larger)))


RESNET50 = {"network": "resnet50", "input_size": 64, "dimensions": 16}


def test_resnet50_is_torchvisions_on_images_as_imagenet_has_them() -> None:
    ours = weights.fresh(encoders.build, RESNET50, generator("cpu", 0)).eval()
    assert isinstance(ours, ResNet50)
    theirs = resnet50(num_classes=16).eval()
    theirs.load_state_dict(ours.network.state_dict())
    x = torch.rand(2, 3, 32, 32, generator=generator("cpu", "x"))
    larger = F.interpolate(x, size=64, mode="bilinear", align_corners=False)
    normal = normalize(larger, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
    torch.testing.assert_close(ours(2 * x - 1), theirs(normal), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("config", [{"network": "small", **NARROW}, RESNET50])
def test_an_encoder_of_either_kind_comes_back_from_its_file(config: dict[str, Any], tmp_path: Path) -> None:
    model = weights.fresh(encoders.build, config, generator("cpu", 0)).eval()
    weights.save(tmp_path / "encoder.safetensors", model)
    back = weights.load(tmp_path / "encoder.safetensors", encoders.build)
    x = torch.randn(2, 3, 32, 32, generator=generator("cpu", "x"))
    assert torch.equal(back(x), model(x))


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which torch.hub keeps weights, empty; those of ImageNet are at an address where nobody listens."""
    monkeypatch.setattr(torch.hub, "_hub_dir", str(tmp_path))
    monkeypatch.setattr(ResNet50_Weights.IMAGENET1K_V2.value, "url", "http://127.0.0.1:9/resnet50-11ad3fa6.pth")
    return tmp_path / "checkpoints"


def pretrained(asked: bool = True) -> ResNet50Settings:
    return ResNet50Settings(network="resnet50", input_size=32, pretrained=asked, dimensions=16)


def test_imagenets_weights_go_into_all_but_the_last_layer(hub: Path) -> None:
    theirs = resnet50(num_classes=1000)
    hub.mkdir()
    torch.save(theirs.state_dict(), hub / "resnet50-11ad3fa6.pth")
    ours = encoders.started(pretrained(), 3)
    fresh = encoders.untrained(pretrained(), 3)
    for name, value in ours.state_dict().items():
        expected = fresh.state_dict()[name] if "fc" in name else theirs.state_dict()[name.removeprefix("network.")]
        assert torch.equal(value, expected), name


def test_imagenets_weights_that_cannot_be_fetched_are_one_line_that_says_how_to_go_on(hub: Path) -> None:
    with pytest.raises(Failure, match=r"encoder\.pretrained: .* cannot be fetched .*set it to false, or put") as raised:
        encoders.started(pretrained(), 0)
    assert str(hub / "resnet50-11ad3fa6.pth") in str(raised.value)
    assert "\n" not in str(raised.value)
    assert not list(hub.glob("*"))


def test_imagenets_weights_with_another_hash_are_refused(hub: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    other = hub.parent / "resnet50-11ad3fa6.pth"
    other.write_bytes(b"other weights")
    monkeypatch.setattr(ResNet50_Weights.IMAGENET1K_V2.value, "url", other.as_uri())
    with pytest.raises(Failure, match=r"cannot be fetched .*hash"):
        encoders.started(pretrained(), 0)
    assert not list(hub.glob("*"))


def test_imagenets_weights_are_left_alone_unless_they_are_asked_for(hub: Path) -> None:
    ours, fresh = encoders.started(pretrained(asked=False), 3), encoders.untrained(pretrained(), 3)
    assert all(torch.equal(value, fresh.state_dict()[name]) for name, value in ours.state_dict().items())
