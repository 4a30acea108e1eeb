"""Classifier, defence, attacks and audits of both, with another seed."""

from stages import adv_train, audit, fgsm_sweep, run, train_cnn
from visrep.digits.results import CLASSIFIERS
from visrep.replicates.replicate import Replication
from visrep.stage.job import Job

ITEMS = "replicates.seeds"


def main(job: Job) -> None:
    again = Replication(job, int(job.item))
    again.train(train_cnn)
    again.train(adv_train)
    for model in CLASSIFIERS:
        again.evaluate(fgsm_sweep, model)
        again.evaluate(audit, model)
    again.write("digits")


if __name__ == "__main__":
    run(main, ITEMS)
