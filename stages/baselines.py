"""Two encoders that never learned: the principal axes of the pixels, and an untrained network."""

from threadpoolctl import threadpool_limits

from stages import run
from visrep import files
from visrep.data import store
from visrep.representations import baselines, encoders
from visrep.settings.representations import BASELINES, Baselines, Encoder
from visrep.settings.runtime import Threads
from visrep.stage.job import Job
from visrep.training import weights

ITEMS = BASELINES


def main(job: Job) -> None:
    settings = job.read("baselines", Baselines)
    encoder = job.read("vicreg.encoder", Encoder)
    threadpool_limits(job.read("runtime.threads", Threads).root)
    objects = store.load(job.input("data/objects"))
    if job.item == "random":
        weights.save(job.out("models/random.safetensors"), encoders.untrained(encoder, settings.seed))
    else:
        axes = baselines.principal_axes(objects.train.images, encoder.dimensions)
        files.write_weights(job.out("models/pixels.safetensors"), axes, {"kind": baselines.KIND})


if __name__ == "__main__":
    run(main, ITEMS)
