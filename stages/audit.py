"""The strongest attacks on a classifier: robust accuracy, where all gates pass."""

from functools import partial

import torch

from stages import run
from visrep import files
from visrep.audit import audit, signs, verdict
from visrep.data import pixels, store
from visrep.digits import labelled, masked, swept
from visrep.machine import device
from visrep.machine.randomness import generator
from visrep.settings.audit import Audit
from visrep.settings.digits import FgsmSweep
from visrep.settings.runtime import Runtime
from visrep.stage.job import Job
from visrep.training import weights

ITEMS = "classifiers"
SIGNS_MOST = 500  # images that are searched for signs of masking


def main(job: Job) -> None:
    settings, sweep = job.read("audit", Audit), job.read("fgsm_sweep", FgsmSweep)
    machine = device.prepare(job.read("runtime", Runtime))
    digits = store.load(job.input("data/street_digits"))
    network = weights.load(job.input(f"models/{job.item}.safetensors"), masked.build)
    answers = swept.read(files.read_array(job.input(f"predictions/fgsm_sweep/{job.item}.npy")))

    model = machine.place(masked.for_evaluation(network))
    test = labelled.labelled(digits.test, machine.device)
    audited = audit.audit(model, test, settings, masked.surrogate(model), partial(job.progress, unit="batch"))
    right = audited.right(digits.test.labels, SIGNS_MOST, settings.seed)
    images, labels = test.at(torch.from_numpy(right).to(machine.device))
    x = pixels.scaled(images)
    result = verdict.result(
        audited,
        answers,
        digits,
        settings,
        sweep,
        len(right),
        signs.signs(model, x, labels, sweep.gate_epsilon),
        signs.lines(model, x, labels, sweep.gate_epsilon, generator(machine.device, settings.seed, "lines")),
    )
    for gate in result.failed():
        job.log(f"GATE FAILED, do not believe its accuracy under attack: {gate.name}: {gate.message}")

    files.write_array(job.out(f"predictions/audit/{job.item}.npy"), audited.table())
    job.result(f"audit/{job.item}", result)
    files.write_metrics(job.out(f"metrics/gates/{job.item}.json"), verdict.gate_metrics(result.gates))
    files.write_table(job.out(f"plots/audit/{job.item}.json"), verdict.curves(job.item, result))


if __name__ == "__main__":
    run(main, ITEMS)
