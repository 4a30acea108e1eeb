"""Criteria without labels against the accuracy of a linear probe."""

from collections.abc import Mapping, Sequence
from typing import cast

from matplotlib.figure import Figure, SubFigure

from visrep.figures import marks, style
from visrep.measures.choosing import CRITERIA, Choosing

ROW, ACROSS = 2.3, 2  # inches of a row of panels; panels in it


@style.house
def criteria(title: str, result: Choosing, labels: Mapping[str, str], footer: str, palette: style.Palette) -> Figure:
    """A panel for each criterion: a point for each run, its value and the accuracy of the probe, by training."""
    trainings = list(dict.fromkeys(run.training for run in result.runs))
    names = [labels[name] for name in trainings]
    looks = [marks.point(k, palette) for k in range(len(trainings))]
    height, rows = marks.key_height(names, lines=False), -(-len(CRITERIA) // ACROSS)
    figure = style.chart(height + ROW * rows, title, footer)
    parts = cast("Sequence[SubFigure]", figure.subfigures(2, 1, height_ratios=[height, ROW * rows]))
    above, below = parts
    marks.key(above.subplots(), names, looks)
    panels = below.subplots(rows, ACROSS, sharey=True, squeeze=False)
    for axes, (key, rule), row in zip(panels.flat, CRITERIA.items(), result.criteria, strict=False):
        for name, look in zip(trainings, looks, strict=True):
            own = [run for run in result.runs if run.training == name]
            axes.plot([run.values[key] for run in own], [run.accuracy for run in own], **look | {"ls": "", "ms": 4})
        axes.set_title(f"{rule.name}: {row.correlation.value:+.2f}", loc="left")
        axes.set(xlabel=f"{rule.best} should be best")
    for axes in panels[:, 0]:
        axes.set(ylabel="linear probe (%)")
    return figure
