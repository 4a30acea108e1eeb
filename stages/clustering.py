"""Does the embedding fall into groups by itself, and are the groups classes?"""

import numpy as np
from threadpoolctl import threadpool_limits

from visrep.data import store
from visrep.readers import clustering
from visrep.settings.clustering import Clustering
from visrep.settings.runtime import Threads
from visrep.stage import artifacts, run

ITEMS = "encoders"


def main(job: run.Job) -> None:
    settings = job.read("clustering", Clustering)
    threadpool_limits(job.read("runtime.threads", Threads).root)
    cifar10 = store.load(job.input("data/cifar10"))
    train, test = (artifacts.read_array(job.input(f"embeddings/{job.item}/{part}.npy")) for part in ("train", "test"))
    labels = cifar10.train.labels

    groups = clustering.kmeans(train, len(cifar10.classes), settings.seed, settings.restarts)
    artifacts.write_array(
        job.out(f"predictions/clustering/{job.item}.npy"), clustering.distances(test, groups.centroids)
    )
    artifacts.write_metrics(
        job.out(f"metrics/clustering/{job.item}.json"),
        {
            "silhouette": clustering.silhouette(train, groups.labels),
            "nmi": clustering.nmi(labels, groups.labels),
            "ari": clustering.ari(labels, groups.labels),
            "accuracy": clustering.matched_accuracy(labels, groups.labels),
        },
    )
    colour = cifar10.train.images.mean((1, 2), dtype=np.float64)  # (N, 3)
    artifacts.write_json(
        job.out(f"plots/clustering/{job.item}/details.json"),
        {"n": len(labels), "source": cifar10.source, "metric": "Euclidean"}
        | {"silhouette_of_classes": clustering.silhouette(train, labels)}
        | {"colour_explained_by_clusters": clustering.explained(colour, groups.labels)}
        | {"colour_explained_by_classes": clustering.explained(colour, labels)}
        | {"counts": clustering.table(labels, groups.labels, cifar10.classes)},
    )


if __name__ == "__main__":
    run.main(main, ITEMS)
