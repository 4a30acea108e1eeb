"""SimCLR with something changed: what are batch size, temperature and each kind of view good for?"""

from functools import partial

from visrep.learning import representations, simclr
from visrep.settings.ablations import Overrides, ablated
from visrep.settings.simclr import SimCLR
from visrep.stage import run

ITEMS = "simclr_ablations"


def main(job: run.Job) -> None:
    settings = ablated(job.read("simclr", SimCLR), job.read(f"simclr_ablations.{job.item}", Overrides))
    loss = partial(simclr.loss, temperature=settings.temperature)
    representations.of_views(job, settings, loss, f"ablations/{job.item}", simclr.MEASURES)


if __name__ == "__main__":
    run.main(main, ITEMS)
