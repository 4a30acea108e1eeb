"""Redrawings differ in the factors that are named and in no other, which is measured in the pixels."""

import numpy as np
import pytest

from visrep.data.embedded import shapes
from visrep.settings.shapes import FACTORS
from visrep.shapes import redrawn

COUNT = 400
VALUES = np.random.default_rng(0).integers((8, 8, 9, 3), size=(COUNT, 4))


def covered(pictures: np.ndarray) -> np.ndarray:
    """(N, 32, 32) how far each pixel is from the ground, which the corner shows."""
    return np.abs(pictures.astype(float) - pictures[:, :1, :1]).max(axis=3)


def seen(pictures: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Color, location and area, read from pixels without knowing how they were drawn."""
    weight = covered(pictures)
    full = weight >= 0.8 * weight.max(axis=(1, 2), keepdims=True)
    tints = np.stack([np.median(p[inside], axis=0) for p, inside in zip(pictures, full, strict=True)])
    color = np.abs(tints[:, None] - np.array(list(shapes.COLORS.values()))).sum(axis=2).argmin(axis=1)
    y, x = np.mgrid[:32, :32] + 0.5
    boxes = []
    for inside in weight > 0.15 * weight.max(axis=(1, 2), keepdims=True):
        boxes.append([(y[inside].min() + y[inside].max()) / 2, (x[inside].min() + x[inside].max()) / 2])
    cells = np.clip(np.rint(np.array(boxes) / 8 - 1), 0, 2).astype(int)
    return color, 3 * cells[:, 0] + cells[:, 1], (weight > 0.15 * weight.max(axis=(1, 2), keepdims=True)).sum((1, 2))


def test_the_names_are_those_of_the_settings() -> None:
    assert redrawn.NAMES == FACTORS


@pytest.mark.parametrize("varied", [(), ("color",), ("location",), ("shape", "location", "size")])
def test_pictures_keep_what_is_not_varied_and_draw_the_rest_anew(varied: tuple[str, ...]) -> None:
    color, location, _ = seen(redrawn.family(VALUES, varied, np.random.default_rng(1)))
    for name, found, column, values in (("color", color, 0, 8), ("location", location, 2, 9)):
        right = np.mean(found == VALUES[:, column])
        if name in varied:
            assert abs(right - 1 / values) < 0.06  # any value, also the old one
            assert set(found.tolist()) == set(range(values))
        else:
            assert right > 0.985, name  # a box is no exact oracle: moons and hearts are not symmetric


def test_sizes_are_kept_or_drawn_anew() -> None:
    def areas(varied: tuple[str, ...]) -> np.ndarray:
        large = np.column_stack([VALUES[:, 0], np.full(COUNT, 1), VALUES[:, 2], np.full(COUNT, 2)])
        return seen(redrawn.family(large, varied, np.random.default_rng(1)))[2]

    assert areas(("color",)).min() > 60
    assert areas(("size",)).min() < 40


def test_the_factors_given_are_left_alone() -> None:
    before = VALUES.copy()
    redrawn.family(VALUES, ("color", "size"), np.random.default_rng(0))
    redrawn.other(VALUES, "shape", np.random.default_rng(0))
    assert np.array_equal(VALUES, before)


@pytest.mark.parametrize(("column", "name"), list(enumerate(redrawn.NAMES)))
def test_another_value_is_never_the_old_one_and_all_others_come(column: int, name: str) -> None:
    changed = redrawn.other(VALUES, name, np.random.default_rng(0))
    rest = [k for k in range(4) if k != column]
    assert np.array_equal(changed[:, rest], VALUES[:, rest])
    assert (changed[:, column] != VALUES[:, column]).all()
    steps = (changed[:, column] - VALUES[:, column]) % len(shapes.FACTORS[name])
    counts = np.bincount(steps, minlength=len(shapes.FACTORS[name]))[1:]
    assert counts.min() > 0.5 * COUNT / len(counts)


def test_one_changed_factor_changes_nothing_else_to_the_byte() -> None:
    """The same nuisances and another location: the same shape, moved by whole pixels, on the same ground."""
    nuisances = redrawn.nuisances(COUNT, np.random.default_rng(2))
    moved = redrawn.other(VALUES, "location", np.random.default_rng(3))
    before, after = redrawn.picture(VALUES, nuisances), redrawn.picture(moved, nuisances)
    shift = 8 * (np.stack(np.divmod(moved[:, 2], 3)) - np.stack(np.divmod(VALUES[:, 2], 3)))
    for one, other, (down, across) in zip(before, after, shift.T, strict=True):
        assert np.array_equal(np.roll(one, (down, across), (0, 1)), other)
    colored = redrawn.picture(redrawn.other(VALUES, "color", np.random.default_rng(3)), nuisances)
    untouched = shapes.silhouettes(VALUES, nuisances) == 0
    assert np.array_equal(before[untouched], colored[untouched])


def test_nuisances_are_drawn_anew_each_time() -> None:
    rng = np.random.default_rng(4)
    first, second = (redrawn.family(VALUES, (), rng) for _ in range(2))
    assert (first[:, 0, 0] != second[:, 0, 0]).any(axis=1).all()  # the ground's own color
    assert np.array_equal(first, redrawn.family(VALUES, (), np.random.default_rng(4)))


def test_a_texture_shows_photographs_of_the_test_split() -> None:
    nuisances = redrawn.nuisances(20, np.random.default_rng(5))
    shown = redrawn.picture(VALUES[:20], nuisances, "texture", seed=3)
    theirs = shapes.render(VALUES[:20], nuisances, shapes.ground("texture", nuisances, 3, stream=1))
    assert np.array_equal(shown, theirs)
    assert covered(shown)[:, :8, :8].std(axis=(1, 2)).min() > 0.5
