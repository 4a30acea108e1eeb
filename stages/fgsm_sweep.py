"""Test images are attacked at growing radii by FGSM, PGD, noise and transfer; gates say whom to trust."""

from functools import partial

from visrep.data import labelled, store
from visrep.machine import device
from visrep.models import cnn, weights
from visrep.readers import statistics
from visrep.robustness import gates, summary, sweep
from visrep.settings.fgsm_sweep import FgsmSweep
from visrep.settings.runtime import Runtime
from visrep.stage import artifacts, run

ITEMS = ("cnn", "adv_cnn")
WEAK = ("cnn", "no_masking")  # the undefended network, on which one step is merely not enough


def main(job: run.Job) -> None:
    settings = job.read("fgsm_sweep", FgsmSweep)
    machine = device.prepare(job.read("runtime", Runtime))
    svhn = store.load(job.input("data/svhn"))
    network = machine.place(cnn.folded(weights.load(job.input(f"models/{job.item}.safetensors"), cnn.ConvNet)))
    source = None
    if job.item != "cnn":
        source = machine.place(cnn.folded(weights.load(job.input("models/cnn.safetensors"), cnn.ConvNet)))

    test = labelled.labelled(svhn.test, machine.device)
    swept = sweep.sweep(network, test, settings, source, machine.bf16, partial(job.progress, unit="batch"))
    labels, chance = svhn.test.labels, statistics.chance(svhn.test.labels)
    found = summary.accuracies(swept.predictions, labels)
    verdicts = gates.judge({name: interval.value for name, interval in found.items()}, settings.gate_epsilon, chance)
    for gate in verdicts:
        if not gate.passed:
            usual = " (usual without a defence: FGSM is a weak attack)" if (job.item, gate.name) == WEAK else ""
            job.log(f"GATE FAILED, do not trust this robustness: {gate.name}: {gate.says}{usual}")

    artifacts.write_array(job.out(f"predictions/fgsm_sweep/{job.item}.npy"), swept.table())
    artifacts.write_metrics(
        job.out(f"metrics/fgsm_sweep/{job.item}.json"),
        summary.metrics(found, settings.epsilons, settings.gate_epsilon, verdicts),
    )
    artifacts.write_metrics(
        job.out(f"metrics/gates/{job.item}.json"), summary.gate_metrics(found, settings.gate_epsilon, verdicts)
    )
    artifacts.write_table(job.out(f"plots/fgsm_sweep/{job.item}.json"), summary.curve(found))
    artifacts.write_json(
        job.out(f"plots/fgsm_sweep/{job.item}/details.json"),
        statistics.judged(labels, swept.predictions["clean"], svhn.source)
        | {"gates": [gate._asdict() for gate in verdicts], "gate_epsilon": settings.gate_epsilon}
        | {"accuracies": {name: interval._asdict() for name, interval in found.items()}},
    )


if __name__ == "__main__":
    run.main(main, ITEMS)
