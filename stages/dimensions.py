"""Accuracy of a linear probe on the first dimensions of an embedding, and on all features of a baseline."""

from stages import run
from visrep import files, threads
from visrep.data import store
from visrep.evaluations import dimensions, probe
from visrep.evaluations.dimensions import Parts
from visrep.representations.descriptions import described
from visrep.settings.runtime import Threads
from visrep.stage.job import Job

ITEMS = "encoders"


def main(job: Job) -> None:
    settings, probing = job.read("dimensions", dimensions.Settings), job.read("probe", probe.Settings)
    threads.limit(job.read("runtime.threads", Threads).root)
    objects = store.load(job.input("data/objects"))
    train, test = (files.read_array(job.input(f"embeddings/{job.item}/{part}.npy")) for part in ("train", "test"))
    arrays, config = files.read_weights(job.input(f"models/{job.item}.safetensors"))
    full = None
    if len(arrays.get("mean", ())) <= settings.widest and config.get("kind") == job.item:
        full = tuple(described(part.images, arrays, config) for part in (objects.train, objects.test))
    parts = Parts(train, test, ordered="kind" in config, full=full)
    job.result(f"dimensions/{job.item}", dimensions.evaluate(parts, objects, settings, probing.choice))


if __name__ == "__main__":
    run(main, ITEMS)
