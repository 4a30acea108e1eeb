"""The nearest training images of each training image, in the embedding of VICReg: exact, itself left out."""

from threadpoolctl import threadpool_limits

from visrep.readers import neighbors
from visrep.settings.neighbors import Neighbors
from visrep.settings.runtime import Threads
from visrep.stage import artifacts, run


def main(job: run.Job) -> None:
    settings = job.read("neighbors", Neighbors)
    threadpool_limits(job.read("runtime.threads", Threads).root)
    train = artifacts.read_array(job.input("embeddings/vicreg/train.npy"))
    artifacts.write_array(
        job.out("neighbors/vicreg.npy"), neighbors.nearest(train, train, settings.k, itself=True).index
    )


if __name__ == "__main__":
    run.main(main)
