"""A convolutional network learns to read street digits: held-out training images choose, test images judge."""

import pandas as pd
from torch.nn import functional as F

from visrep.data import labelled, store
from visrep.learning import supervised, training
from visrep.learning.losses import balanced_weights
from visrep.machine import device
from visrep.machine.randomness import generator
from visrep.models import cnn, weights
from visrep.readers import classification, statistics
from visrep.settings.runtime import Runtime
from visrep.settings.train_cnn import TrainCNN
from visrep.stage import artifacts, run


def main(job: run.Job) -> None:
    settings = job.read("train_cnn", TrainCNN)
    machine = device.prepare(job.read("runtime", Runtime))
    svhn = store.load(job.input("data/svhn"))
    seen = labelled.labelled(svhn.train, machine.device)
    data, validation = labelled.divide(seen, settings.validation, settings.seed)
    classes = len(svhn.classes)

    model = machine.place(
        weights.fresh(
            cnn.ConvNet,
            settings.model.model_dump() | {"classes": classes},
            generator("cpu", settings.seed, "weights"),
        )
    )
    rare = balanced_weights(data.labels, classes) if settings.balance == "weights" else None
    even = settings.balance == "oversample"
    fitted = training.fit(
        model,
        supervised.Objective(data, settings.augment, settings.label_smoothing, rare),
        supervised.oversampled(data.labels, classes) if even else training.shuffled(len(data.labels), machine.device),
        settings,
        ("train_cnn", settings.seed),
        validate=lambda kept: supervised.validate(kept, validation),
        checkpoint=job.scratch / "checkpoint.pt",
        tell=job.progress,
        bf16=machine.bf16,
    )

    test = labelled.labelled(svhn.test, machine.device)
    logits = labelled.logits(model, test.images)
    predicted, labels = logits.argmax(1).cpu().numpy(), test.labels.cpu().numpy()
    report = classification.per_class(labels, predicted, svhn.classes)
    weights.save(job.out("models/cnn.safetensors"), model)
    artifacts.write_array(job.out("predictions/train_cnn.npy"), logits.cpu().numpy())
    artifacts.write_metrics(
        job.out("metrics/train_cnn.json"),
        {
            "test_accuracy": float(labelled.accuracy(logits, test.labels)),
            "val_accuracy": fitted.history[fitted.epoch - 1]["val_accuracy"],
            "train_accuracy": float(labelled.accuracy(labelled.logits(model, data.images), data.labels)),
            "macro_f1": float(report.f1.iloc[classes]),
            "test_loss": float(F.cross_entropy(logits, test.labels)),
        },
    )
    artifacts.write_table(job.out("plots/train_cnn/history.json"), pd.DataFrame(fitted.history))
    artifacts.write_table(
        job.out("plots/train_cnn/confusion.json"), classification.confusion(labels, predicted, svhn.classes)
    )
    artifacts.write_json(
        job.out("plots/train_cnn/details.json"),
        statistics.judged(labels, predicted, svhn.source)
        | {"epoch": fitted.epoch, "parameters": sum(p.numel() for p in model.parameters())}
        | {"trained": len(data.labels), "held_out": len(validation.labels)}
        | {"per_class": report.round(4).to_dict("records")},
    )


if __name__ == "__main__":
    run.main(main)
