"""A network learns without labels: among all images of a batch it finds the other view of the one it sees."""

from functools import partial

from visrep.learning import representations, simclr
from visrep.settings.simclr import SimCLR
from visrep.stage import run


def main(job: run.Job) -> None:
    settings = job.read("simclr", SimCLR)
    loss = partial(simclr.loss, temperature=settings.temperature)
    representations.of_views(job, settings, loss, "simclr", simclr.MEASURES)


if __name__ == "__main__":
    run.main(main)
