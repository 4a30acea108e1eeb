"""A method with something left out or changed: what does each part of it contribute?"""

from stages import _encoder, run
from visrep.settings.representations import Ablation
from visrep.stage.job import Job

ITEMS = "ablations"


def main(job: Job) -> None:
    ablation = job.read(f"ablations.{job.item}", Ablation)
    method = job.module("visrep.representations.methods", ablation.of)
    settings = ablation.apply(job.read(ablation.of, method.Settings, "pretraining"))
    _encoder.train(job, method, settings, f"ablations/{job.item}")
    job.manifest(f"models/{job.item}.json")


if __name__ == "__main__":
    run(main, ITEMS)
