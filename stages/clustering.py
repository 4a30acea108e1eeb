"""k-means clusters of an embedding, and how well they match classes."""

from stages import run
from visrep import files, threads
from visrep.data import store
from visrep.evaluations import clustering
from visrep.settings.runtime import Threads
from visrep.stage.job import Job

ITEMS = "encoders"


def main(job: Job) -> None:
    settings = job.read("clustering", clustering.Settings)
    threads.limit(job.read("runtime.threads", Threads).root)
    objects = store.load(job.input("data/objects"))
    train, test = (files.read_array(job.input(f"embeddings/{job.item}/{part}.npy")) for part in ("train", "test"))
    result, clusters = clustering.evaluate(train, objects, settings)
    distances = clustering.distances(test, clusters.centroids)
    files.write_array(job.out(f"predictions/clustering/{job.item}.npy"), distances)
    job.result(f"clustering/{job.item}", result)


if __name__ == "__main__":
    run(main, ITEMS)
