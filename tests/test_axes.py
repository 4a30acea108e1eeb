"""Linear maps against scikit-learn's PCA, a general eigensolver, and data whose answer is known."""

from itertools import pairwise

import numpy as np
import pytest
from sklearn.decomposition import PCA
from sklearn.preprocessing import StandardScaler

from visrep.errors import Failure
from visrep.representations import axes


@pytest.fixture
def random() -> np.random.Generator:
    return np.random.default_rng(0)


def of(features: np.ndarray) -> axes.Moments:
    """Of descriptions (N, W), one view each."""
    return axes.moments([features[None]])


def test_moments_are_those_of_loops_however_the_images_are_cut(random: np.random.Generator) -> None:
    seen = random.normal(size=(3, 20, 4)) + random.normal(size=(20, 4)) * [1, 2, 0, 5] + 3  # (V, N, W)
    found = axes.moments([seen[:, 0:7], seen[:, 7:8], seen[:, 8:]])
    flat = seen.reshape(60, 4)
    assert found.images == 20
    np.testing.assert_allclose(found.mean, flat.mean(0))
    np.testing.assert_allclose(found.total, np.cov(flat.T, bias=True))
    within = np.mean([np.cov(seen[:, n].T, bias=True) for n in range(20)], axis=0)
    np.testing.assert_allclose(found.within, within, atol=1e-12)


@pytest.mark.parametrize("standardised", [False, True])
@pytest.mark.parametrize("whitened", [False, True])
def test_principal_axes_are_scikit_learns(random: np.random.Generator, standardised: bool, whitened: bool) -> None:
    seen, new = np.split(random.normal(size=(80, 9)) @ random.normal(size=(9, 9)) + 4, [60])
    scaler = StandardScaler(with_std=standardised).fit(seen)
    theirs = PCA(5, svd_solver="full").fit(scaler.transform(seen))
    expected = theirs.transform(scaler.transform(new))
    if whitened:
        expected /= np.sqrt(theirs.explained_variance_ * 59 / 60)
    arrays = axes.principal(of(seen), 5, standardised=standardised, whitened=whitened)
    found = axes.project(new.astype(np.float32), arrays)
    assert found.dtype == np.float32
    np.testing.assert_allclose(np.abs(found), np.abs(expected), atol=1e-3)
    assert (arrays["axes"][np.arange(5), np.abs(arrays["axes"]).argmax(1)] > 0).all()


def test_a_feature_that_never_varies_takes_no_part(random: np.random.Generator) -> None:
    seen = np.column_stack([random.normal(size=(50, 3)), np.full(50, 7.0)])
    arrays = axes.principal(of(seen), 3, standardised=True, whitened=True)
    assert np.isfinite(arrays["axes"]).all()
    np.testing.assert_allclose(arrays["axes"][:, 3], 0, atol=1e-5)


@pytest.mark.parametrize(("images", "features"), [(8, 20), (30, 7)])
def test_axes_need_more_images_and_features_than_there_are_dimensions(images: int, features: int) -> None:
    with pytest.raises(Failure, match=f"8 principal axes need more than {images} images, and {features} features"):
        axes.principal(of(np.random.default_rng(0).normal(size=(images, features))), 8)
    with pytest.raises(Failure, match="8 dimensions from 7 features"):
        axes.agreeing(of(np.random.default_rng(0).normal(size=(30, 7))), 8, 0)


def test_agreeing_axes_are_a_general_solvers(random: np.random.Generator) -> None:
    seen = random.normal(size=(2, 300, 6)) @ random.normal(size=(6, 6)) + random.normal(size=(300, 6))
    found = axes.moments([seen])
    arrays = axes.agreeing(found, 4, 0)
    values, vectors = np.linalg.eig(np.linalg.inv(found.total) @ found.within)  # of no symmetric matrix
    order = np.argsort(values.real)[:4]
    for ours, theirs in zip(arrays["axes"], vectors.real.T[order], strict=True):
        cosine = abs(ours @ theirs) / np.linalg.norm(ours) / np.linalg.norm(theirs)
        assert cosine == pytest.approx(1, abs=1e-5)
    assert all(before < after for before, after in pairwise(np.sort(values.real)))


def test_what_never_varies_does_not_agree_best(random: np.random.Generator) -> None:
    seen = np.concatenate([random.normal(size=(2, 500, 4)), np.full((2, 500, 1), 3.0)], -1)
    seen[1, :, 1] = seen[0, :, 1]
    first, *_ = axes.agreeing(axes.moments([seen]), 3, 0)["axes"]
    assert np.abs(first).argmax() == 1 and abs(first[4]) < 0.01


def test_what_views_share_comes_first_and_all_dimensions_vary_alike(random: np.random.Generator) -> None:
    """Two hidden numbers of an image that every view shows, hidden among louder ones that differ from view to view."""
    shared = np.repeat(random.normal(size=(1, 4000, 2)), 3, axis=0)
    hidden = np.concatenate([shared + 0.1 * random.normal(size=shared.shape), 5 * random.normal(size=(3, 4000, 6))], -1)
    seen = hidden @ random.normal(size=(8, 8))
    arrays = axes.agreeing(axes.moments([seen]), 3, 0)
    embedded = axes.project(seen.reshape(-1, 8), arrays)
    np.testing.assert_allclose(np.cov(embedded.T), np.eye(3), atol=0.01)
    told = np.corrcoef(np.hstack([embedded, shared.reshape(-1, 2)]).T)[:3, 3:]  # of each coordinate with each number
    assert (told**2).sum(1)[:2] == pytest.approx(1, abs=0.06)
    assert (told**2).sum(1)[2] < 0.01
