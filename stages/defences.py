"""A further defended classifier: some are robust, others only look as if they were."""

from stages import run
from visrep import files
from visrep.data import store
from visrep.digits import cnn, defences
from visrep.machine import device
from visrep.settings.defences import Defence
from visrep.settings.digits import AdvTrain, TrainCNN
from visrep.settings.runtime import Runtime
from visrep.stage.job import Job
from visrep.training import weights

ITEMS = "defences"


def main(job: Job) -> None:
    defence = job.read(f"defences.{job.item}", Defence)
    settings: TrainCNN | AdvTrain
    if defence.of == "train_cnn":
        settings = defence.apply(job.read("train_cnn", TrainCNN))
    else:
        settings = defence.apply(job.read("adv_train", AdvTrain))
    machine = device.prepare(job.read("runtime", Runtime))
    digits = store.load(job.input("data/street_digits"))
    trained = weights.load(job.input("models/cnn.safetensors"), cnn.ConvNet)
    made = defences.train(defence, settings, digits, trained, machine, job.scratch / "checkpoint.pt", job.progress)

    weights.save(job.out(f"models/{job.item}.safetensors"), made.model)
    job.result(f"defences/{job.item}", made.result)
    files.write_table(job.out(f"plots/defences/{job.item}.json"), made.history)


if __name__ == "__main__":
    run(main, ITEMS)
