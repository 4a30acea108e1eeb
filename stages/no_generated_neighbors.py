"""VICReg without generated views: an image's positives are its nearest neighbours in the embedding of VICReg."""

from functools import partial

import numpy as np
import torch

from visrep.data import store
from visrep.learning import positives, representations, vicreg
from visrep.machine import device
from visrep.models import encoders
from visrep.settings.no_generated_neighbors import NoGeneratedNeighbors
from visrep.settings.runtime import Runtime
from visrep.settings.vicreg import VICReg
from visrep.stage import artifacts, run


def main(job: run.Job) -> None:
    own = job.read("no_generated_neighbors", NoGeneratedNeighbors)
    settings = own.of(job.read("vicreg", VICReg))
    machine = device.prepare(job.read("runtime", Runtime))
    cifar10 = store.load(job.input("data/cifar10"))
    nearest = artifacts.read_array(job.input("neighbors/vicreg.npy"))

    images = encoders.whole(cifar10.train.images, machine.device)
    near = torch.from_numpy(np.array(nearest)).to(machine.device)
    augment = settings.augment if own.augmented else None
    objective = positives.OfNeighbors(images, near, augment, partial(vicreg.loss, weights=settings.weights))
    learned = representations.learn(job, machine, settings, objective, cifar10)
    representations.write(job, learned, "no_generated_neighbors", cifar10, vicreg.Terms._fields)


if __name__ == "__main__":
    run.main(main)
