"""Encoders without training, as baselines."""

from stages import run
from visrep import files, threads
from visrep.data import store
from visrep.settings.representations import OneEncoder
from visrep.settings.runtime import Threads
from visrep.stage.job import Job

ITEMS = "baselines"


def main(job: Job) -> None:
    baseline = job.module("visrep.representations.baselines", job.item)
    settings = job.read(f"baselines.{job.item}", baseline.Settings)
    encoder = job.read("pretraining.encoder", OneEncoder).root
    threads.limit(job.read("runtime.threads", Threads).root)
    objects = store.load(job.input("data/objects"))
    files.write_weights(
        job.out(f"models/{job.item}.safetensors"), *baseline.fit(objects.train.images, settings, encoder)
    )


if __name__ == "__main__":
    run(main, ITEMS)
