"""Checks params.yaml - every key known, every value in its range - before anything else runs."""

from stages import run
from visrep import files, study
from visrep.stage.job import Job


def main(job: Job) -> None:
    study.check(job.values())
    files.write_bytes(job.out("data/params.ok"), b"every key known, every value in its range\n")


if __name__ == "__main__":
    run(main)
