"""What is kept and what is lost: readings against loops, intervals, verdicts, and encoders whose answer is known."""

import math
from typing import Any

import numpy as np
import pytest

import tiny
from visrep.data import store
from visrep.data.embedded import shapes
from visrep.errors import Failure
from visrep.evaluations import probe
from visrep.records import Interval
from visrep.settings.shapes import Factors
from visrep.shapes import factors, invariance, redrawn
from visrep.shapes.results import Measurement, Neighbors, Spread
from visrep.stage import params

DATA = shapes.generate(0, 700, 900)
LIMITS = (8, 8, 9, 3)


def settings(**change: Any) -> Factors:
    own = params.check(tiny.study()["factors"] | {"sets": 30, "redrawn": 4} | change, Factors)
    assert (own.lost_below, own.kept_above) == (0.25, 0.5)
    return own


CHOICE = params.check(tiny.study()["probe"], probe.Settings).choice


def test_agreement_is_that_of_a_loop() -> None:
    rng = np.random.default_rng(0)
    found, train, own = rng.integers(40, size=(25, 3)), rng.integers(4, size=40), rng.integers(4, size=25)
    shares = [100 * sum(train[j] == own[i] for j in found[i]) / 3 for i in range(25)]
    reading = factors.agreement(found, train, own)
    assert reading.interval.value == pytest.approx(np.mean(shares))
    half = 1.96 * np.std(shares, ddof=1) / 5
    assert reading.interval.high - reading.interval.low == pytest.approx(2 * half, rel=1e-3)
    assert reading.chance == pytest.approx(np.mean([100 * np.mean(train == value) for value in own]))
    assert (reading.evaluation, reading.n) == ("agreement", 25)


def test_chance_is_what_random_neighbors_reach() -> None:
    rng = np.random.default_rng(0)
    train, own = rng.choice(3, 300, p=(0.7, 0.2, 0.1)), rng.choice(3, 400, p=(0.5, 0.3, 0.2))
    reading = factors.agreement(rng.integers(300, size=(400, 50)), train, own)
    assert reading.interval.value == pytest.approx(reading.chance, abs=1)
    assert factors.probe(np.zeros(400, int), own).interval.value == factors.probe(own, own).chance


def test_intervals_cover_the_truth() -> None:
    rng = np.random.default_rng(0)
    inside = 0
    for _ in range(500):
        found = factors.mean(rng.choice([0.0, 50.0, 100.0], 80, p=(0.2, 0.2, 0.6)), 100)
        inside += found.low <= 70 <= found.high
    assert 0.92 < inside / 500 < 0.98


def test_intervals_end_where_values_can() -> None:
    assert factors.mean(np.full(9, 100.0), 100) == Interval(100, 100, 100)
    assert factors.mean(np.array([0.0, 0, 0, 50]), 100).low == 0
    assert factors.mean(np.array([100.0, 100, 100, 50]), 100).high == 100
    assert factors.mean(np.array([150.0, 90]), math.inf).high > 150
    assert factors.mean(np.array([30.0]), 100) == Interval(30, 30, 30)


def test_the_share_that_is_kept() -> None:
    assert factors.share_kept(12.5, 12.5, 100) == 0
    assert factors.share_kept(100, 12.5, 100) == 1
    assert factors.share_kept(66, 32, 100) == pytest.approx(0.5)
    assert factors.share_kept(5, 10, 100) < 0
    assert factors.share_kept(100, 100, 100) == 0  # one value throughout: nothing can be kept
    assert factors.share_kept(10, 0, 25) == pytest.approx(0.4)
    assert factors.movement(np.full(9, 10.0), 4)[1:] == (Interval(10, 10, 10), 0, 25, 9)


