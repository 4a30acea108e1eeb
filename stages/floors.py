"""Two encoders that never learned, as floors: the principal axes of the pixels, and an untrained network."""

from threadpoolctl import threadpool_limits

from visrep.data import store
from visrep.models import encoders, floors, weights
from visrep.settings.encoder import Encoder
from visrep.settings.floors import Floors
from visrep.settings.runtime import Threads
from visrep.stage import artifacts, run

ITEMS = ("pixels", "random")


def main(job: run.Job) -> None:
    settings = job.read("floors", Floors)
    encoder = job.read("vicreg.encoder", Encoder)
    threadpool_limits(job.read("runtime.threads", Threads).root)
    cifar10 = store.load(job.input("data/cifar10"))
    if job.item == "random":
        weights.save(job.out("models/random.safetensors"), encoders.untrained(encoder, settings.seed))
    else:
        axes = floors.principal_axes(cifar10.train.images, encoder.dimensions)
        artifacts.write_weights(job.out("models/pixels.safetensors"), axes, {"kind": floors.KIND})


if __name__ == "__main__":
    run.main(main, ITEMS)
