"""The same network is trained on attacked images, so that it still reads them; held-out images choose the epoch."""

import pandas as pd

from visrep.data import labelled, store
from visrep.learning import adversarial, training
from visrep.machine import device
from visrep.machine.randomness import generator
from visrep.models import cnn, weights
from visrep.settings.adv_train import AdvTrain
from visrep.settings.runtime import Runtime
from visrep.stage import artifacts, run


def main(job: run.Job) -> None:
    settings = job.read("adv_train", AdvTrain)
    machine = device.prepare(job.read("runtime", Runtime))
    svhn = store.load(job.input("data/svhn"))
    trained = weights.load(job.input("models/cnn.safetensors"), cnn.ConvNet)
    seen = labelled.labelled(svhn.train, machine.device)
    data, validation = labelled.divide(seen, settings.validation, settings.seed)
    watched = labelled.Labelled(*(part[: settings.attacked_validation] for part in validation))

    model = weights.fresh(
        cnn.ConvNet,
        settings.model.model_dump() | {"classes": len(svhn.classes)},
        generator("cpu", settings.seed, "weights"),
    )
    if settings.init == "cnn":
        cnn.copy_weights(trained, model)
    model = machine.place(model)
    fitted = training.fit(
        model,
        adversarial.Objective(data, settings),
        training.shuffled(len(data.labels), machine.device),
        settings,
        ("adv_train", settings.seed),
        validate=lambda kept: adversarial.validate(
            cnn.folded(kept), watched, settings.epsilon, settings.validation_pgd, settings.seed
        ),
        checkpoint=job.scratch / "checkpoint.pt",
        tell=job.progress,
        bf16=machine.bf16,
    )

    chosen, watching = fitted.history[fitted.epoch - 1], ("val_clean", "val_fgsm", "val_pgd")
    weights.save(job.out("models/adv_cnn.safetensors"), model)
    artifacts.write_metrics(
        job.out("metrics/adv_train.json"),
        {name: chosen[name] for name in watching} | {"epochs": len(fitted.history)},
    )
    artifacts.write_table(job.out("plots/adv_train/history.json"), pd.DataFrame(fitted.history))
    artifacts.write_json(
        job.out("plots/adv_train/details.json"),
        {"epoch": fitted.epoch, "n": len(watched.labels), "trained": len(data.labels), "source": svhn.source}
        | {"held_out": [{"images": name.removeprefix("val_"), "accuracy": chosen[name]} for name in watching]},
    )


if __name__ == "__main__":
    run.main(main)
