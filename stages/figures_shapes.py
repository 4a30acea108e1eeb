"""Figures of encoders of drawn shapes."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from stages import run
from visrep import files, records
from visrep.data import store
from visrep.figures import shapes, style
from visrep.measures import geometry
from visrep.settings.figures import Figures
from visrep.settings.shapes import Families
from visrep.shapes import tiles
from visrep.shapes.results import AGREEMENT, NEW, TRAINING, Factors, Similarity
from visrep.stage.job import Job

TAMMES = {2: "opposite", 3: "triangle", 4: "tetrahedron", 5: "no regular one", 6: "octahedron", 12: "icosahedron"}
READ = "In brackets: chance. Movement: 100 % is the distance to a random image. Shade: share kept of what can be kept."
READ += " Kept or lost is the prediction: ✓ confirmed, ✗ refuted, ? undecided by the 95 % interval."
LEARNT = "Of these, the percent whose nearest other one has the same value; by chance"


@dataclass(frozen=True)
class Shared:
    """A row of the chart of what is learned first: the percent of validation images whose nearest other one shares a
    ``factor``."""

    encoder: str
    factor: str
    epoch: int
    percent: float


def main(job: Job) -> None:
    settings, families = job.read("figures", Figures), job.read("families", Families).root
    data = store.load(job.input("data/shapes"))
    learned, read = job.input("plots/similarity"), job.input("plots/factors")
    labels = {name: name.replace("_", " ") for name in families}
    histories = {labels[n]: pd.DataFrame(files.read_json(learned / n / "history.json")) for n in families}
    learning = {labels[n]: records.read(learned / n / "details.json", Similarity) for n in families}
    results = {labels[n]: records.read(read / n / "details.json", Factors) for n in families}

    palette, first = style.PALETTES[settings.palette], next(iter(learning.values()))
    new = style.foot(data.source, len(data.test.labels), "new images", READ)
    of_training = style.foot(
        data.source,
        first.n,
        f"training images; validation: {first.validation:,}",
        "Training values are means over an epoch. Chance and lower bound are for the validation batches, which are a "
        "little larger.",
    )
    chances = ", ".join(f"{share:.0f} ({name})" for name, share in first.shared_by_chance.items())
    foot_of_learning = style.foot(data.source, first.validation, "validation images", f"{LEARNT} {chances}.")
    between = style.foot(
        data.source, len(data.test.labels), "new images", "Codes on a straight line, from one image to another."
    )
    rows = {label: [row for row in result.rows if row.images == NEW] for label, result in results.items()}
    names = list(data.factors)
    figures = {
        "factors": shapes.table("Which factors encoders keep", rows, new, palette),
        "losses": shapes.losses("Training of the encoders", histories, learning, of_training, palette),
        "learning": shapes.learning("What is learned first", histories, names, foot_of_learning, palette),
        "sets": shapes.sets("Invariance sets", results, _sets(data.source, results), palette),
        "tammes": _tammes(palette),
    }
    lines = {labels[n]: tiles.cut(files.read_png(learned / n / "interpolated.png"), store.SIZE) for n in families}
    decoded = {labels[name] for name, family in families.items() if family.varied is None}
    figures["interpolations"] = shapes.interpolations("Between two images", lines, decoded, between, palette)
    for name, label in labels.items():
        figures[f"neighbors_{name}"] = _neighbors(label, data, results[label], palette)
    folder = job.out("plots/figures_shapes")
    for name, figure in figures.items():
        style.save(figure, folder / f"{name}.png", settings.dpi)
    shared = [
        Shared(label, factor, int(epoch), float(percent))
        for label, history in histories.items()
        for factor in names
        for epoch, percent in zip(history["epoch"], history[factor], strict=True)
    ]
    files.write_table(job.out("plots/learnt_first.json"), shared)


def _sets(source: str, results: dict[str, Factors]) -> str:
    first = next(iter(results.values()))
    more = f"{first.redrawn} redrawings each; the factors that the encoder's family varies and all nuisances differ."
    return style.foot(source, first.sets, "sets", f"Marker: median; line: the middle 80 %. {more}")


def _neighbors(label: str, data: store.ImageSet, result: Factors, palette: style.Palette) -> Figure:
    splits = {TRAINING: data.train, NEW: data.test}
    shown = {kind: (split, result.shown[kind]) for kind, split in splits.items()}
    shares = {kind: {row.factor: row.value for row in result.read(kind, AGREEMENT)} for kind in shown}
    more = "Neighbors are training images; an image is not its own. Queries are random."
    footer = style.foot(data.source, len(data.train.labels), "training images", more)
    return shapes.neighbors(f"Nearest neighbors: {label}", data, shown, shares, footer, palette)


def _tammes(palette: style.Palette) -> Figure:
    points = {count: _faced(geometry.dispersed(count, 3, seed=0)) for count in TAMMES}
    captions = [f"{shape}, {geometry.smallest_distance(points[count]):.4f}" for count, shape in TAMMES.items()]
    named = {f"{count} points": x for count, x in points.items()}
    footer = "Points on a sphere that minimise the uniformity loss (t = 2) alone; the number is the smallest distance."
    return shapes.tammes("Points that minimise the uniformity loss", named, captions, footer, palette)


def _faced(x: np.ndarray) -> np.ndarray:
    """Turned a little away from its axes of symmetry, so that no point hides another."""
    turned: np.ndarray = x @ np.linalg.qr(np.random.default_rng(1).standard_normal((3, 3)))[0]
    return turned


if __name__ == "__main__":
    run(main)
