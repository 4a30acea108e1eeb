"""Figures of drawn shapes: what they say is what they were given, and it can be read."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from drawn import legible, words
from visrep.data.embedded import shapes as drawn_shapes
from visrep.figures import shapes, style
from visrep.measures import geometry
from visrep.shapes import factors
from visrep.shapes.results import Factors, Measurement, Neighbors, Similarity, Spread

DATA = drawn_shapes.generate(0, 60, 40)
NAMES = list(drawn_shapes.FACTORS)
ENCODERS = ("autoencoder", "vary color", "an encoder with a long name")
FOOT = style.foot(DATA.source, 40, "new images", "A sentence that goes on for longer than one line of a phone can.")


LINES = {name: DATA.test.images[:18].reshape(2, 9, 32, 32, 3) for name in ENCODERS}


def reading(factor: str, reader: str, value: float, prediction: str, verdict: str) -> Measurement:
    chance = 0.0 if reader == "movement" else 12.5
    return Measurement(
        images="new images",
        factor=factor,
        evaluation=reader,
        scored=f"{factor}, new images, {reader}",
        n=40,
        value=value,
        low=value - 1,
        high=value + 1,
        chance=chance,
        full=100.0,
        share_kept=factors.share_kept(value, chance, 100),
        prediction=prediction,
        verdict=verdict,
    )


def rows() -> dict[str, list[Measurement]]:
    verdicts = ("confirmed", "refuted", "undecided")
    return {
        encoder: [
            reading(factor, reader, 10.0 * place + place_of + 0.25, "kept" if place else "lost", verdicts[place])
            for reader in ("agreement", "probe", "movement")
            for place_of, factor in enumerate(NAMES)
        ]
        for place, encoder in enumerate(ENCODERS)
    }


def history(epochs: int) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    columns = {name: rng.uniform(0, 100, epochs) for name in NAMES}
    losses = {"train_loss": rng.uniform(0.5, 9, epochs), "validation_loss": rng.uniform(0.5, 3, epochs)}
    return pd.DataFrame({"epoch": np.arange(1, epochs + 1), **columns, **losses})


HISTORIES = {name: history(epochs) for name, epochs in zip(ENCODERS, (1, 4, 60), strict=True)}
TOLD = Similarity(
    n=54,
    validation=6,
    source=DATA.source,
    processor="abacus",
    loss="InfoNCE (nats)",
    varied=("color",),
    chance=3.4657,
    bound=0.0831,
    shared_by_chance=dict.fromkeys(NAMES, 25.0),
    epochs=4,
    parameters=1,
)
QUERIES = [Neighbors(3, (1, 2, 5, 8, 9)), Neighbors(0, (7, 4, 1, 0, 3))]
READ = Factors(
    metrics={},
    n={"new images": 40},
    source=DATA.source,
    varied=("color",),
    k=5,
    definition="",
    rows=(),
    verdicts={},
    sets=40,
    redrawn=3,
    diameter=Spread(mean=0.5, q10=0.2, q50=0.45, q90=0.9),
    margin=Spread(mean=1.0, q10=0.4, q50=0.9, q90=1.8),
    separated=10.0,
    alignment=0.5,
    uniformity=-1.0,
    shown={"new images": tuple(QUERIES)},
)


def drawings(palette: style.Palette) -> dict[str, Callable[[], Figure]]:
    shares = {kind: dict.fromkeys(NAMES, 33.3) for kind in ("training images", "new images")}
    shown = {"training images": (DATA.train, QUERIES), "new images": (DATA.test, QUERIES)}
    points = {f"{count} points": geometry.dispersed(count, 3, seed=0, restarts=1) for count in (2, 5, 12)}
    captions = ["opposite, 2.0000", "none, 1.4142", "icosahedron, 1.0515"]
    return {
        "table": lambda: shapes.table("Which factors encoders keep", rows(), FOOT, palette),
        "losses": lambda: shapes.losses(
            "How the encoders learned", HISTORIES, dict.fromkeys(ENCODERS, TOLD), FOOT, palette
        ),
        "learning": lambda: shapes.learning("What is learnt first", HISTORIES, NAMES, FOOT, palette),
        "sets": lambda: shapes.sets("Sets of pictures", dict.fromkeys(ENCODERS, READ), FOOT, palette),
        "tammes": lambda: shapes.tammes("Features that only repel", points, captions, FOOT, palette),
        "neighbors": lambda: shapes.neighbors("Most alike", DATA, shown, shares, FOOT, palette),
        "interpolations": lambda: shapes.interpolations("Between two images", LINES, {"autoencoder"}, FOOT, palette),
    }


@pytest.mark.parametrize("palette", style.PALETTES)
@pytest.mark.parametrize("name", drawings(style.PALETTES["grey"]))
def test_every_figure_can_be_read_and_has_the_same_bytes_each_time(tmp_path: Path, name: str, palette: str) -> None:
    drawn = []
    for path in (tmp_path / "first.png", tmp_path / "second.png"):
        figure = drawings(style.PALETTES[palette])[name]()
        style.save(figure, path, 60)
        drawn.append(path.read_bytes())
    legible(figure, name)
    assert drawn[0] == drawn[1]
    assert "colored shapes" in " ".join(words(figure).split())


def test_the_table_says_what_was_read_predicted_and_found() -> None:
    figure = drawings(style.PALETTES["okabe_ito"])["table"]()
    assert len(figure.axes) == 3
    for axes in figure.axes:
        texts = [text.get_text() for text in axes.texts]
        numbers, said = texts[::2], texts[1::2]
        assert numbers == [f"{10 * place + k + 0.25:.1f}" for place in range(3) for k in range(4)]
        assert said == ["lost ✓"] * 4 + ["kept ✗"] * 4 + ["kept ?"] * 4
        shade = np.asarray(axes.get_images()[0].get_array())
        assert shade.shape == (3, 4)
    assert "(12.5)" in words(figure)
    shade = np.asarray(figure.axes[2].get_images()[0].get_array())
    assert shade == pytest.approx(np.array([[10 * place + k + 0.25 for k in range(4)] for place in range(3)]) / 100)


def test_lines_are_the_columns_of_the_history() -> None:
    figure = drawings(style.PALETTES["okabe_ito"])["learning"]()
    for axes, told in zip(figure.axes[1:], HISTORIES.values(), strict=True):
        for line, name in zip(axes.get_lines(), NAMES, strict=True):
            assert np.array_equal(np.asarray(line.get_ydata()), told[name])
    figure = drawings(style.PALETTES["okabe_ito"])["losses"]()
    for axes, told in zip(figure.axes[1:], HISTORIES.values(), strict=True):
        lines = [np.asarray(line.get_ydata(), float) for line in axes.get_lines()]
        assert np.array_equal(lines[0], told["train_loss"]) and np.array_equal(lines[1], told["validation_loss"])
        assert [lines[2][0], lines[3][0]] == [3.4657, 0.0831]
        assert axes.get_ylim()[1] > max(told["train_loss"].max(), 3.4657)  # nothing is cut off


def test_sets_show_the_middle_and_its_ends() -> None:
    figure = drawings(style.PALETTES["okabe_ito"])["sets"]()
    lines = [np.asarray(line.get_xdata(), float).tolist() for line in figure.axes[1].get_lines()]
    assert lines == [[0.2, 0.9], [0.45], [0.4, 1.8], [0.9]] * 3


def test_neighbors_stand_in_order_with_what_they_share_written_out() -> None:
    figure = drawings(style.PALETTES["okabe_ito"])["neighbors"]()
    pictures = [np.asarray(image.get_array()) for image in figure.axes[0].get_images()]
    expected = []
    for split in (DATA.train, DATA.test):
        for query in QUERIES:
            expected += [split.images[query.query], *DATA.train.images[list(query.near)]]
    assert all(np.array_equal(a, b) for a, b in zip(pictures, expected, strict=True))
    said = [text.get_text() for text in figure.axes[0].texts]
    own, near = DATA.test.factors[3], DATA.train.factors[1]
    assert "\n".join(n if a == b else "·" for n, a, b in zip(NAMES, own, near, strict=True)) in said
    assert shapes.shared(NAMES, np.array([True, False, False, True])) == "color\n·\n·\nsize"
    assert "33\xa0%" in words(figure)


def test_the_nearest_points_of_a_sphere_are_joined() -> None:
    figure = drawings(style.PALETTES["okabe_ito"])["tammes"]()
    edges = [sum(len(np.asarray(line.get_xdata())) == 2 and line.get_marker() == "None" for line in a.get_lines())
             for a in figure.axes[:3]]  # fmt: skip
    assert edges == [1, 6, 30]  # a line, two poles with three points between them, an icosahedron


def test_interpolations_show_every_line_and_say_who_drew_it() -> None:
    figure = drawings(style.PALETTES["okabe_ito"])["interpolations"]()
    assert sum(len(axes.images) for axes in figure.axes) == 3 * 18
    said = " ".join(words(figure).split())
    assert "autoencoder: drawn by its decoder" in said
    assert "vary color: the training image nearest to each code" in said
