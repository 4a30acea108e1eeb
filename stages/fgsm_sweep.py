"""Test images are attacked at growing radii by FGSM, PGD, noise and transfer."""

from functools import partial

from stages import run
from visrep import files
from visrep.data import store
from visrep.digits import by_class, labelled, masked, sweep
from visrep.machine import device
from visrep.settings.digits import FgsmSweep
from visrep.settings.runtime import Runtime
from visrep.stage.job import Job
from visrep.training import weights

ITEMS = "classifiers"
UNDEFENDED = "cnn"  # from which attacks are transferred to the others


def main(job: Job) -> None:
    settings = job.read("fgsm_sweep", FgsmSweep)
    machine = device.prepare(job.read("runtime", Runtime))
    digits = store.load(job.input("data/street_digits"))
    undefended, network = (
        machine.place(masked.for_evaluation(weights.load(job.input(f"models/{name}.safetensors"), masked.build)))
        for name in (UNDEFENDED, job.item)
    )
    source = None if job.item == UNDEFENDED else undefended
    test = labelled.labelled(digits.test, machine.device)
    swept = sweep.sweep(network, test, settings, source, machine.bf16, partial(job.progress, unit="batch"))
    result = sweep.result(swept, digits.test.labels, digits.source, settings)

    files.write_array(job.out(f"predictions/fgsm_sweep/{job.item}.npy"), swept.table())
    job.result(f"fgsm_sweep/{job.item}", result)
    job.result(f"fgsm_by_class/{job.item}", by_class.by_class(swept, digits, settings.gate_epsilon))
    files.write_table(job.out(f"plots/fgsm_sweep/{job.item}.json"), sweep.curves(job.item, result))


if __name__ == "__main__":
    run(main, ITEMS)
