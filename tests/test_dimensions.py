"""Accuracy by width against scikit-learn's axes and the probe of cut embeddings."""

import numpy as np
import pytest
from sklearn.decomposition import PCA

from visrep.data import store
from visrep.data.store import ImageSet
from visrep.evaluations import dimensions
from visrep.evaluations.dimensions import Parts
from visrep.measures import probes, statistics

CHOICE = probes.Choice((0.1, 0.001), validation=0.2, seed=0)
SETTINGS = dimensions.Settings(widths=(1, 2, 64), widest=100)


@pytest.fixture
def drawn() -> tuple[np.ndarray, np.ndarray, ImageSet]:
    """Classes that the last dimensions tell best; training and test points are the same."""
    random = np.random.default_rng(0)
    labels = random.permutation(np.repeat([0, 1, 2], 60))
    means = random.normal(size=(3, 4)) * [0.1, 0.3, 1, 3]
    x = ((means[labels] + random.normal(size=(180, 4))) @ np.diag([4, 3, 2, 1])).astype(np.float32)
    split = store.split(np.zeros((180, 32, 32, 3), np.uint8), labels)
    return x, labels, ImageSet(split, split, ("a", "b", "c"), "clouds", {})


def accuracy(x: np.ndarray, labels: np.ndarray) -> float:
    return statistics.accuracy(probes.logistic(x, labels, x, CHOICE).predicted, labels).value


def test_an_ordered_embedding_is_cut_and_its_features_are_read_whole(
    drawn: tuple[np.ndarray, np.ndarray, ImageSet],
) -> None:
    x, labels, images = drawn
    more = np.hstack([x, np.random.default_rng(1).normal(size=(180, 3)).astype(np.float32)])
    found = dimensions.evaluate(Parts(x, x, True, (more, more)), images, SETTINGS, CHOICE)
    expected = {1: x[:, :1], 2: x[:, :2], 4: x, 7: more}  # 64 are not there, so all are read
    assert {point.width: point.accuracy for point in found.points} == {
        width: pytest.approx(accuracy(part, labels)) for width, part in expected.items()
    }
    assert list(found.metrics) == ["accuracy_1", "accuracy_2", "accuracy_4", "accuracy_7"]
    assert (found.n, found.chance) == (180, pytest.approx(100 / 3))
    assert found.at(2) == found.metrics["accuracy_2"]
    assert found.at(5) == found.at(1000) == found.metrics["accuracy_7"]
    assert all(point.low < point.accuracy < point.high for point in found.points)


def test_one_without_an_order_is_turned_to_its_principal_axes(drawn: tuple[np.ndarray, np.ndarray, ImageSet]) -> None:
    x, labels, images = drawn
    turned = x @ np.linalg.qr(np.random.default_rng(2).normal(size=(4, 4)))[0].astype(np.float32)
    found = dimensions.evaluate(Parts(turned, turned, False, None), images, SETTINGS, CHOICE)
    axes = PCA(4, svd_solver="full").fit_transform(turned)
    for point in found.points:
        assert point.accuracy == pytest.approx(accuracy(axes[:, : point.width].astype(np.float32), labels), abs=1.2)
    assert [point.width for point in found.points] == [1, 2, 4]
    assert found.points[0].accuracy < found.points[-1].accuracy - 10


@pytest.mark.parametrize(("widths", "expected"), [((2,), [2, 4]), ((16, 64), [4]), ((2, 4), [2, 4])])
def test_every_embedding_is_read_at_its_own_width(
    drawn: tuple[np.ndarray, np.ndarray, ImageSet], widths: tuple[int, ...], expected: list[int]
) -> None:
    x, labels, images = drawn
    settings = dimensions.Settings(widths=widths, widest=100)
    result = dimensions.evaluate(Parts(x, x, True, None), images, settings, CHOICE)
    assert [point.width for point in result.points] == expected
    assert result.points[-1].accuracy == pytest.approx(accuracy(x, labels))
