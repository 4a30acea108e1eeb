"""Classifier, defence and attacks on both, once more under another seed."""

from stages import adv_train, fgsm_sweep, run, train_cnn
from visrep.replicates.replicate import Replication
from visrep.stage.job import Job

ITEMS = "replicates.seeds"


def main(job: Job) -> None:
    again = Replication(job, int(job.item))
    again.train(train_cnn)
    again.train(adv_train)
    for model in fgsm_sweep.ITEMS:
        again.evaluate(fgsm_sweep, model)
    again.write("digits")


if __name__ == "__main__":
    run(main, ITEMS)
