"""Patch features by a double loop, whitening by its covariance, k-means by its definition."""

import numpy as np
import pytest
from scipy.spatial.distance import cdist

from visrep.data.embedded import objects
from visrep.errors import Failure
from visrep.representations import axes
from visrep.representations.baselines import patches
from visrep.settings.representations import Small

SETTINGS = patches.Settings(seed=0, size=6, centroids=12, patches=2000, images=50, contrast=10.0, whitening=0.1)
ENCODER = Small(network="small", input_size=32, stem_stride=2, widths=(4,), blocks=(1,), dimensions=5)


@pytest.fixture(scope="module")
def images() -> np.ndarray:
    return objects.generate(0, 60, 0).train.images


@pytest.mark.parametrize("size", [6, 5])
def test_features_are_those_of_loops(images: np.ndarray, size: int) -> None:
    settings = SETTINGS.model_copy(update={"size": size})
    arrays = patches.dictionary(images, settings)
    found = patches.features(images[:3], arrays, {"size": size, "contrast": 10.0})
    assert found.shape == (3, 4 * 12) and found.dtype == np.float32
    places = 33 - size
    half = (places + 1) // 2
    for image, row in zip(images[:3].astype(float), found, strict=True):
        code = np.zeros((places, places, 12))
        for y in range(places):
            for x in range(places):
                patch = image[y : y + size, x : x + size].ravel()
                patch = (patch - patch.mean()) / np.sqrt(patch.var() + 10)
                white = (patch - arrays["offset"]) @ arrays["whitening"]
                distances = np.array([np.sqrt(((white - c) ** 2).sum()) for c in arrays["centroids"]])
                code[y, x] = np.maximum(0, distances.mean() - distances)
        upper, lower = slice(0, half), slice(places - half, places)
        quadrants = [code[y, x].mean((0, 1)) for y in (upper, lower) for x in (upper, lower)]
        np.testing.assert_allclose(row, np.concatenate(quadrants), rtol=1e-3, atol=1e-4)


def test_whitened_patches_have_no_covariance(images: np.ndarray) -> None:
    settings = SETTINGS.model_copy(update={"whitening": 1e-6, "size": 3})
    arrays = patches.dictionary(images, settings)
    some = patches._patches(images, settings, np.random.default_rng(0))  # those it was made of
    variances, _ = np.linalg.eigh(np.cov((patches.normalised(some, 10.0) @ arrays["whitening"]).T))
    assert abs(variances[0]) < 1e-3  # a patch less its mean has a dimension less than pixels
    np.testing.assert_allclose(variances[1:], 1, atol=0.02)


def test_centroids_are_nearer_to_patches_than_other_patches_are(images: np.ndarray) -> None:
    arrays = patches.dictionary(images, SETTINGS)
    some = patches._patches(images, SETTINGS, np.random.default_rng(7))
    white = (patches.normalised(some, 10.0) - arrays["offset"]) @ arrays["whitening"]
    own, others = (cdist(white, points).min(1).mean() for points in (arrays["centroids"], white[:12]))
    assert own < 0.95 * others


def test_a_plain_image_has_features_and_an_embedding(images: np.ndarray) -> None:
    arrays, config = patches.fit(images, SETTINGS, ENCODER)
    plain = np.full((2, 32, 32, 3), 128, np.uint8)
    assert np.isfinite(axes.project(patches.features(plain, arrays, config), arrays)).all()


def test_an_embedding_has_equal_variances_and_the_same_bytes_again(images: np.ndarray) -> None:
    settings = SETTINGS.model_copy(update={"images": 60})
    (arrays, config), (again, _) = (patches.fit(images, settings, ENCODER) for _ in range(2))
    assert all(np.array_equal(arrays[name], again[name]) for name in arrays)
    embedded = axes.project(patches.features(images, arrays, config), arrays)
    np.testing.assert_allclose(np.cov(embedded.T, bias=True), np.eye(5), atol=0.01)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"size": 33}, r"size is 33, but images have 32"),
        ({"patches": 11}, "12 centroids need more than 11"),
    ],
)
def test_what_cannot_be_is_said(images: np.ndarray, change: dict[str, int], words: str) -> None:
    with pytest.raises(Failure, match=words):
        patches.dictionary(images, SETTINGS.model_copy(update=change))
