"""One encoder in pictures: its probe, maps, clusters, nearest and farthest images, what it finds strangest."""

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from visrep.data import store
from visrep.data.store import ImageSet
from visrep.figures import anomalies, maps, probed, retrieved, style
from visrep.settings.encoders import Label
from visrep.settings.figures import Figures
from visrep.stage import artifacts, run

SETS = {"test": "objects", "mnist": "handwritten", "svhn": "street"}  # digits, the last two

ITEMS = "encoders"


def main(job: run.Job) -> None:
    settings, label = job.read("figures", Figures), job.read(f"encoders.{job.item}", Label).root
    palette = style.PALETTES[settings.palette]
    sets = {key: store.load(job.input(f"data/{key}")) for key in ("cifar10", "mnist", "svhn")}
    drawn = {
        "probe": _probed(job, label, palette),
        **_mapped(job, label, sets["cifar10"], palette),
        **_retrieved(job, label, sets["cifar10"], palette),
        **_strange(job, label, {"test": sets["cifar10"], "mnist": sets["mnist"], "svhn": sets["svhn"]}, palette),
    }
    folder = job.out(f"plots/figures/{job.item}")
    for picture, figure in drawn.items():
        style.save(figure, folder / f"{picture}.png", settings.dpi)


def _probed(job: run.Job, label: str, palette: style.Palette) -> Figure:
    told = artifacts.read_json(job.input(f"plots/probe/{job.item}/details.json"))
    seen = "training images with labels"
    if "history" in told:
        seen += f", {told['n']:,} test images"
    else:
        seen += ", of which those held out choose the strength"
    footer = style.foot(told["source"], told["labelled"], seen)
    return probed.probe(f"{label}: how the linear probe came about", told, footer, palette)


def _mapped(job: run.Job, label: str, cifar10: ImageSet, palette: style.Palette) -> dict[str, Figure]:
    points = pd.DataFrame(artifacts.read_json(job.input(f"plots/maps/{job.item}.json")))
    told = artifacts.read_json(job.input(f"plots/maps/{job.item}/details.json"))
    distances = artifacts.read_array(job.input(f"predictions/clustering/{job.item}.npy"))
    of = (cifar10.source, told["n"], "test images")
    named = style.foot(*of, "Trustworthiness is 1 where neighbours on the map are neighbours in the embedding.")
    numbered = style.foot(
        *of,
        "A number stands at the image nearest to its centroid. A cluster has the marker of the class it is matched "
        "with, each class once; that need not be its most frequent.",
    )
    found = _clustered(points, distances)
    return {
        "map": maps.embedding_map(f"{label}: test images", points, _captions(told), cifar10.classes, named, palette),
        "clusters": maps.clusters(f"{label}: clusters", *found, cifar10.classes, numbered, palette),
    }


def _retrieved(job: run.Job, label: str, cifar10: ImageSet, palette: style.Palette) -> dict[str, Figure]:
    told = artifacts.read_json(job.input(f"plots/retrieval/{job.item}/details.json"))
    nearest, farthest, queries = (np.array([q[key] for q in told["queries"]]) for key in ("near", "far", "query"))
    hubs = {hub["image"]: hub["appearances"] for hub in told["hubs"]}
    return {
        "neighbors": retrieved.neighbors(
            f"{label}: nearest and farthest", cifar10, queries, nearest, farthest, palette
        ),
        "hubs": retrieved.hubs(
            f"{label}: far from everything", cifar10, "farthest", farthest.shape[1], hubs, told["n"], palette
        ),
    }


def _strange(job: run.Job, label: str, sets: dict[str, ImageSet], palette: style.Palette) -> dict[str, Figure]:
    told = artifacts.read_json(job.input(f"plots/anomaly/{job.item}/details.json"))
    images = {SETS[key]: data.test.images for key, data in sets.items()}
    rows = [row | {"set": SETS[row["set"]]} for row in told["most_anomalous"]]
    sources = "; ".join(f"{SETS[key]}: {source} (n = {told['n'][key]:,})" for key, source in told["sources"].items())
    ranked = {f"all {sum(told['n'].values()):,} test images": rows}
    return {
        "most_anomalous": anomalies.most_anomalous(
            f"{label}: strangest", ranked, images, SETS["test"], f"Data: {sources}.", palette
        )
    }


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
    run.main(main, ITEMS)
