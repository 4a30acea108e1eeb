"""params.yaml is sound: every key known, every value in its range; nothing else starts before that."""

from visrep.settings.study import Study
from visrep.stage import artifacts, params, run


def main(job: run.Job) -> None:
    params.check(job.values(), Study)
    artifacts.write_bytes(job.out("data/params.ok"), b"every key known, every value in its range\n")


if __name__ == "__main__":
    run.main(main)
