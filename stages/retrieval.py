"""Nearest and farthest training images of test images, and whether they are of the same class."""

from threadpoolctl import threadpool_limits

from stages import run
from visrep import files
from visrep.data import store
from visrep.evaluations import retrieval
from visrep.settings.runtime import Threads
from visrep.stage.job import Job

ITEMS = "encoders"


def main(job: Job) -> None:
    settings = job.read("retrieval", retrieval.Settings)
    threadpool_limits(job.read("runtime.threads", Threads).root)
    objects = store.load(job.input("data/objects"))
    train, test = (files.read_array(job.input(f"embeddings/{job.item}/{part}.npy")) for part in ("train", "test"))
    job.result(f"retrieval/{job.item}", retrieval.evaluate(train, test, objects, settings))


if __name__ == "__main__":
    run(main, ITEMS)
