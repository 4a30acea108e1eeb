"""VICReg in closed form: what it promises of the views it was fitted on."""

import numpy as np
import pytest
import torch

from test_patches import ENCODER, SETTINGS
from visrep.data.embedded import objects
from visrep.representations import axes, linear_vicreg, views
from visrep.representations.baselines import patches
from visrep.settings.representations import Crop, Jitter, LinearVicreg, Views

MILD = Views(
    crop=Crop(scale=0.5, aspect=1.33),
    flip=0.5,
    jitter=Jitter(probability=0.8, brightness=0.4, contrast=0.4, saturation=0.4, hue=0.1),
    grey=0.2,
    blur=None,
    solarize=0.0,
    noise=0.0,
    rotation=0.0,
)


def test_views_of_an_image_agree_more_than_along_the_principal_axes() -> None:
    """Judged on other views of the same images, drawn here."""
    images = objects.generate(0, 400, 0).train.images
    principal, config = patches.fit(images, SETTINGS, ENCODER)
    settings = LinearVicreg(seed=0, images=400, views=2, ridge=0.0)
    agreeing = linear_vicreg.fit(images, settings, MILD, 5, principal, config)
    seen = views.random_views(torch.from_numpy(images), MILD, 2, torch.Generator().manual_seed(9))
    levels = ((seen + 1) * 127.5).permute(0, 1, 3, 4, 2).numpy()
    described = np.stack([patches.features(view, principal, config) for view in levels])
    share = {}
    for name, arrays in (("principal", principal), ("agreeing", agreeing)):
        found = axes.moments([np.stack([axes.project(view, arrays) for view in described])])
        share[name] = found.within.trace() / found.total.trace()
        if name == "agreeing":
            np.testing.assert_allclose(found.total, np.eye(5), atol=0.25)
    assert share["agreeing"] < share["principal"] - 0.05
    assert all(np.array_equal(agreeing[name], principal[name]) for name in ("offset", "whitening", "centroids"))


def test_another_seed_sees_other_views() -> None:
    images = objects.generate(0, 60, 0).train.images
    arrays, config = patches.fit(images, SETTINGS, ENCODER)
    one, same, other = (
        linear_vicreg.fit(images, LinearVicreg(seed=s, images=40, views=2, ridge=0.1), MILD, 5, arrays, config)["axes"]
        for s in (0, 0, 1)
    )
    assert np.array_equal(one, same) and not np.array_equal(one, other)


def test_settings_need_two_views() -> None:
    with pytest.raises(ValueError, match="greater than or equal to 2"):
        LinearVicreg(seed=0, images=40, views=1, ridge=0.1)
