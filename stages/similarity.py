"""An encoder learns what is alike: by drawing its images again, or by pairs of which only some factors are shared."""

import pandas as pd

from visrep.data import store
from visrep.learning import similarity
from visrep.machine import device
from visrep.models import weights
from visrep.settings.runtime import Runtime
from visrep.settings.similarity import Family, Similarity
from visrep.stage import artifacts, run

ITEMS = "families"


def main(job: run.Job) -> None:
    settings = job.read("similarity", Similarity)
    varied = job.read(f"families.{job.item}", Family).root
    machine = device.prepare(job.read("runtime", Runtime))
    shapes = store.load(job.input("data/shapes"))
    learned = similarity.learn(job, machine, settings, varied, shapes.train)

    weights.save(job.out(f"models/similarity_{job.item}.safetensors"), learned.encoder)
    history = pd.DataFrame(learned.fitted.history)
    artifacts.write_table(job.out(f"plots/similarity/{job.item}/history.json"), history)
    artifacts.write_json(
        job.out(f"plots/similarity/{job.item}/details.json"),
        {"n": learned.trained, "held_out": learned.held_out, "source": shapes.source}
        | {"loss": "mean squared error" if varied is None else "InfoNCE (nats)", "varied": varied}
        | {"chance": learned.chance, "floor": learned.floor}
        | {"shared_by_chance": learned.shared}
        | {"epochs": len(history), "parameters": sum(p.numel() for p in learned.encoder.parameters())},
    )


if __name__ == "__main__":
    run.main(main, ITEMS)
