"""Encoders against torchvision's network and counts by hand; the floors against scikit-learn."""

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA
from torch import nn
from torchvision.models import resnet18

from visrep import encoders, floors, weights
from visrep.errors import Failure
from visrep.randomness import generator

NARROW = {"stem_stride": 2, "widths": [4, 6], "blocks": [1, 2], "dimensions": 8}
RESNET18 = {"stem_stride": 1, "widths": [64, 128, 256, 512], "blocks": [2, 2, 2, 2], "dimensions": 10}


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
    model = encoders.Projected(encoder, [16, 12])
    assert [type(layer).__name__ for layer in model.projector] == ["Linear", "BatchNorm1d", "ReLU", "Linear"]
    assert model(torch.zeros(2, 3, 32, 32)).shape == (2, 12)
    alone = encoders.Projected(encoder, []).eval()
    x = torch.randn(2, 3, 32, 32)
    assert torch.equal(alone(x), encoder(x))


def images(count: int = 60) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, 32, 32, 3), dtype=np.uint8)


def test_principal_axes_are_scikit_learns() -> None:
    seen, new = images(60), images(80)[60:]
    arrays = floors.principal_axes(seen, 5)
    theirs = PCA(5, svd_solver="full").fit(seen.reshape(60, -1) / 255)
    expected = theirs.transform(new.reshape(20, -1) / 255)
    found = floors.project(new, arrays)
    assert found.dtype == np.float32
    np.testing.assert_allclose(np.abs(found), np.abs(expected), atol=1e-3)
    strongest = np.abs(arrays["axes"]).argmax(1)
    assert (arrays["axes"][np.arange(5), strongest] > 0).all()


def test_axes_need_more_images_than_dimensions() -> None:
    with pytest.raises(Failure, match="8 principal axes need more than 8 images"):
        floors.principal_axes(images(8), 8)


def test_equal_images_have_coordinates_zero() -> None:
    seen = np.repeat(images(1), 20, axis=0)
    assert np.abs(floors.project(seen, floors.principal_axes(seen, 3))).max() < 1e-4
