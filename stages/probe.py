"""What a linear reader and the nearest neighbours find in the embedding: which class, how surely."""

from threadpoolctl import threadpool_limits

from visrep.data import store
from visrep.readers import classification, probes, statistics
from visrep.settings.probe import Probe
from visrep.stage import artifacts, run

ITEMS = "encoders"


def main(job: run.Job) -> None:
    settings = job.read("probe", Probe)
    threadpool_limits(1)  # the products are small: more threads gain little, and wait for long on a busy machine
    cifar10 = store.load(job.input("data/cifar10"))
    train, test = (artifacts.read_array(job.input(f"embeddings/{job.item}/{part}.npy")) for part in ("train", "test"))
    told = probes.subset(cifar10.train.labels, settings.labelled, settings.seed)
    train, labels, truth = train[told], cifar10.train.labels[told], cifar10.test.labels

    predicted, how = probes.linear(train, labels, test, truth, settings)
    bare = probes.logistic(train, labels, test, settings, standardised=False)
    voted = probes.knn(train, labels, test, settings.knn.k, settings.knn.temperature, len(cifar10.classes))
    report = classification.per_class(truth, predicted, cifar10.classes)
    readers = {"linear": predicted, "unstandardised": bare.predicted, "knn": voted}
    accuracies = {name: statistics.accuracy(answers, truth) for name, answers in readers.items()}
    artifacts.write_metrics(
        job.out(f"metrics/probe/{job.item}.json"),
        {f"{name}_accuracy": accuracy.value for name, accuracy in accuracies.items()}
        | {"macro_f1": float(report.f1.iloc[len(cifar10.classes)])},
    )
    artifacts.write_json(
        job.out(f"plots/probe/{job.item}/details.json"),
        statistics.judged(truth, predicted, cifar10.source)
        | {"labelled": len(labels), "method": settings.method, **how}
        | {"accuracies": {name: accuracy._asdict() for name, accuracy in accuracies.items()}}
        | {"per_class": report.round(4).to_dict("records")},
    )


if __name__ == "__main__":
    run.main(main, ITEMS)