@pytest.mark.parametrize(
    ("low", "high", "kept", "lost"),
    [
        (60, 70, "confirmed", "refuted"),  # chance 20: a half is 60, a quarter 40
        (59.9, 70, "undecided", "undecided"),
        (41, 59, "undecided", "undecided"),
        (30, 40, "refuted", "confirmed"),
        (30, 40.1, "undecided", "undecided"),
        (0, 10, "refuted", "confirmed"),  # below chance
    ],
)
def test_verdicts(low: float, high: float, kept: str, lost: str) -> None:
    reading = factors.Read("probe", Interval((low + high) / 2, low, high), 20.0, 100.0, 100)
    limits = factors.Limits(settings().lost_below, settings().kept_above)
    assert factors.verdict("kept", reading, limits) == kept
    assert factors.verdict("lost", reading, limits) == lost


def test_predictions_follow_from_the_family() -> None:
    assert [factors.predicted(name, ("shape", "size")) for name in redrawn.NAMES] == ["kept", "lost", "kept", "lost"]
    assert {factors.predicted(name, None) for name in redrawn.NAMES} == {"kept"}


def one_hot(images: np.ndarray, columns: tuple[int, ...], noise: float = 0.0) -> np.ndarray:
    """An encoder that reads some factors from the picture's own record: codes of unit length."""
    values = RECORD[images.tobytes()]
    parts = [np.eye(LIMITS[column])[values[:, column]] for column in columns]
    x = np.concatenate([*parts, noise * np.random.default_rng(0).standard_normal((len(values), 4))], axis=1)
    return np.asarray(x / np.linalg.norm(x, axis=1, keepdims=True), np.float32)


RECORD: dict[bytes, np.ndarray] = {}


