"""Figures of one encoder: probe, maps, clusters, nearest and farthest images, highest anomaly scores."""

from collections.abc import Mapping

import numpy as np
from matplotlib.figure import Figure

from stages import run
from visrep import files, records
from visrep.data import store
from visrep.data.store import ImageSet
from visrep.evaluations import anomaly, maps, probe, retrieval
from visrep.figures import anomalies, evaluations, style
from visrep.figures.evaluations import Map
from visrep.settings.figures import Figures
from visrep.settings.representations import AnomalousSets, Label
from visrep.stage.job import Job

ITEMS = "encoders"
OBJECTS = "objects"


def main(job: Job) -> None:
    settings, label = job.read("figures", Figures), job.read(f"encoders.{job.item}", Label).root
    sets = job.read("anomaly.sets", AnomalousSets).root
    palette = style.PALETTES[settings.palette]
    objects = store.load(job.input(f"data/{OBJECTS}"))
    others = {name: store.load(job.input(f"data/{name}")) for name in sets.values()}
    figures = {
        "probe": _probe(job, label, palette),
        **_maps(job, label, objects, palette),
        **_neighbors(job, label, objects, palette),
        "most_anomalous": _strange(job, label, {anomaly.NORMAL: objects, **others}, palette),
    }
    folder = job.out(f"plots/figures/{job.item}")
    for picture, figure in figures.items():
        style.save(figure, folder / f"{picture}.png", settings.dpi)


def _probe(job: Job, label: str, palette: style.Palette) -> Figure:
    result = records.read(job.input(f"plots/probe/{job.item}/details.json"), probe.Result)
    what = "training images with labels"
    if result.history:
        what += f", {result.n:,} test images"
    else:
        what += ", validation images among them"
    footer = style.foot(result.source, result.labelled, what)
    return evaluations.probe(f"{label}: selection of the linear probe", result, footer, palette)


def _maps(job: Job, label: str, objects: ImageSet, palette: style.Palette) -> dict[str, Figure]:
    result = records.read(job.input(f"plots/maps/{job.item}/details.json"), maps.Result)
    index = np.array(result.index)
    near = files.read_array(job.input(f"predictions/clustering/{job.item}.npy"))[index]  # (points, clusters)
    of = (result.source, result.n, "test images")
    named = style.foot(
        *of,
        "Trustworthiness is 1 where neighbors on the map are neighbors in the embedding. k-NN: how many have the "
        f"class of most of the {result.k} nearest on the map.",
    )
    numbered = style.foot(
        *of,
        "Numbers are at the images nearest to the centroids. A cluster has the marker of the class it is matched with, "
        "each class once; that need not be its most frequent.",
    )
    clusters, kinds = near.argmin(1), objects.test.labels[index]
    central = {int(cluster): int(near[:, cluster].argmin()) for cluster in np.unique(clusters)}
    places = [np.column_stack([each.across, each.up]) for each in result.coordinates]
    captioned = [Map(caption, xy) for caption, xy in zip(_captions(result), places, strict=True)]
    (tsne,) = (xy for each, xy in zip(result.coordinates, places, strict=True) if each.map == "t-SNE")
    classes = objects.classes
    return {
        "map": evaluations.embedding_map(f"{label}: test images", captioned, kinds, classes, named, palette),
        "clusters": evaluations.clusters(
            f"{label}: clusters", tsne, kinds, clusters, central, classes, numbered, palette
        ),
    }


def _captions(result: maps.Result) -> list[str]:
    """The captions of the maps."""
    first, second = (100 * share for share in result.explained)
    axes = {"PCA": f", {first:.0f} + {second:.0f} % of the variance"}
    return [
        f"{row.map}: trustworthiness {row.trustworthiness:.2f}, k-NN {row.knn_accuracy:.0f} %{axes.get(row.map, '')}"
        for row in result.trust
    ]


def _neighbors(job: Job, label: str, objects: ImageSet, palette: style.Palette) -> dict[str, Figure]:
    result = records.read(job.input(f"plots/retrieval/{job.item}/details.json"), retrieval.Result)
    queries = np.array([row.query for row in result.queries], int)
    nearest, farthest = (np.array(each, int) for each in zip(*((r.near, r.far) for r in result.queries), strict=True))
    hubs = {hub.image: hub.appearances for hub in result.hubs}
    return {
        "neighbors": evaluations.neighbors(
            f"{label}: nearest and farthest", objects, queries, nearest, farthest, palette
        ),
        "hubs": evaluations.hubs(
            f"{label}: most often among the farthest", objects, "farthest", farthest.shape[1], hubs, result.n, palette
        ),
    }


def _strange(job: Job, label: str, sets: Mapping[str, ImageSet], palette: style.Palette) -> Figure:
    result = records.read(job.input(f"plots/anomaly/{job.item}/details.json"), anomaly.Result)
    called = {anomaly.NORMAL: OBJECTS} | {one.set: one.key for one in result.anomalous}
    images = {name: data.test.images for name, data in sets.items()}
    among = f"all {sum(map(len, images.values())):,} test images"
    rows, footer = result.most_anomalous, f"Data: {result.sets_in_words(called)}."
    return anomalies.most_anomalous(f"{label}: highest anomaly scores", among, rows, images, called, footer, palette)


if __name__ == "__main__":
    run(main, ITEMS)
