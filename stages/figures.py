"""One encoder in pictures: maps, clusters, nearest and farthest images, and what it finds strangest."""

from typing import Any

import numpy as np
import pandas as pd

from visrep import artifacts, run
from visrep.data import store
from visrep.figures import anomalies, maps, retrieved, style
from visrep.settings.encoders import Label, items
from visrep.settings.figures import Figures

SETS = {"test": "objects", "mnist": "handwritten", "svhn": "street"}  # digits, the last two


def main(job: run.Job) -> None:
    settings, name = job.read("figures", Figures), job.item
    label = job.read(f"encoders.{name}", Label).root
    cifar10, mnist, svhn = (store.load(job.input(f"data/{key}")) for key in ("cifar10", "mnist", "svhn"))
    points = pd.DataFrame(artifacts.read_json(job.input(f"plots/maps/{name}.json")))
    mapped, found, strange = (
        artifacts.read_json(job.input(f"plots/{stage}/{name}/details.json"))
        for stage in ("maps", "retrieval", "anomaly")
    )
    distances = artifacts.read_array(job.input(f"predictions/clustering/{name}.npy"))

    palette, classes = style.PALETTES[settings.palette], cifar10.classes
    footer = style.foot(cifar10.source, mapped["n"], "test images")
    nearest, farthest, queries = (np.array([q[key] for q in found["queries"]]) for key in ("near", "far", "query"))
    hubs = {hub["image"]: hub["appearances"] for hub in found["hubs"]}
    images = {SETS[key]: data.test.images for key, data in (("test", cifar10), ("mnist", mnist), ("svhn", svhn))}
    rows = [row | {"set": SETS[row["set"]]} for row in strange["most_anomalous"]]
    ranked = {f"all {sum(strange['n'].values()):,} test images": rows}
    sources = "; ".join(
        f"{SETS[key]}: {source} (n = {strange['n'][key]:,})" for key, source in strange["sources"].items()
    )
    drawn = {
        "map": maps.embedding_map(label, points, _captions(mapped), classes, footer, palette),
        "clusters": maps.clusters(f"{label}: clusters", *_clustered(points, distances), classes, footer, palette),
        "neighbors": retrieved.neighbors(
            f"{label}: nearest and farthest", cifar10, queries, nearest, farthest, palette
        ),
        "hubs": retrieved.hubs(
            f"{label}: far from everything", cifar10, "farthest", farthest.shape[1], hubs, found["n"], palette
        ),
        "most_anomalous": anomalies.most_anomalous(
            f"{label}: strangest", ranked, images, SETS["test"], f"Data: {sources}.", palette
        ),
    }
    folder = job.out(f"plots/figures/{name}")
    for picture, figure in drawn.items():
        style.save(figure, folder / f"{picture}.png", settings.dpi)


def _captions(told: dict[str, Any]) -> dict[str, str]:
    """What is said above each map."""
    first, second = (100 * share for share in told["explained"])
    said = {row["map"]: f"{row['map']}: trustworthiness {row['trustworthiness']:.2f}" for row in told["maps"]}
    return said | {"PCA": f"{said['PCA']}, {first:.0f} + {second:.0f} % of the variance"}


def _clustered(points: pd.DataFrame, distances: np.ndarray) -> tuple[pd.DataFrame, dict[int, int]]:
    """The points of t-SNE with their clusters, and for each cluster the row that is nearest to its centroid."""
    shown = points[points["map"] == "t-SNE"].reset_index(drop=True)
    near = distances[shown["index"]]  # (points, clusters)
    found = near.argmin(1)
    central = {int(cluster): int(near[:, cluster].argmin()) for cluster in np.unique(found)}
    return shown.assign(cluster=found), central


if __name__ == "__main__":
    run.main(main, items)
