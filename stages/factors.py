"""Which factors of drawn shapes an encoder keeps, compared with the predictions of its training."""

import numpy as np

from stages import run
from visrep import threads
from visrep.data import store
from visrep.evaluations import probe
from visrep.machine import device
from visrep.measures import scalings
from visrep.settings.runtime import Runtime
from visrep.settings.shapes import Factors, Family
from visrep.shapes import autoencoder, invariance
from visrep.stage.job import Job
from visrep.training import weights

ITEMS = "families"


def main(job: Job) -> None:
    settings, choice = job.read("factors", Factors), job.read("probe", probe.Settings).choice
    varied = job.read(f"families.{job.item}", Family).varied
    machine = device.prepare(job.read("runtime", Runtime))
    threads.limit(1)  # the products are small: more threads gain nothing, and wait for long on a busy machine
    shapes = store.load(job.input("data/shapes"))
    encoder = machine.place(weights.load(job.input(f"models/similarity_{job.item}.safetensors"), autoencoder.Encoder))

    def embed(images: np.ndarray) -> np.ndarray:
        return scalings.unit(autoencoder.encoded(encoder, images))

    job.result(f"factors/{job.item}", invariance.evaluate(shapes, embed, varied, settings, choice))


if __name__ == "__main__":
    run(main, ITEMS)
