"""Adversarial training of the classifier; the epoch is selected on attacked validation images."""

from stages import run
from visrep import files
from visrep.data import store
from visrep.digits import adversarial, cnn
from visrep.machine import device
from visrep.settings.digits import AdvTrain
from visrep.settings.runtime import Runtime
from visrep.stage.job import Job
from visrep.training import weights


def main(job: Job) -> None:
    settings = job.read("adv_train", AdvTrain)
    machine = device.prepare(job.read("runtime", Runtime))
    digits = store.load(job.input("data/street_digits"))
    trained = weights.load(job.input("models/cnn.safetensors"), cnn.ConvNet)
    defended = adversarial.train(settings, digits, trained, machine, job.scratch / "checkpoint.pt", job.progress)

    weights.save(job.out("models/adv_cnn.safetensors"), defended.model)
    job.result("adv_train", defended.result)
    files.write_table(job.out("plots/adv_train/history.json"), defended.history)


if __name__ == "__main__":
    run(main)
