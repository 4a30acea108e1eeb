"""Embeddings of training images, test images and anomalous sets, computed once for all evaluations."""

from threadpoolctl import threadpool_limits

from stages import run
from visrep.data import store
from visrep.machine import device
from visrep.representations import embedders, embeddings
from visrep.settings.evaluations import Validation
from visrep.settings.representations import AnomalousSets
from visrep.settings.runtime import Runtime
from visrep.stage.job import Job

ITEMS = "encoders"


def main(job: Job) -> None:
    runtime, sets = job.read("runtime", Runtime), job.read("anomaly.sets", AnomalousSets).root.values()
    validation = job.read("anomaly.validation", Validation)
    machine = device.prepare(runtime)
    threadpool_limits(runtime.threads)
    objects = store.load(job.input("data/objects"))
    others = {name: store.load(job.input(f"data/{name}")) for name in sets}
    embed = embedders.embedder(job.input(f"models/{job.item}.safetensors"), objects.train.images, machine)
    train, test = embed(objects.train.images), embed(objects.test.images)
    strange, more = {}, {}
    for name, images in others.items():
        some = store.sample(len(images.train.labels), validation.images, validation.seed)
        strange[name], more[name] = embed(images.test.images), embed(images.train.images[some])
    embeddings.save(embeddings.Embeddings(train, test, strange, more), job.out(f"embeddings/{job.item}"))


if __name__ == "__main__":
    run(main, ITEMS)
