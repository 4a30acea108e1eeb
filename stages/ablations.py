"""VICReg with something left out: what is each part of the loss, and each kind of view, good for?"""

from visrep import device, encoders, params, representations, run, vicreg
from visrep.data import store
from visrep.settings.runtime import Runtime
from visrep.settings.vicreg import Overrides, VICReg, ablated


def items() -> list[str]:
    return list(params.load()["ablations"])


def main(job: run.Job) -> None:
    settings = ablated(job.read("vicreg", VICReg), job.read(f"ablations.{job.item}", Overrides))
    machine = device.prepare(job.read("runtime", Runtime))
    cifar10 = store.load(job.input("data/cifar10"))
    images = encoders.whole(cifar10.train.images, machine.device)
    objective = vicreg.OfViews(images, settings.augment, settings.views, settings.weights)
    learned = representations.learn(job, machine, settings, objective, cifar10)
    representations.write(job, learned, f"ablations/{job.item}", cifar10)


if __name__ == "__main__":
    run.main(main, items)
