"""Anomaly detection: objects are normal, other sets are not, and the score is the distance to the training images."""

from stages import run
from visrep import threads
from visrep.data import store
from visrep.evaluations import anomaly
from visrep.representations import embeddings
from visrep.settings.runtime import Threads
from visrep.stage.job import Job

ITEMS = "encoders"


def main(job: Job) -> None:
    settings = job.read("anomaly", anomaly.Settings)
    threads.limit(job.read("runtime.threads", Threads).root)
    sets = list(settings.sets.root.values())
    folders = {anomaly.NORMAL: "objects"} | {name: name for name in sets}
    images = {key: store.load(job.input(f"data/{name}")) for key, name in folders.items()}
    embedded = embeddings.load(job.input(f"embeddings/{job.item}"), sets)
    job.result(f"anomaly/{job.item}", anomaly.evaluate(embedded, images, settings))


if __name__ == "__main__":
    run(main, ITEMS)
