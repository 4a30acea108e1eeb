"""Near anomalies: told apart by what is drawn and by nothing else, and drawn apart from the objects."""

import numpy as np
import pytest

from visrep.data.embedded import drawing, near_objects, objects


@pytest.mark.parametrize("kind", near_objects.KINDS, ids=near_objects.CLASSES)
def test_any_of_them_is_drawn_with_the_numbers_it_has(kind: drawing.Kind) -> None:
    for value in (0.0, 0.3, 0.999999):
        sheet = drawing._sketch(kind, [value] * drawing.SKETCH, [[9 * k, 0, 0] for k in range(8)])
        assert 0.08 < (np.asarray(sheet)[..., 3] > 0).mean() < 0.95


def test_classes_and_grounds_are_others_than_those_of_the_objects() -> None:
    near, known = near_objects.generate(0, 60, 60), objects.generate(0, 60, 60)
    assert not set(near.classes) & set(known.classes)
    corners = [set(map(bytes, part.images[:, 0, :4])) for data in (near, known) for part in (data.train, data.test)]
    assert sum(map(len, corners)) == len(set.union(*corners)) == 240


def test_mean_color_and_contrast_do_not_tell_them_from_objects() -> None:
    """By a rule fitted on one half and asked on the other; by chance 50 %."""
    from sklearn.linear_model import LogisticRegression

    x = [
        part.images.reshape(600, -1, 3)
        for part in (near_objects.generate(0, 600, 0).train, objects.generate(0, 600, 0).train)
    ]
    features = np.concatenate([np.concatenate([part.mean(1), part.std(1)], 1) for part in x])
    labels, half = np.repeat([0, 1], 600), np.arange(1200) % 2 == 0
    asked = LogisticRegression(max_iter=1000).fit(features[half], labels[half]).score(features[~half], labels[~half])
    assert asked < 0.6
