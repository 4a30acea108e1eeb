"""Choosing without labels: scores the right way round, and a chart and a page that say what was found."""

from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes

from drawn import legible, words
from visrep.figures import choosing as figures
from visrep.figures import style
from visrep.measures import choosing
from visrep.records import Interval
from visrep.report import choosing as page

BEST = {"effective_rank": 9.0, "rankme": 9.0, "alpha_req": 1.1, "lidar": 9.0, "alignment": 0.1, "uniformity": -3.0}
WORST = {"effective_rank": 2.0, "rankme": 2.0, "alpha_req": 0.2, "lidar": 2.0, "alignment": 1.5, "uniformity": -0.5}


def result() -> choosing.Choosing:
    """Of two trainings, one as every criterion says is best; its runs differ by chance."""
    rng = np.random.default_rng(0)
    runs = [
        choosing.Run(name, seed, {key: value + rng.normal(0, 0.01) for key, value in values.items()}, accuracy + seed)
        for name, values, accuracy in (("vicreg", BEST, 70.0), ("no_variance", WORST, 20.0))
        for seed in range(5)
    ]
    return choosing.Choosing(
        {}, "drawn objects", 500, tuple(runs), choosing.ranked(tuple(runs)), choosing.ranked(tuple(runs[:5]))
    )


@pytest.mark.parametrize("key", choosing.CRITERIA)
def test_a_score_is_higher_where_a_criterion_is_said_to_be_better(key: str) -> None:
    score = choosing.CRITERIA[key].score
    assert score(np.array([BEST[key]])) > score(np.array([WORST[key]]))
    row = next(row for row in result().criteria if row.key == key)
    assert row.right.value > 70  # all pairs of two trainings, and some of those of one
    assert row.correlation.value > 0.5


def test_the_chart_can_be_read_and_has_the_same_bytes_each_time(tmp_path: Path) -> None:
    labels = {"vicreg": "VICReg", "no_variance": "VICReg without variance term"}
    drawn = []
    for path in (tmp_path / "first.png", tmp_path / "second.png"):
        figure = figures.criteria("Without labels", result(), labels, "Data.", style.PALETTES["okabe_ito"])
        style.save(figure, path, 60)
        drawn.append(path.read_bytes())
    legible(figure, "choosing")
    assert drawn[0] == drawn[1]
    panels = [axes for axes in figure.findobj(Axes) if isinstance(axes, Axes) and axes.get_title(loc="left")]
    assert [sum(len(line.get_xdata()) for line in axes.get_lines()) for axes in panels] == [10] * 6
    said = " ".join(words(figure).split())
    assert "VICReg without variance term" in said
    assert "low should be best" in said


def test_the_page_names_the_best_and_what_no_seed_tells() -> None:
    found = result()
    best = max(found.criteria, key=lambda row: row.right.value)
    said = page._answer(found)
    assert choosing.CRITERIA[best.key].name in said
    assert "of the pairs of 10 runs" in said
    sure = choosing.Criterion("lidar", best.correlation, best.right, Interval(90.0, 70.0, 99.0))
    within = page._answer(choosing.Choosing({}, "", 1, found.runs, (sure,), ()))
    assert within.endswith("better than chance: LiDAR.")
    unsure = choosing.Criterion("lidar", best.correlation, best.right, Interval(60.0, 40.0, 80.0))
    assert page._answer(choosing.Choosing({}, "", 1, found.runs, (unsure,), ())).endswith("better than chance: none.")
