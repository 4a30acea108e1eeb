"""A network learns without labels: views of an image agree, dimensions vary, and none repeats another."""

from functools import partial

from visrep.learning import representations, vicreg
from visrep.settings.vicreg import VICReg
from visrep.stage import run


def main(job: run.Job) -> None:
    settings = job.read("vicreg", VICReg)
    loss = partial(vicreg.loss, weights=settings.weights)
    representations.of_views(job, settings, loss, "vicreg", vicreg.Terms._fields)


if __name__ == "__main__":
    run.main(main)
