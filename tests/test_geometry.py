"""Where features lie: distances against loops, known arrangements of points on a sphere, and what small diameters and
large margins do and do not say."""

import math
from itertools import combinations

import numpy as np
import pytest
from scipy.optimize import check_grad

from visrep.measures import geometry, neighbors

RANDOM = np.random.default_rng(0)
SETS = RANDOM.standard_normal((5, 4, 3))


def apart(a: np.ndarray, b: np.ndarray) -> float:
    return math.dist(a.tolist(), b.tolist())


def test_diameters_are_the_largest_distances_within() -> None:
    expected = [max(apart(a, b) for a, b in combinations(one, 2)) for one in SETS]
    assert geometry.diameters(SETS) == pytest.approx(expected, rel=1e-12)
    assert geometry.diameters(np.ones((2, 3, 4))).tolist() == [0, 0]


def test_margins_are_the_smallest_distances_to_sets_that_keep_other_values() -> None:
    kept = np.array([[0, 1], [0, 1], [0, 2], [1, 1], [1, 1]])
    expected = [
        min(
            apart(a, b)
            for j, other in enumerate(SETS)
            if kept[i].tolist() != kept[j].tolist()
            for a in one
            for b in other
        )
        for i, one in enumerate(SETS)
    ]
    assert geometry.margins(SETS, kept) == pytest.approx(expected, rel=1e-12)
    assert np.isinf(geometry.margins(SETS, np.zeros((5, 2)))).all()


def test_alignment_and_uniformity_are_those_of_loops() -> None:
    u, v = SETS[0], SETS[1]
    assert geometry.alignment(u, v) == pytest.approx(np.mean([apart(a, b) ** 2 for a, b in zip(u, v, strict=True)]))
    pairs = [math.exp(-2 * apart(a, b) ** 2) for a, b in combinations(SETS.reshape(-1, 3), 2)]
    assert geometry.uniformity(SETS.reshape(-1, 3)) == pytest.approx(math.log(np.mean(pairs)), rel=1e-12)
    assert geometry.uniformity(np.ones((6, 3))) == 0
    assert geometry.alignment(u, u) == 0


def test_the_intrinsic_dimension_is_that_of_loops() -> None:
    distance = np.sort(RANDOM.uniform(1, 2, (7, 5)), axis=1)
    inverses = [np.mean([math.log(row[-1] / near) for near in row[:-1]]) for row in distance]
    assert geometry.intrinsic_dimension(distance) == pytest.approx(1 / np.mean(inverses), rel=1e-12)
    equal = np.array([[0.0, 0.0, 0.0], [0.0, 1.0, 2.0]])  # only a half tells anything
    assert geometry.intrinsic_dimension(equal) == pytest.approx(1 / math.log(2))
    assert geometry.intrinsic_dimension(np.zeros((3, 4))) == geometry.intrinsic_dimension(np.ones((3, 4))) == 0


@pytest.mark.parametrize("dimensions", [1, 2, 5])
def test_points_spread_over_a_torus_have_its_dimension(dimensions: int) -> None:
    """A product of circles, turned into a space of 20 dimensions: it has no edge, where neighbors would be missing."""
    angles = np.random.default_rng(1).uniform(0, 2 * np.pi, (3000, dimensions))
    turned, _ = np.linalg.qr(np.random.default_rng(2).standard_normal((20, 20)))
    x = np.hstack([np.cos(angles), np.sin(angles)]) @ turned[: 2 * dimensions]
    distance = neighbors.nearest(x, x, 10, itself=True).distance
    assert geometry.intrinsic_dimension(distance) == pytest.approx(dimensions, rel=0.15)


def test_uniform_points_have_the_uniformity_that_theory_says() -> None:
    """On the unit circle with t = 2 the mean of exp(-t |x - y|^2) is exp(-2t) times a Bessel function of 2t."""
    from scipy.special import i0

    angles = np.linspace(0, 2 * np.pi, 2001)[:-1]
    circle = np.column_stack([np.cos(angles), np.sin(angles)])
    assert geometry.uniformity(circle) == pytest.approx(math.log(math.exp(-4) * i0(4)), abs=5e-3)


