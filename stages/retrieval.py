"""Which training images lie nearest to a test image, which farthest, and are they of its class?"""

from threadpoolctl import threadpool_limits

from visrep.data import store
from visrep.readers import neighbors, retrieval
from visrep.settings.retrieval import Retrieval
from visrep.settings.runtime import Threads
from visrep.stage import artifacts, run

FOUND = 5  # images, as in the reports

ITEMS = "encoders"


def main(job: run.Job) -> None:
    settings = job.read("retrieval", Retrieval)
    threadpool_limits(job.read("runtime.threads", Threads).root)
    cifar10 = store.load(job.input("data/cifar10"))
    train, test = (artifacts.read_array(job.input(f"embeddings/{job.item}/{part}.npy")) for part in ("train", "test"))
    labels, truth = cifar10.train.labels, cifar10.test.labels
    near = neighbors.nearest(test, train, FOUND).index
    far = neighbors.farthest(test, train, FOUND).index

    artifacts.write_metrics(
        job.out(f"metrics/retrieval/{job.item}.json"),
        {
            "precision_at_5": retrieval.precision(near, labels, truth),
            "class_farthest_agreement": retrieval.precision(far, labels, truth),
        },
    )
    shown = retrieval.queries(truth, len(cifar10.classes), settings.seed)
    artifacts.write_json(
        job.out(f"plots/retrieval/{job.item}/details.json"),
        {"n": len(truth), "source": cifar10.source, "chance": retrieval.chance(labels, truth)}
        | {"queries": [{"query": query, "near": near[query], "far": far[query]} for query in shown]}
        | {"hubs": [{"image": image, "appearances": count} for image, count in retrieval.hubs(far, FOUND)]}
        | {"per_class": retrieval.per_class(near, labels, truth, cifar10.classes)},
    )


if __name__ == "__main__":
    run.main(main, ITEMS)
