"""A network learns without labels: views of an image agree, dimensions vary, and none repeats another."""

from visrep import device, encoders, representations, run, vicreg
from visrep.data import store
from visrep.settings.runtime import Runtime
from visrep.settings.vicreg import VICReg


def main(job: run.Job) -> None:
    settings = job.read("vicreg", VICReg)
    machine = device.prepare(job.read("runtime", Runtime))
    cifar10 = store.load(job.input("data/cifar10"))
    images = encoders.whole(cifar10.train.images, machine.device)
    objective = vicreg.OfViews(images, settings.augment, settings.views, settings.weights)
    representations.write(job, representations.learn(job, machine, settings, objective, cifar10), "vicreg", cifar10)


if __name__ == "__main__":
    run.main(main)