def test_spread_is_the_mean_squared_distance_of_two() -> None:
    x = SETS.reshape(-1, 3) + 7
    expected = np.mean([apart(a, b) ** 2 for a, b in combinations(x, 2)])
    assert geometry.spread(x) == pytest.approx(expected, rel=1e-12)


def test_movement_is_nothing_for_what_stays_and_all_for_a_change_of_places() -> None:
    x = RANDOM.standard_normal((400, 5))
    assert geometry.movements(x, x).tolist() == [0] * 400
    others = np.concatenate([geometry.movements(x, np.roll(x, shift, axis=0)) for shift in range(1, 400)])
    assert others.mean() == pytest.approx(100, rel=1e-9)
    assert geometry.movements(np.ones((4, 3)), np.zeros((4, 3))).tolist() == [0] * 4  # nothing to compare with


def test_the_slope_of_the_potential() -> None:
    x = RANDOM.standard_normal((4, 3))

    def value(flat: np.ndarray) -> float:
        return geometry._potential(flat.reshape(4, 3), 1.5)[0]

    def slope(flat: np.ndarray) -> np.ndarray:
        return geometry._potential(flat.reshape(4, 3), 1.5)[1].ravel()

    assert check_grad(value, slope, x.ravel()) < 1e-6


# Closed forms: a diameter, an equilateral triangle, the tetrahedron, the octahedron and the icosahedron
TAMMES = {2: 2.0, 3: math.sqrt(3), 4: math.sqrt(8 / 3), 6: math.sqrt(2), 12: 1 / math.sin(2 * math.pi / 5)}


@pytest.mark.parametrize("count", TAMMES)
def test_points_that_only_repel_each_other_solve_tammes_problem(count: int) -> None:
    points = geometry.dispersed(count, 3, seed=0)
    assert np.linalg.norm(points, axis=1) == pytest.approx(np.ones(count))
    assert geometry.smallest_distance(points) == pytest.approx(TAMMES[count], abs=1e-6)


@pytest.mark.parametrize(("count", "dimensions"), [(3, 2), (5, 4), (9, 8)])
def test_few_points_in_many_dimensions_become_a_simplex(count: int, dimensions: int) -> None:
    points = geometry.dispersed(count, dimensions, seed=0)
    distances = [apart(a, b) for a, b in combinations(points, 2)]
    assert distances == pytest.approx([math.sqrt(2 * count / (count - 1))] * len(distances), abs=1e-6)


def test_the_same_seed_gives_the_same_points() -> None:
    assert np.array_equal(geometry.dispersed(5, 3, seed=1), geometry.dispersed(5, 3, seed=1))


def test_points_without_error_need_not_be_spread_as_tammes_asks() -> None:
    """Three classes, each at one point, at right angles: no diameter, a margin of sqrt 2, every neighbor right; and
    yet Tammes' optimum is sqrt 3. docs/similarity.md tells of it."""
    corners = np.eye(3)[:, None].repeat(4, axis=1)  # (classes, members, D)
    margins = geometry.margins(corners, np.arange(3)[:, None])
    assert geometry.diameters(corners).max() == 0
    assert margins == pytest.approx([math.sqrt(2)] * 3)
    best = geometry.smallest_distance(geometry.dispersed(3, 3, seed=0))
    assert best - margins[0] == pytest.approx(math.sqrt(3) - math.sqrt(2), abs=1e-6)
    assert geometry.uniformity(np.eye(3)) == pytest.approx(-4)
    assert geometry.uniformity(geometry.dispersed(3, 3, seed=0)) == pytest.approx(-6)


def test_where_supports_overlap_errors_remain() -> None:
    """Two kinds of pictures that are drawn alike with probability p: no encoder can tell those apart, so the margin is
    0 and half of them are taken for the other kind, whatever the encoder does."""
    rng, p = np.random.default_rng(0), 0.3
    kind = rng.integers(2, size=20_000)
    picture = np.where(rng.random(20_000) < p, 0.5, kind)  # what both can look like, or their own look
    best = np.where(picture == 0.5, 0, picture)  # the best answer there is
    assert np.mean(best != kind) == pytest.approx(p / 2, abs=0.01)
    sets = np.stack([picture[kind == k][:200] for k in (0, 1)])[..., None]
    assert geometry.margins(sets, np.arange(2)[:, None]).tolist() == [0, 0]
