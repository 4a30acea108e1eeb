"""Which classes withstand an attack, of images made by hand."""

import numpy as np
import pytest

from visrep.data.store import ImageSet, split
from visrep.digits import by_class
from visrep.digits.swept import CLEAN, Swept, column


def images(count: int = 3) -> ImageSet:
    """Two test images of class 0, plain; two of class 1, halves of black and white; none of the last."""
    halves = np.zeros((32, 32, 3), np.uint8)
    halves[:, 16:] = 255
    test = np.array([np.full_like(halves, 90), halves, np.full_like(halves, 10), halves.transpose(1, 0, 2)])
    train = split(np.zeros((10, 32, 32, 3), np.uint8), np.array([0] * 6 + [1] * 3 + [2]))
    return ImageSet(train, split(test, np.array([0, 1, 0, 1])), tuple(map(str, range(count))), "nowhere", {})


def swept(under: list[int]) -> Swept:
    predictions = {CLEAN: np.array([0, 1, 0, 1]), column("fgsm", 0.1): np.array(under)}
    return Swept({name: array.astype(np.int16) for name, array in predictions.items()}, np.zeros((4, 2, 1), np.uint8))


def test_each_class_that_has_test_images() -> None:
    found = by_class.by_class(swept([0, 1, 1, 0]), images(), 0.1)
    assert found.metrics == {"accuracy_0": 50, "accuracy_1": 50} and found.n == 4
    assert [(one.label, one.n, one.frequency) for one in found.classes] == [("0", 2, 60), ("1", 2, 30)]
    all_of_one = by_class.by_class(swept([0, 0, 0, 0]), images(), 0.1)
    assert all_of_one.metrics == {"accuracy_0": 100, "accuracy_1": 0}


def test_contrast_and_contour() -> None:
    """Black and white halves deviate by 127.5 from their mean; one of 31 columns of differences is 255."""
    plain, halves = by_class.by_class(swept([0, 1, 0, 1]), images(), 0.1).classes
    assert (plain.contrast, plain.contour) == pytest.approx((0, 0), abs=1e-9)
    assert halves.contrast == pytest.approx(127.5) and halves.contour == pytest.approx(255 / 31 / 2 / 127.5)
    light = np.random.default_rng(0).uniform(0, 255, (2, 8, 8))
    assert by_class.contour(light * 0.3 + 5) == pytest.approx(by_class.contour(light))  # whatever the contrast


def test_more_classes_than_a_metrics_file_holds() -> None:
    labels = np.arange(20)
    test = split(np.zeros((20, 32, 32, 3), np.uint8), labels)
    many = ImageSet(test, test, tuple(map(str, labels)), "nowhere", {})
    predictions = {name: labels.astype(np.int16) for name in (CLEAN, column("fgsm", 0.1))}
    found = by_class.by_class(Swept(predictions, np.zeros((20, 2, 1), np.uint8)), many, 0.1)
    assert found.metrics == {} and len(found.classes) == 20
