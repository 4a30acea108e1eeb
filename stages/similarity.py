"""Training of an encoder of drawn shapes: an autoencoder, or on pairs that share only some factors."""

import numpy as np
import torch

from stages import run
from visrep import files, records
from visrep.data import store
from visrep.machine import device
from visrep.settings.runtime import Runtime
from visrep.settings.shapes import Family, Similarity
from visrep.shapes import paths, similarity, tiles
from visrep.stage.job import Job
from visrep.training import weights

ITEMS = "families"


def main(job: Job) -> None:
    settings = job.read("similarity", Similarity)
    family = job.read(f"families.{job.item}", Family)
    machine = device.prepare(job.read("runtime", Runtime))
    shapes = store.load(job.input("data/shapes"))
    learned = similarity.learn(settings, family, shapes, machine, job.scratch / "checkpoint.pt", job.progress)

    weights.save(job.out(f"models/similarity_{job.item}.safetensors"), learned.model.encoder)
    files.write_table(job.out(f"plots/similarity/{job.item}/history.json"), learned.history)
    known, new = (torch.from_numpy(np.array(part.images)).to(machine.device) for part in (shapes.train, shapes.test))
    pairs = store.sample(len(new), 2 * paths.PAIRS, settings.seed)
    pictures = tiles.tiled(paths.between(learned.model, new[pairs], known))
    files.write_png(job.out(f"plots/similarity/{job.item}/interpolated.png"), pictures)
    records.write(job.out(f"plots/similarity/{job.item}/details.json"), learned.result)


if __name__ == "__main__":
    run(main, ITEMS)
