"""An encoder of drawn shapes with another seed, and which factors it keeps."""

from stages import factors, run, similarity
from visrep.replicates.replicate import Replication
from visrep.stage.job import Job

ITEMS = "families-replicates.seeds"


def main(job: Job) -> None:
    name, seed = job.item.split("-")
    again = Replication(job, int(seed))
    again.train(similarity, name)
    again.evaluate(factors, name)
    again.write(f"similarity/{name}")


if __name__ == "__main__":
    run(main, ITEMS)
