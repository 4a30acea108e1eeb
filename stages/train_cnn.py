"""Training of the classifier: the epoch is selected on validation images; test images are used once."""

from stages import run
from visrep import files
from visrep.data import store
from visrep.digits import cnn, supervised
from visrep.machine import device
from visrep.measures import classification
from visrep.settings.digits import TrainCNN
from visrep.settings.runtime import Runtime
from visrep.stage.job import Job
from visrep.training import weights


def main(job: Job) -> None:
    settings = job.read("train_cnn", TrainCNN)
    machine = device.prepare(job.read("runtime", Runtime))
    digits = store.load(job.input("data/street_digits"))
    trained = supervised.train(cnn.ConvNet, settings, digits, machine, job.scratch / "checkpoint.pt", job.progress)

    weights.save(job.out("models/cnn.safetensors"), trained.model)
    files.write_array(job.out("predictions/train_cnn.npy"), trained.logits)
    job.result("train_cnn", trained.result)
    files.write_table(job.out("plots/train_cnn/history.json"), trained.history)
    files.write_table(
        job.out("plots/train_cnn/confusion.json"),
        classification.confusion(digits.test.labels, trained.logits.argmax(1), digits.classes),
    )


if __name__ == "__main__":
    run(main)
