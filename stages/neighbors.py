"""The nearest training images of each training image, in the embedding of VICReg or of another encoder."""

from threadpoolctl import threadpool_limits

from stages import run
from visrep import files
from visrep.data import store
from visrep.measures import neighbors
from visrep.representations import neighborhood
from visrep.settings.representations import Neighbors
from visrep.settings.runtime import Threads
from visrep.stage.job import Job


def main(job: Job) -> None:
    settings = job.read("neighbors", Neighbors)
    threadpool_limits(job.read("runtime.threads", Threads).root)
    objects = store.load(job.input("data/objects"))
    train = files.read_array(job.input(f"embeddings/{settings.of}/train.npy"))
    nearest = neighbors.nearest(train, train, settings.k, itself=True).index
    files.write_array(job.out("neighbors/train.npy"), nearest)
    result = neighborhood.neighborhood(nearest, objects.train.labels, objects.classes, objects.source, settings.of)
    job.result("neighbors", result)


if __name__ == "__main__":
    run(main)
