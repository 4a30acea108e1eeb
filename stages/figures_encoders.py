"""All encoders side by side: what readers find in them, and whether they fall into clusters that are classes."""

from typing import Any

from visrep.figures import compared, style
from visrep.settings.encoders import FLOORS, Labels
from visrep.settings.figures import Figures
from visrep.stage import artifacts, run

READERS = {"linear": "linear probe", "knn": "nearest neighbours"}
CLUSTERS = {
    "silhouette": "silhouette: how neatly they lie apart",
    "nmi": "NMI: how far they are the classes",
    "colour_explained_by_clusters": "share of the mean colour they explain",
}


def main(job: run.Job) -> None:
    settings, labels = job.read("figures", Figures), job.read("encoders", Labels).root
    probes, details, metrics = (job.input(place) for place in ("plots/probe", "plots/clustering", "metrics/clustering"))
    probed = [artifacts.read_json(probes / name / "details.json") for name in labels]
    clustered: list[dict[str, Any]] = [
        artifacts.read_json(details / name / "details.json") | artifacts.read_json(metrics / f"{name}.json")
        for name in labels
    ]

    names, floors = list(labels.values()), [labels[name] for name in FLOORS if name in labels]
    palette, told = style.PALETTES[settings.palette], probed[0]
    accuracies = compared.Panel(
        "Test images named rightly, %",
        {said: [_interval(found["accuracies"][key]) for found in probed] for key, said in READERS.items()},
        told["chance"],
    )
    groups = compared.Panel(
        "k-means, a cluster for each class",
        {said: [_point(found[key]) for found in clustered] for key, said in CLUSTERS.items()},
        None,
    )
    seen = style.foot(told["source"], told["n"], "test images", "Lines: 95 % intervals. Floors in italics.")
    trained = style.foot(told["source"], clustered[0]["n"], "training images", "Floors in italics.")
    folder = job.out("plots/figures_encoders")
    for name, title, panel, footer in (
        ("accuracy", "What readers find in each embedding", accuracies, seen),
        ("clusters", "Do embeddings fall into clusters, and are they classes?", groups, trained),
    ):
        figure = compared.rows(title, names, floors, [panel], footer, palette)
        style.save(figure, folder / f"{name}.png", settings.dpi)


def _interval(accuracy: dict[str, float]) -> tuple[float, float, float]:
    return accuracy["value"], accuracy["low"], accuracy["high"]


def _point(value: float) -> tuple[float, float, float]:
    return value, value, value


if __name__ == "__main__":
    run.main(main)
