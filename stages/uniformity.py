"""Alignment of images of one class, uniformity of all, and the density of the embedding."""

from threadpoolctl import threadpool_limits

from stages import run
from visrep import files
from visrep.data import store
from visrep.evaluations import uniformity
from visrep.stage.job import Job

ITEMS = "encoders"


def main(job: Job) -> None:
    settings = job.read("uniformity", uniformity.Settings)
    threadpool_limits(1)  # so that sums do not depend on threads; there is little to do
    objects = store.load(job.input("data/objects"))
    test = files.read_array(job.input(f"embeddings/{job.item}/test.npy"))
    job.result(f"uniformity/{job.item}", uniformity.evaluate(test, objects, settings))


if __name__ == "__main__":
    run(main, ITEMS)
