"""VICReg in closed form, for linear maps of patch features."""

from stages import run
from visrep import files, threads
from visrep.data import store
from visrep.machine import device
from visrep.representations import linear_vicreg
from visrep.settings.representations import LinearVicreg, OneEncoder, Views
from visrep.settings.runtime import Runtime
from visrep.stage.job import Job


def main(job: Job) -> None:
    settings, augment = job.read("linear_vicreg", LinearVicreg), job.read("pretraining.augment", Views)
    encoder = job.read("pretraining.encoder", OneEncoder).root
    runtime = job.read("runtime", Runtime)
    device.prepare(runtime)
    threads.limit(runtime.threads)
    objects = store.load(job.input("data/objects"))
    arrays, config = files.read_weights(job.input("models/patches.safetensors"))
    fitted = linear_vicreg.fit(objects.train.images, settings, augment, encoder.dimensions, arrays, config)
    files.write_weights(job.out("models/linear_vicreg.safetensors"), fitted, config)


if __name__ == "__main__":
    run(main)
