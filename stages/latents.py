"""Images are drawn from codes, and the codes are learned: with no encoder, or to compare by one."""

from stages import run
from visrep import files
from visrep.data import store
from visrep.machine import device
from visrep.representations import latents
from visrep.settings.representations import Encoder, Latents, Views
from visrep.settings.runtime import Runtime
from visrep.stage.job import Job
from visrep.training import weights

ITEMS = "latents"


def main(job: Job) -> None:
    settings = job.read(f"latents.{job.item}", Latents)
    encoder, augment = job.read("vicreg.encoder", Encoder), job.read("vicreg.augment", Views)
    machine = device.prepare(job.read("runtime", Runtime))
    objects = store.load(job.input("data/objects"))
    checkpoint = job.scratch / "checkpoint.pt"
    learned = latents.learn(settings, encoder, augment, objects, machine, checkpoint, job.progress)
    weights.save(job.out(f"models/{job.item}.safetensors"), learned.model)
    job.result(f"latents/{job.item}", learned.result)
    files.write_table(job.out(f"plots/latents/{job.item}/history.json"), learned.history)


if __name__ == "__main__":
    run(main, ITEMS)
