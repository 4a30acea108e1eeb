"""Accuracy of a linear probe and of k nearest neighbors on an embedding."""

from stages import run
from visrep import files, threads
from visrep.data import store
from visrep.evaluations import probe
from visrep.stage.job import Job

ITEMS = "encoders"


def main(job: Job) -> None:
    settings = job.read("probe", probe.Settings)
    threads.limit(1)  # the products are small: more threads gain little, and wait for long on a busy machine
    objects = store.load(job.input("data/objects"))
    train, test = (files.read_array(job.input(f"embeddings/{job.item}/{part}.npy")) for part in ("train", "test"))
    job.result(f"probe/{job.item}", probe.evaluate(train, test, objects, settings))


if __name__ == "__main__":
    run(main, ITEMS)
