"""The nearest training images of each training image, in the embedding of VICReg."""

from threadpoolctl import threadpool_limits

from stages import run
from visrep import files
from visrep.measures import neighbors
from visrep.settings.representations import Neighbors
from visrep.settings.runtime import Threads
from visrep.stage.job import Job


def main(job: Job) -> None:
    settings = job.read("neighbors", Neighbors)
    threadpool_limits(job.read("runtime.threads", Threads).root)
    train = files.read_array(job.input("embeddings/vicreg/train.npy"))
    nearest = neighbors.nearest(train, train, settings.k, itself=True)
    files.write_array(job.out("neighbors/vicreg.npy"), nearest.index)


if __name__ == "__main__":
    run(main)
