"""VICReg without generated views: the positives of an image are its nearest neighbors."""

from functools import partial

import numpy as np

from stages import _encoder, run
from visrep import files
from visrep.data import store
from visrep.representations import learning
from visrep.representations.methods import vicreg
from visrep.settings.representations import NoGeneratedNeighbors
from visrep.settings.runtime import Processes, Runtime
from visrep.stage.job import Job
from visrep.training import distributed


def main(job: Job) -> None:
    own = job.read("no_generated_neighbors", NoGeneratedNeighbors)
    settings = own.of(job.read("vicreg", vicreg.Settings, "pretraining"))
    runtime, processes = job.read("runtime", Runtime), job.read("processes", Processes).root
    objects = store.load(job.input("data/objects"))
    nearest = np.array(files.read_array(job.input("neighbors/train.npy")))
    work = partial(
        learning.on_neighbors,
        learning.recipe(vicreg, settings),
        objects,
        nearest,
        settings.augment if own.augmented else None,
        checkpoint=job.scratch / "checkpoint.pt",
        progress=job.progress,
    )
    _encoder.write(job, distributed.run(processes, runtime, work), "no_generated_neighbors")


if __name__ == "__main__":
    run(main)
