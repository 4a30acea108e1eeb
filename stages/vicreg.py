"""VICReg: views of an image agree, dimensions vary, and no two are correlated."""

from stages import _encoder, run
from visrep.representations.methods import vicreg
from visrep.stage.job import Job


def main(job: Job) -> None:
    _encoder.train(job, vicreg, job.read("vicreg", vicreg.Settings, "pretraining"), "vicreg")


if __name__ == "__main__":
    run(main)
