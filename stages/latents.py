"""Latent optimisation: a table of codes is learned with a generator, or for comparison an encoder."""

from stages import run
from visrep import files
from visrep.data import store
from visrep.machine import device
from visrep.representations import latents
from visrep.settings.representations import Latents, OneEncoder, Views
from visrep.settings.runtime import Runtime
from visrep.stage.job import Job
from visrep.training import weights

ITEMS = "latents"


def main(job: Job) -> None:
    settings = job.read(f"latents.{job.item}", Latents)
    encoder, augment = job.read("pretraining.encoder", OneEncoder).root, job.read("pretraining.augment", Views)
    machine = device.prepare(job.read("runtime", Runtime))
    objects = store.load(job.input("data/objects"))
    checkpoint = job.scratch / "checkpoint.pt"
    learned = latents.learn(settings, encoder, augment, objects, machine, checkpoint, job.progress)
    weights.save(job.out(f"models/{job.item}.safetensors"), learned.model)
    job.result(f"latents/{job.item}", learned.result)
    files.write_table(job.out(f"plots/latents/{job.item}/history.json"), learned.history)


if __name__ == "__main__":
    run(main, ITEMS)
