"""VICReg, and VICReg on its neighbors, with another seed, with all evaluations of both."""

from stages import _evaluated, neighbors, no_generated_neighbors, run, vicreg
from visrep.replicates.replicate import Replication
from visrep.settings.representations import Neighbors
from visrep.stage.job import Job

ITEMS = "replicates.seeds"


def main(job: Job) -> None:
    again = Replication(job, int(job.item))
    again.train(vicreg)
    _evaluated.evaluate(again, "vicreg")
    if (of := job.read("neighbors", Neighbors).of) == "vicreg":
        again.evaluate(neighbors)
        again.train(no_generated_neighbors)
        _evaluated.evaluate(again, "no_generated_neighbors")
    else:
        job.log(f"neighbors are those of {of}, which is not trained again here; VICReg on neighbors has no replicate")
    again.write("vicreg")


if __name__ == "__main__":
    run(main, ITEMS)
