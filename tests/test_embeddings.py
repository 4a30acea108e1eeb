"""Embeddings against closed forms, scikit-learn and SciPy, also where they have collapsed."""

import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.stats import entropy
from sklearn.preprocessing import StandardScaler, normalize

from visrep import embeddings
from visrep.embeddings import Embeddings
from visrep.errors import Failure


def cloud(rows: int, dimensions: int, seed: int = 0) -> Any:
    return np.random.default_rng(seed).standard_normal((rows, dimensions)).astype(np.float32)


def orthogonal(rows: int, columns: int) -> Any:
    """Orthonormal columns, each of mean zero."""
    x = np.random.default_rng(1).standard_normal((rows, columns))
    return np.linalg.qr(x - x.mean(0))[0]


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    saved = Embeddings(cloud(9, 4), cloud(5, 4, 1), cloud(3, 4, 2), cloud(2, 4, 3))
    embeddings.save(saved, tmp_path / "vicreg")
    assert sorted(file.name for file in (tmp_path / "vicreg").iterdir()) == [
        "mnist.npy",
        "svhn.npy",
        "test.npy",
        "train.npy",
    ]
    for name, array in embeddings.load(tmp_path / "vicreg")._asdict().items():
        np.testing.assert_array_equal(array, getattr(saved, name))
        np.testing.assert_array_equal(np.load(tmp_path / "vicreg" / f"{name}.npy"), getattr(saved, name))


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    embeddings.save(Embeddings(*[cloud(3, 2)] * 4), tmp_path)
    (tmp_path / "mnist.npy").unlink()
    with pytest.raises(Failure, match=r"mnist\.npy is missing"):
        embeddings.load(tmp_path)


@pytest.mark.parametrize("wrong", [cloud(3, 5), cloud(3, 4).astype(float), cloud(12, 4).reshape(3, 4, 4)])
def test_shapes_and_types_are_checked(wrong: Any, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"svhn is float"):
        embeddings.save(Embeddings(cloud(9, 4), cloud(5, 4), cloud(3, 4), wrong), tmp_path)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_values_that_are_not_finite_are_not_saved(value: float, tmp_path: Path) -> None:
    broken = cloud(5, 4)
    broken[2, 3] = value
    with pytest.raises(Failure, match="embeddings of test hold values that are not finite"):
        embeddings.save(Embeddings(cloud(9, 4), broken, cloud(3, 4), cloud(3, 4)), tmp_path)
    assert not (tmp_path / "test.npy").exists()


@pytest.mark.parametrize(
    ("values", "rank"),
    [
        ([1, 1, 1, 1], 4.0),
        ([5, 0, 0, 0], 1.0),
        ([3, 3, 0, 0], 2.0),
        ([2, 1, 1, 0], 2 * 2**0.5),  # entropy of 1/2, 1/4, 1/4 is 3/2 ln 2
        ([4, 3, 2, 1], float(np.exp(entropy([4, 3, 2, 1])))),
    ],
)
@pytest.mark.parametrize("away", [0.0, 100.0])
def test_the_effective_rank_of_known_singular_values(values: list[float], rank: float, away: float) -> None:
    turn = np.linalg.qr(np.random.default_rng(2).standard_normal((4, 4)))[0]
    x = orthogonal(50, 4) * values @ turn + away  # centring must take the shift out
    assert embeddings.effective_rank(x) == pytest.approx(rank, rel=1e-9)
    assert embeddings.effective_rank(7 * x) == pytest.approx(rank, rel=1e-9)
    assert embeddings.effective_rank(x.astype(np.float32)) == pytest.approx(rank, rel=1e-4)


def test_fewer_images_than_dimensions_have_at_most_one_rank_less() -> None:
    assert 3 < embeddings.effective_rank(cloud(5, 40)) <= 4


COLLAPSED = {
    "zeros": np.zeros((20, 4), np.float32),
    "one point": np.full((20, 4), 3.7, np.float32),
    "one image": cloud(1, 4),
    "one dimension": np.full((20, 1), -2.1, np.float32),
    "tiny": np.full((20, 4), 1e-42, np.float32),
    "last bits": np.nextafter(np.full((20, 4), 3.7, np.float32), np.where(cloud(20, 4) > 0, 9, 0).astype(np.float32)),
}


@pytest.mark.parametrize("name", list(COLLAPSED))
def test_a_point_has_effective_rank_one_and_is_zero_when_standardised(name: str) -> None:
    point = COLLAPSED[name]
    assert embeddings.effective_rank(point) == 1.0
    assert (embeddings.spread(point) <= 1e-6).all()
    other = cloud(6, point.shape[1], 5)
    for scaled in embeddings.standardised(point, other):
        assert scaled.dtype == np.float32
        assert not scaled.any()


def test_a_small_spread_far_from_zero_is_not_a_point() -> None:
    """Thirty steps of float32 about 1: coarse, but there."""
    x = (1 + 30 * embeddings.ROUNDING * cloud(500, 6)).astype(np.float32)
    assert embeddings.effective_rank(x) > 5.9
    (scaled,) = embeddings.standardised(x)
    np.testing.assert_allclose(scaled.std(0), 1, rtol=1e-5)


def test_the_spread_is_the_standard_deviation() -> None:
    x = cloud(300, 5) * np.float32([1, 2, 0, 1e-3, 1e3]) + 1000
    exact = [(sum((v - sum(c) / 300) ** 2 for v in c) / 300) ** 0.5 for c in x.astype(float).T.tolist()]
    np.testing.assert_allclose(embeddings.spread(x), exact, rtol=1e-9, atol=1e-12)
    assert embeddings.spread(x).dtype == np.float64


def test_standardised_is_scikit_learns_with_the_training_statistics() -> None:
    train, test = cloud(200, 5) * 3 + 2, cloud(50, 5, 1) * 2 - 1
    train[:, 3] = 0.1
    test[:, 3] = 7  # constant in train, so nothing is known of its scale
    ours = embeddings.standardised(train, test)
    scaler = StandardScaler().fit(np.delete(train, 3, 1).astype(float))
    for got, x in zip(ours, (train, test), strict=True):
        np.testing.assert_allclose(np.delete(got, 3, 1), scaler.transform(np.delete(x, 3, 1)), atol=1e-6)
        assert not got[:, 3].any()
        assert got.dtype == np.float32


def test_unit_rows_are_scikit_learns_and_zero_stays() -> None:
    x = cloud(30, 6) * np.logspace(-30, 30, 30, dtype=np.float32)[:, None]
    x[4] = 0
    x[5] = 1e-42  # subnormal, yet it has a direction
    ours = embeddings.unit(x)
    np.testing.assert_allclose(ours[15:], normalize(x[15:].astype(float)), rtol=1e-6)  # leaves the shortest alone
    np.testing.assert_allclose(ours[:4], [row / math.hypot(*row) for row in x[:4].astype(float)], rtol=1e-6)
    assert not ours[4].any()
    assert ours.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(np.delete(ours, 4, 0), axis=1), 1, rtol=1e-6)


def test_reading_embeddings_loads_no_network_library() -> None:
    names = ("embeddings", "neighbors", "spectral", "clustering")
    lines = [*(f"import visrep.{name}" for name in names), "import sys", "print('torch' in sys.modules)"]
    done = subprocess.run([sys.executable, "-c", "; ".join(lines)], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
