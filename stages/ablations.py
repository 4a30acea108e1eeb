"""VICReg with something left out: what is each part of the loss, and each kind of view, good for?"""

from functools import partial

from visrep.learning import representations, vicreg
from visrep.settings.ablations import Overrides, ablated
from visrep.settings.vicreg import VICReg
from visrep.stage import run

ITEMS = "ablations"


def main(job: run.Job) -> None:
    settings = ablated(job.read("vicreg", VICReg), job.read(f"ablations.{job.item}", Overrides))
    loss = partial(vicreg.loss, weights=settings.weights)
    representations.of_views(job, settings, loss, f"ablations/{job.item}", vicreg.Terms._fields)


if __name__ == "__main__":
    run.main(main, ITEMS)
