"""Training and test images, digits of two kinds: one view of each, embedded once for all who read embeddings."""

from threadpoolctl import threadpool_limits

from visrep.data import store
from visrep.machine import device
from visrep.models import embedders
from visrep.readers import embeddings
from visrep.settings.runtime import Runtime
from visrep.stage import run

ITEMS = "encoders"


def main(job: run.Job) -> None:
    runtime = job.read("runtime", Runtime)
    machine = device.prepare(runtime)
    threadpool_limits(runtime.threads)
    cifar10, mnist, svhn = (store.load(job.input(f"data/{name}")) for name in ("cifar10", "mnist", "svhn"))
    embed = embedders.reader(job.input(f"models/{job.item}.safetensors"), cifar10.train.images, machine)
    images = (cifar10.train.images, cifar10.test.images, mnist.test.images, svhn.test.images)
    embeddings.save(embeddings.Embeddings(*map(embed, images)), job.out(f"embeddings/{job.item}"))


if __name__ == "__main__":
    run.main(main, ITEMS)
