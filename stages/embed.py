"""Training and test images, and the sets that should stand out: one view of each, embedded once for all evaluations."""

from threadpoolctl import threadpool_limits

from stages import run
from visrep.data import store
from visrep.machine import device
from visrep.representations import embedders, embeddings
from visrep.settings.representations import AnomalousSets
from visrep.settings.runtime import Runtime
from visrep.stage.job import Job

ITEMS = "encoders"


def main(job: Job) -> None:
    runtime, sets = job.read("runtime", Runtime), job.read("anomaly.sets", AnomalousSets).root.values()
    machine = device.prepare(runtime)
    threadpool_limits(runtime.threads)
    objects = store.load(job.input("data/objects"))
    others = {name: store.load(job.input(f"data/{name}")).test.images for name in sets}
    embed = embedders.reader(job.input(f"models/{job.item}.safetensors"), objects.train.images, machine)
    train, test = embed(objects.train.images), embed(objects.test.images)
    embedded = embeddings.Embeddings(train, test, {name: embed(images) for name, images in others.items()})
    embeddings.save(embedded, job.out(f"embeddings/{job.item}"))


if __name__ == "__main__":
    run(main, ITEMS)
