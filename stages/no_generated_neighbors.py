"""VICReg without generated views: an image's positives are its nearest neighbours."""

import numpy as np
import torch

from stages import _encoder, run
from visrep import files
from visrep.data import store
from visrep.machine import device
from visrep.representations import learning, positives
from visrep.representations.methods import vicreg
from visrep.settings.representations import NoGeneratedNeighbors
from visrep.settings.runtime import Runtime
from visrep.stage.job import Job


def main(job: Job) -> None:
    own = job.read("no_generated_neighbors", NoGeneratedNeighbors)
    settings = own.of(job.read("vicreg", vicreg.Settings))
    machine = device.prepare(job.read("runtime", Runtime))
    objects = store.load(job.input("data/objects"))
    nearest = torch.from_numpy(np.array(files.read_array(job.input("neighbors/train.npy"))))

    recipe, checkpoint = learning.recipe(vicreg, settings), job.scratch / "checkpoint.pt"
    images, augment = recipe.images(objects.train, machine.device), settings.augment if own.augmented else None
    objective = positives.OfNeighbors(images, nearest.to(machine.device), augment, recipe.loss)
    learned = learning.train(recipe, objective, objects, machine, checkpoint, job.progress)
    _encoder.write(job, learned, "no_generated_neighbors")


if __name__ == "__main__":
    run(main)