@pytest.fixture
def recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every batch of pictures that is drawn leaves its factors behind, so that an encoder can be perfect."""
    original = redrawn.picture

    def picture(values: np.ndarray, *rest: Any) -> np.ndarray:
        images = original(values, *rest)
        RECORD[images.tobytes()] = values
        return images

    monkeypatch.setattr(redrawn, "picture", picture)
    for split in (DATA.train, DATA.test):
        RECORD[split.images.tobytes()] = split.factors


@pytest.mark.usefixtures("recorded")
@pytest.mark.parametrize("varied", [("color",), ("shape", "location", "size")])
def test_an_encoder_that_does_what_its_family_asks_confirms_everything(varied: tuple[str, ...]) -> None:
    columns = tuple(redrawn.kept(varied))

    def embed(images: np.ndarray) -> np.ndarray:
        return one_hot(images, columns)

    found = invariance.embedded(DATA, embed, settings(k=1))
    rows = invariance.table(found, embed, varied, settings(k=1), CHOICE)
    assert len(rows) == 4 * (2 * 3 + 1)
    moved = [row for row in rows if row.evaluation == "movement"]
    assert [row.value == 0 for row in moved] == [name in varied for name in redrawn.NAMES]
    fitted = [row for row in rows if row.evaluation == "probe" and row.images == invariance.TRAINING]
    judged = [row for row in rows if row.evaluation != "agreement" and row not in fitted]  # ties, and learnt by heart
    assert [r for r in judged if r.verdict != "confirmed"] == []
    sets = invariance.sets(found[invariance.NEW], embed, varied, settings())
    assert sets.diameters.max() == 0 and sets.alignment == 0
    values = DATA.test.factors[store.sample(900, 30, 0)][:, columns]
    apart = (values[:, None] != values).sum(2)  # so many of the parts of two codes differ, if any
    nearest = np.where(apart > 0, apart, 9).min(1)
    assert sets.margins == pytest.approx(np.sqrt(2 * nearest / len(columns)), abs=1e-6)
    assert sets.uniformity < 0


@pytest.mark.usefixtures("recorded")
def test_what_is_left_of_a_factor_decides_who_is_nearest_however_little_it_is() -> None:
    """A code of the color and a hundredth of the location: it hardly moves, and yet all neighbors share both."""

    def embed(images: np.ndarray) -> np.ndarray:
        both = one_hot(images, (0, 2))
        both[:, 8:] *= 0.01
        return np.asarray(both / np.linalg.norm(both, axis=1, keepdims=True), np.float32)

    varied, own = ("shape", "location", "size"), settings(k=2)
    found = invariance.embedded(DATA, embed, own)
    rows = {(r.factor, r.evaluation, r.images): r for r in invariance.table(found, embed, varied, own, CHOICE)}
    assert rows["location", "agreement", invariance.NEW].verdict == "refuted"
    assert rows["location", "probe", invariance.NEW].verdict == "refuted"
    assert rows["location", "movement", invariance.NEW].verdict == "confirmed"
    assert rows["color", "movement", invariance.NEW].value > 90


@pytest.mark.usefixtures("recorded")
def test_movements_change_one_factor() -> None:
    moved = invariance.movements(DATA.test.factors, lambda images: one_hot(images, (0, 1, 2, 3)), settings())
    assert list(moved) == list(redrawn.NAMES)
    for name in redrawn.NAMES:  # each change swaps one of four parts: as far, for whichever factor
        assert moved[name] == pytest.approx(moved["color"], rel=1e-5)


def test_a_collapsed_encoder_keeps_nothing() -> None:
    def embed(images: np.ndarray) -> np.ndarray:
        return np.tile(np.float32([1, 0, 0]), (len(images), 1))

    found = invariance.embedded(DATA, embed, settings())
    rows = invariance.table(found, embed, ("color",), settings(), CHOICE)
    for row in rows:
        assert all(math.isfinite(getattr(row, key)) for key in ("value", "low", "high", "share_kept"))
        assert row.share_kept < 0.25
        if row.evaluation != "agreement":  # ties go to the first training images, whatever they are
            assert row.verdict == ("confirmed" if row.factor == "color" else "refuted")
    sets = invariance.sets(found[invariance.NEW], embed, ("color",), settings())
    assert sets.diameters.max() == sets.margins.max() == 0


def test_no_training_image_is_its_own_neighbor() -> None:
    found = invariance.embedded(DATA, one_dimensional, settings(k=3))
    train = found[invariance.TRAINING]
    assert not (train.near == np.arange(len(train.near))[:, None]).any()
    assert list(found) == ["training images", "new images", "on a gradient"]
    ground = found["on a gradient"]
    assert np.array_equal(ground.factors, DATA.test.factors)
    assert not np.array_equal(ground.features, found[invariance.NEW].features)


def one_dimensional(images: np.ndarray) -> np.ndarray:
    angle = images.astype(np.float64).mean((1, 2, 3)) / 100
    return np.column_stack([np.cos(angle), np.sin(angle)]).astype(np.float32)


def test_sets_that_all_keep_the_same_have_no_margin() -> None:
    same = invariance.Embedded(
        np.eye(3, dtype=np.float32), np.tile(DATA.test.factors[:1], (3, 1)), np.zeros((3, 1), int)
    )
    with pytest.raises(Failure, match="all 3 sets keep the same values"):
        invariance.sets(same, one_dimensional, ("color",), settings())


def test_counts_and_quantiles() -> None:
    rows = [
        Measurement("new images", "color", "probe", "", 9, 50, 40, 60, 12, 100, 0.4, "kept", verdict)
        for verdict in ("confirmed", "undecided")
    ]
    assert factors.counted(rows) == {"probe": {"confirmed": 1, "refuted": 0, "undecided": 1}}
    assert factors.spread(np.arange(101)) == Spread(mean=50, q10=10, q50=50, q90=90)


def test_shown_queries_are_the_same_each_time() -> None:
    found = invariance.embedded(DATA, one_dimensional, settings())[invariance.NEW]
    shown = invariance.shown(found, 4, 0)
    assert shown == invariance.shown(found, 4, 0) != invariance.shown(found, 4, 1)
    assert shown == tuple(Neighbors(row.query, tuple(found.near[row.query].tolist())) for row in shown)
    assert len({row.query for row in shown}) == 4
