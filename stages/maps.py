"""The embedding in two dimensions: its principal components, and a map that keeps neighbours together."""

import numpy as np
import pandas as pd
from threadpoolctl import threadpool_limits

from visrep.data import store
from visrep.readers import maps
from visrep.settings.maps import Maps
from visrep.settings.runtime import Threads
from visrep.stage import artifacts, run

ITEMS = "encoders"


def main(job: run.Job) -> None:
    settings = job.read("maps", Maps)
    limit = job.read("runtime.threads", Threads).root
    threadpool_limits(limit)
    cifar10 = store.load(job.input("data/cifar10"))
    train, test = (artifacts.read_array(job.input(f"embeddings/{job.item}/{part}.npy")) for part in ("train", "test"))
    shown = store.sample(len(test), settings.points, settings.seed)
    points, names = test[shown], np.array(cifar10.classes)[cifar10.test.labels[shown]]

    plane = maps.pca(train, points)
    drawn = {"PCA": plane.coordinates, "t-SNE": maps.tsne(points, settings.perplexity, settings.seed, limit)}
    if settings.umap:
        drawn["UMAP"] = maps.umap(points, settings.neighbors, settings.seed)
    tables = [
        pd.DataFrame({"map": name, "x": xy[:, 0], "y": xy[:, 1], "class": names, "index": shown})
        for name, xy in drawn.items()
    ]
    artifacts.write_table(job.out(f"plots/maps/{job.item}.json"), pd.concat(tables))
    trust = [
        {"map": name, "trustworthiness": maps.trustworthiness(points, xy, settings.neighbors)}
        for name, xy in drawn.items()
    ]
    artifacts.write_json(
        job.out(f"plots/maps/{job.item}/details.json"),
        {"n": len(points), "source": cifar10.source, "explained": plane.explained, "maps": trust},
    )


if __name__ == "__main__":
    run.main(main, ITEMS)
