"""Training of an encoder without labels, by any method of src/visrep/representations/methods."""

from stages import _encoder, run
from visrep.stage.job import Job

ITEMS = "methods"


def main(job: Job) -> None:
    method = job.module("visrep.representations.methods", job.item)
    _encoder.train(job, method, job.read(job.item, method.Settings, "pretraining"), f"methods/{job.item}")


if __name__ == "__main__":
    run(main, ITEMS)
