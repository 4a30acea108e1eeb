"""Which gates fail for which network: bounds are set on one group of networks and checked on others.

python -m benchmarks.gates drawn|seed|narrow|<folder of street_digits> [...]

A group is trained on the drawn digits as params.yaml says (`drawn`), under another seed, with half the width, or on the
images of a folder. Its networks: an honest one, three that are trained on attacked images, and four that only look
robust. `benchmarks/results/gates.json` holds, for each, what it claims, what the audit leaves, every sign and the gates
that fail.
"""

import datetime
import json
import sys
from pathlib import Path
from typing import Any

import torch

from benchmarks.measure import RESULTS
from visrep import files
from visrep.audit import audit, signs, verdict
from visrep.data import pixels, store
from visrep.data.embedded import street_digits
from visrep.data.store import ImageSet
from visrep.digits import cnn, defences, labelled, masked, supervised, sweep
from visrep.machine import device
from visrep.settings.audit import Audit
from visrep.settings.base import merged
from visrep.settings.defences import Defence
from visrep.settings.digits import AdvTrain, FgsmSweep, TrainCNN
from visrep.settings.runtime import Runtime
from visrep.stage import params

RECORD = RESULTS / "gates.json"
RADII = (8 / 127.5, 0.1)  # the smaller only on images of a folder
ATTACKS = {
    "PGD training": {"name": "pgd", "steps": 3, "step_size": 0.05},
    "N-FGSM": {"name": "n_fgsm"},
    "TRADES": {"name": "trades", "steps": 3, "step_size": 0.05, "beta": 6.0},
}
MIX = {
    "method": {"name": "fgsm_mix", "alpha": 0.8, "fused": False},
    "ramp_epochs": 0.0,
    "model": {"init": "scratch", "channels": [16, 32, 64], "depth": 1, "hidden": 128, "dropout": 0.0},
}
EPOCHS = 7  # of those that are trained on attacked images
NETWORKS: dict[str, Defence] = {
    **{
        name: Defence.model_validate({"of": "adv_train", "method": method, "epochs": EPOCHS})
        for name, method in ATTACKS.items()
    },
    "distillation": Defence(of="train_cnn", temperature=100.0),
    "quantisation": Defence(of="train_cnn", levels=6),
    "ripple": Defence(of="train_cnn", ripple=0.1),
    "FGSM mix": Defence.model_validate({"of": "adv_train", **MIX, "epochs": EPOCHS}),
}
CHANGES: dict[str, dict[str, Any]] = {
    "drawn": {},
    "seed": {"train_cnn": {"seed": 1}, "adv_train": {"seed": 1}},
    "narrow": {"train_cnn": {"model": {"channels": [8, 16, 32]}}},
}


def main() -> None:
    for group in sys.argv[1:]:
        values = merged(params.load(), CHANGES.get(group, {}))
        if group in CHANGES:
            drawn = values["download"]["street_digits"]
            digits = street_digits.generate(drawn["seed"], drawn["train"], drawn["test"])
        else:
            digits = store.load(Path(group))
        measured(group if group in CHANGES else digits.source, digits, values)


def measured(group: str, digits: ImageSet, values: dict[str, Any]) -> None:
    machine = device.prepare(params.check(values["runtime"], Runtime))
    first, second = params.check(values["train_cnn"], TrainCNN), params.check(values["adv_train"], AdvTrain)
    weak = params.check(values["fgsm_sweep"] | {"epsilons": [0.1]}, FgsmSweep)
    weak = weak.model_copy(update={"pgd": weak.pgd.model_copy(update={"epsilons": (0.1,)})})
    radii = RADII[1:] if group in CHANGES else RADII
    strong = Audit(seed=0, images=300, batch_size=100, epsilons=radii, steps=50, targets=9, queries=None)
    folder = Path(files.at_home("/tmp")) / "visrep-gates"
    folder.mkdir(exist_ok=True)

    def checkpoint(name: str) -> Path:
        return folder / f"{group}-{name}.pt".replace("/", "-")

    trained = supervised.train(cnn.ConvNet, first, digits, machine, checkpoint("undefended"), _quiet).model
    test = labelled.labelled(digits.test, machine.device)
    source = machine.place(masked.for_evaluation(trained))
    for name, defence in {"undefended": None, **NETWORKS}.items():
        network: masked.Classifier = trained
        if defence is not None:
            settings: TrainCNN | AdvTrain = defence.apply(first) if defence.of == "train_cnn" else defence.apply(second)
            network = defences.train(defence, settings, digits, trained, machine, checkpoint(name), _quiet).model
        model = machine.place(masked.for_evaluation(network))
        answers = sweep.sweep(model, test, weak, source if defence else None)
        audited = audit.audit(model, test, strong, masked.surrogate(model))
        images, labels = test.at(torch.from_numpy(audited.right(digits.test.labels, 500, 0)).to(machine.device))
        signs_ = signs.signs(model, pixels.scaled(images), labels, weak.gate_epsilon)
        result = verdict.result(audited, answers, digits, strong, weak, len(labels), signs_, ())
        row = {"group": group, "network": name, "n": result.n, "clean": result.clean.value}
        row |= {"fgsm": result.fgsm.value, "pgd": result.pgd.value, "audit": result.left(weak.gate_epsilon).value}
        row |= {f"audit {epsilon:.3g}": result.left(epsilon).value for epsilon in radii}
        row |= {one.attack: one.accuracy.value for one in result.attacks} | vars(signs_)
        row |= {
            "messages": {gate.name: gate.message for gate in result.gates},
            "failed": [g.name for g in result.failed()],
        }
        _record(row | {"date": str(datetime.date.today()), "processor": machine.processor})


def _record(row: dict[str, Any]) -> None:
    rows = json.loads(RECORD.read_text())["rows"] if RECORD.exists() else []
    rows = [one for one in rows if (one["group"], one["network"]) != (row["group"], row["network"])]
    files.write_bytes(RECORD, (json.dumps({"rows": [*rows, row]}, indent=1) + "\n").encode())
    print(
        row["group"], row["network"], {k: row[k] for k in ("clean", "fgsm", "pgd", "audit")}, row["failed"], flush=True
    )


def _quiet(done: int, of: int, seconds: float, values: Any) -> None:
    pass


if __name__ == "__main__":
    main()
