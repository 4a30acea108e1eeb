"""The loss around the images of a classifier."""

from matplotlib.figure import Figure

from visrep.audit.results import Audit
from visrep.figures import style
from visrep.figures.attacks import EPSILON


@style.house
def lines(audit: Audit, name: str, footer: str, palette: style.Palette) -> Figure:
    """Cross entropy against the distance from the image, in the directions of two attacks and in a random one."""
    figure = style.chart(3.9, f"Loss around the images, {name}", footer)
    axes, below = figure.subplots(2, 1, height_ratios=[8, 1.6])
    directions = list(dict.fromkeys(line.direction for line in audit.lines))
    for place, direction in enumerate(directions):
        points = [line for line in audit.lines if line.direction == direction]
        distances, color = [point.distance for point in points], palette.lines[place % len(palette.lines)]
        look = {"color": color, "ls": style.DASHES[place], "marker": style.MARKERS[place], "clip_on": False}
        axes.plot(distances, [point.loss for point in points], label=direction, **look)
        axes.fill_between(
            distances, [point.low for point in points], [point.high for point in points], color=color, alpha=0.2, lw=0
        )
    axes.axvline(audit.gate_epsilon, color=style.PALE, lw=1, ls=":", zorder=1)
    axes.set(xlabel=EPSILON, ylabel="cross entropy (nats)", xlim=(0, None))
    axes.set_ylim(0, max(1.0, axes.get_ylim()[1]))
    axes.grid(axis="y")
    below.axis("off")
    below.legend(*axes.get_legend_handles_labels(), loc="upper center", ncols=2, borderpad=0, columnspacing=1)
    return figure
