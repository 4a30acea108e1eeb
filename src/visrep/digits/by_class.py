"""Accuracy of each class under attack, and properties of the class that might explain it.

N images, S pixels a side, K classes.
"""

import numpy as np

from visrep import files
from visrep.data.store import ImageSet
from visrep.digits.results import ByClass, ClassUnderAttack
from visrep.digits.swept import Swept, per_class

LIGHT = (0.299, 0.587, 0.114)  # luma of ITU-R BT.601


def by_class(swept: Swept, images: ImageSet, epsilon: float) -> ByClass:
    """Of the test images under FGSM at a radius. Classes without a test image are left out; the metrics file is empty
    where there are more classes than it may hold."""
    labels, count = images.test.labels, len(images.classes)
    accuracy = per_class(swept, labels, count, (epsilon,))[1]
    frequency = np.bincount(images.train.labels, minlength=count) * 100 / len(images.train.labels)
    light = images.test.images.astype(np.float64) @ LIGHT
    contrasts, contours = contrast(light), contour(light)
    classes = tuple(
        ClassUnderAttack(
            images.classes[k],
            int((labels == k).sum()),
            float(accuracy[k]),
            float(frequency[k]),
            float(contrasts[labels == k].mean()),
            float(contours[labels == k].mean()),
        )
        for k in np.unique(labels)
    )
    few = len(classes) <= files.MOST_METRICS
    metrics = {f"accuracy_{one.label}": one.accuracy for one in classes} if few else {}
    return ByClass(metrics, len(labels), images.source, epsilon, classes)


def contrast(light: np.ndarray) -> np.ndarray:
    """(N,) standard deviation of the grey levels of each image (N, S, S)."""
    return np.asarray(light.std((1, 2)))


def contour(light: np.ndarray) -> np.ndarray:
    """(N,) mean absolute difference of adjacent pixels of each image (N, S, S), as a share of its `contrast`: how much
    stroke and edge an image has, whatever its contrast. 0 where there is none."""
    across, down = np.abs(np.diff(light, axis=2)).mean((1, 2)), np.abs(np.diff(light, axis=1)).mean((1, 2))
    apart = contrast(light)
    return np.asarray(np.divide((across + down) / 2, apart, out=np.zeros(len(light)), where=apart > 0))
