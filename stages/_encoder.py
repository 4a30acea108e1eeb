"""Training of an encoder without labels, as several stages run it."""

from functools import partial
from types import ModuleType

from visrep import files
from visrep.data import store
from visrep.representations import learning
from visrep.settings.representations import Method
from visrep.settings.runtime import Processes, Runtime
from visrep.stage.job import Job
from visrep.training import distributed, weights


def train(job: Job, method: ModuleType, settings: Method, name: str) -> None:
    """Train an encoder by a method, and write its results as ``name``."""
    runtime, processes = job.read("runtime", Runtime), job.read("processes", Processes).root
    objects = store.load(job.input("data/objects"))
    work = partial(
        learning.on_views,
        learning.recipe(method, settings),
        objects,
        checkpoint=job.scratch / "checkpoint.pt",
        progress=job.progress,
    )
    write(job, distributed.run(processes, runtime, work), name)


def write(job: Job, learned: learning.Learned, name: str) -> None:
    weights.save(job.out(f"models/{name.rpartition('/')[2]}.safetensors"), learned.encoder)
    job.result(name, learned.result)
    files.write_table(job.out(f"plots/{name}/history.json"), learned.history)
    files.write_table(job.out(f"plots/{name}/steps.json"), learned.steps)
