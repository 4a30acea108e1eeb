"""What encoders of drawn shapes call alike, which factors they keep, and how features spread that only repel."""

from typing import Any

import numpy as np
import pandas as pd

from visrep.data import store
from visrep.figures import alike, similar, style
from visrep.readers import geometry
from visrep.settings.figures import Figures
from visrep.settings.similarity import Families
from visrep.stage import artifacts, run

TRAINING, NEW = "training images", "new images"
TAMMES = {2: "opposite", 3: "triangle", 4: "tetrahedron", 5: "no regular one", 6: "octahedron", 12: "icosahedron"}
READ = "In brackets: chance. Movement: 100 % is the way to a random picture. Shade: what is kept of what could be kept."
READ += " Kept or lost is what was predicted: ✓ confirmed, ✗ refuted, ? undecided by the 95 % interval."
LEARNT = "Of these, the percent whose nearest other one has the same value; by chance"


def main(job: run.Job) -> None:
    settings, families = job.read("figures", Figures), job.read("families", Families).root
    shapes = store.load(job.input("data/shapes"))
    learned, read = job.input("plots/similarity"), job.input("plots/factors")
    histories = {_label(n): pd.DataFrame(artifacts.read_json(learned / n / "history.json")) for n in families}
    learning = {_label(n): artifacts.read_json(learned / n / "details.json") for n in families}
    found = {_label(n): artifacts.read_json(read / n / "details.json") for n in families}

    palette, first = style.PALETTES[settings.palette], next(iter(learning.values()))
    new = style.foot(shapes.source, len(shapes.test.labels), "new images", READ)
    what = f"training images; held out: {first['held_out']:,}"
    seen = style.foot(
        shapes.source,
        first["n"],
        what,
        "Training values are means over an epoch. Chance and floor are those of the held-out batches, a little larger.",
    )
    chances = ", ".join(f"{share:.0f} ({name})" for name, share in first["shared_by_chance"].items())
    watched = style.foot(shapes.source, first["held_out"], "held-out images", f"{LEARNT} {chances}.")
    drawn = {
        "factors": similar.table("Which factors encoders keep", _rows(found), new, palette),
        "losses": similar.losses("How the encoders learned", histories, learning, seen, palette),
        "learning": similar.learning("What is learnt first", histories, list(shapes.factors), watched, palette),
        "sets": similar.sets("Sets of pictures that should be one", found, _sets(shapes.source, found), palette),
        "tammes": _tammes(palette),
    }
    for name, label in ((name, _label(name)) for name in families):
        drawn[f"neighbors_{name}"] = _neighbors(label, shapes, found[label], palette)
    folder = job.out("plots/figures_shapes")
    for name, figure in drawn.items():
        style.save(figure, folder / f"{name}.png", settings.dpi)


def _label(name: str) -> str:
    return name.replace("_", " ")


def _rows(found: dict[str, Any]) -> list[dict[str, Any]]:
    return [{**row, "encoder": label} for label, told in found.items() for row in told["rows"] if row["images"] == NEW]


def _sets(source: str, found: dict[str, Any]) -> str:
    told = next(iter(found.values()))
    more = f"{told['redrawn']} redrawings each; the factors that the encoder's family varies and all nuisances differ."
    return style.foot(source, told["sets"], "sets", f"Marker: median; line: the middle 80 %. {more}")


def _neighbors(label: str, shapes: store.ImageSet, told: dict[str, Any], palette: style.Palette) -> Any:
    splits = {TRAINING: shapes.train, NEW: shapes.test}
    shown = {kind: (split, told["shown"][kind]) for kind, split in splits.items()}
    shares = {
        kind: {r["factor"]: r["value"] for r in told["rows"] if r["images"] == kind and r["reader"] == "agreement"}
        for kind in shown
    }
    more = "Neighbours are training images; an image is not its own. Queries are drawn at random."
    footer = style.foot(shapes.source, len(shapes.train.labels), "training images", more)
    return alike.neighbors(f"Most alike: {label}", shapes, shown, shares, footer, palette)


def _tammes(palette: style.Palette) -> Any:
    points = {count: _faced(geometry.dispersed(count, 3, seed=0)) for count in TAMMES}
    captions = [f"{shape}, {geometry.smallest_distance(points[count]):.4f}" for count, shape in TAMMES.items()]
    named = {f"{count} points": x for count, x in points.items()}
    footer = "Points on a sphere that minimise the uniformity loss (t = 2) alone; the number is the smallest distance."
    return similar.tammes("Features that only repel each other", named, captions, footer, palette)


def _faced(x: np.ndarray) -> np.ndarray:
    """Turned a little away from its axes of symmetry, so that no point hides another."""
    turned: np.ndarray = x @ np.linalg.qr(np.random.default_rng(1).standard_normal((3, 3)))[0]
    return turned


if __name__ == "__main__":
    run.main(main)
