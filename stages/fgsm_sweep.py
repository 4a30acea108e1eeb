"""Test images are attacked at growing radii by FGSM, PGD, noise and transfer; gates say whom to trust."""

from functools import partial

from stages import run
from visrep import files
from visrep.data import store
from visrep.digits import by_class, cnn, labelled, sweep
from visrep.machine import device
from visrep.settings.digits import FgsmSweep
from visrep.settings.runtime import Runtime
from visrep.stage.job import Job
from visrep.training import weights

ITEMS = ("cnn", "adv_cnn")
WEAK = ("cnn", "no_masking")  # the undefended network, on which one step is merely not enough


def main(job: Job) -> None:
    settings = job.read("fgsm_sweep", FgsmSweep)
    machine = device.prepare(job.read("runtime", Runtime))
    digits = store.load(job.input("data/street_digits"))
    undefended, network = (
        machine.place(cnn.folded(weights.load(job.input(f"models/{name}.safetensors"), cnn.ConvNet)))
        for name in ("cnn", job.item)
    )
    source = None if job.item == "cnn" else undefended
    test = labelled.labelled(digits.test, machine.device)
    swept = sweep.sweep(network, test, settings, source, machine.bf16, partial(job.progress, unit="batch"))
    result = sweep.result(swept, digits.test.labels, digits.source, settings)
    for gate in result.failed():
        usual = " (usual without a defence: FGSM is a weak attack)" if (job.item, gate.name) == WEAK else ""
        job.log(f"GATE FAILED, do not trust this robustness: {gate.name}: {gate.says}{usual}")

    files.write_array(job.out(f"predictions/fgsm_sweep/{job.item}.npy"), swept.table())
    job.result(f"fgsm_sweep/{job.item}", result)
    job.result(f"fgsm_by_class/{job.item}", by_class.by_class(swept, digits, settings.gate_epsilon))
    files.write_metrics(job.out(f"metrics/gates/{job.item}.json"), sweep.gate_metrics(result))
    files.write_table(job.out(f"plots/fgsm_sweep/{job.item}.json"), sweep.curves(result))


if __name__ == "__main__":
    run(main, ITEMS)
