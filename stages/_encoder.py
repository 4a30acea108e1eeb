"""What stages that train an encoder without labels share: from a method and its parameters to files."""

from types import ModuleType

from visrep import files
from visrep.data import store
from visrep.machine import device
from visrep.representations import learning
from visrep.settings.representations import Method
from visrep.settings.runtime import Runtime
from visrep.stage.job import Job
from visrep.training import weights


def train(job: Job, method: ModuleType, settings: Method, name: str) -> None:
    """Train an encoder by a method, and write what came of it as ``name``."""
    machine = device.prepare(job.read("runtime", Runtime))
    objects = store.load(job.input("data/objects"))
    recipe, checkpoint = learning.recipe(method, settings), job.scratch / "checkpoint.pt"
    write(job, learning.on_views(recipe, objects, machine, checkpoint, job.progress), name)


def write(job: Job, learned: learning.Learned, name: str) -> None:
    weights.save(job.out(f"models/{name.rpartition('/')[2]}.safetensors"), learned.encoder)
    job.result(name, learned.result)
    files.write_table(job.out(f"plots/{name}/history.json"), learned.history)
    files.write_table(job.out(f"plots/{name}/steps.json"), learned.steps)
