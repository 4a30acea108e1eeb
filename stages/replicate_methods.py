"""A method besides VICReg with another seed, with all evaluations of its encoder."""

from stages import _evaluated, methods, run
from visrep.replicates.replicate import Replication
from visrep.stage.job import Job

ITEMS = "methods-replicates.seeds"


def main(job: Job) -> None:
    name, seed = job.item.split("-")
    again = Replication(job, int(seed))
    again.train(methods, name)
    _evaluated.evaluate(again, name)
    again.write(f"methods/{name}")


if __name__ == "__main__":
    run(main, ITEMS)
