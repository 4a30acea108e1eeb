"""An ablation with another seed, with all evaluations of its encoder."""

from stages import _evaluated, ablations, run
from visrep.replicates.replicate import Replication
from visrep.stage.job import Job

ITEMS = "ablations-replicates.seeds"


def main(job: Job) -> None:
    name, seed = job.item.split("-")
    job.input(f"models/{name}.json")  # all that the training reads; DVC cannot name the section that it varies
    again = Replication(job, int(seed))
    again.train(ablations, name)
    _evaluated.evaluate(again, name)
    again.write(f"ablations/{name}")


if __name__ == "__main__":
    run(main, ITEMS)
