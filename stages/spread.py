"""Mean and standard deviation of the headline numbers over all runs of each training."""

from collections.abc import Iterator
from pathlib import Path

from stages import run
from visrep import files, records
from visrep.digits import swept
from visrep.digits.results import CLASSIFIERS
from visrep.measures import statistics
from visrep.replicates import results
from visrep.replicates.results import Headline, Headlines
from visrep.settings.digits import FgsmSweep
from visrep.settings.replicates import Replicates
from visrep.settings.representations import Ablations, AnomalousSets, Labels, Methods
from visrep.settings.shapes import FACTORS, Families
from visrep.stage.job import Job

METRICS = ("anomaly", "audit", "clustering", "factors", "fgsm_sweep", "probe")  # folders
TRAININGS = ("ablations", "methods", "no_generated_neighbors/details.json", "similarity", "vicreg/details.json")
OWN_STAGE = ("vicreg", "no_generated_neighbors")  # encoders that are trained, besides methods and ablations
CLASSIFIER = ("adv_train/details.json", "train_cnn/details.json")
MOST = (files.MOST_METRICS - 1) // 2  # numbers of a training: a file holds two of each, and how many runs


def main(job: Job) -> None:
    encoders, families = job.read("encoders", Labels).root, job.read("families", Families).root
    methods, ablations = job.read("methods", Methods).root, job.read("ablations", Ablations).root
    sets, gate = job.read("anomaly.sets", AnomalousSets).root, job.read("fgsm_sweep", FgsmSweep).gate_epsilon
    parameters = {"methods": methods, "ablations": ablations, "families": families}
    parameters["replicates"] = job.read("replicates", Replicates).model_dump()
    for name in METRICS:
        job.input(f"metrics/{name}")
    for name in (*TRAININGS, *CLASSIFIER):
        job.input(f"plots/{name}")
    study = results.AllRuns(job.input("replicates"), Path("plots"), parameters)

    def numbers(file: str, *keys: str) -> Iterator[Headline]:
        values = files.read_json(Path("metrics") / f"{file}.json")
        for key in keys:
            runs = study.runs(file, key, values[key])
            yield Headline(file, key, tuple(runs), tuple(runs.values()))

    attacks = ("clean", *(swept.key(attack, gate) for attack in ("fgsm", "pgd")))
    headlines = Headlines(
        classifiers={
            name: (*numbers(f"fgsm_sweep/{name}", *attacks), *numbers(f"audit/{name}", "worst")) for name in CLASSIFIERS
        },
        encoders={
            name: (
                *numbers(f"probe/{name}", "linear_accuracy", "knn_accuracy"),
                *numbers(f"clustering/{name}", "silhouette", "nmi"),
                *numbers(f"anomaly/{name}", *(f"auroc_{key}" for key in sets)),
            )
            for name in encoders
        },
        families={
            name: tuple(numbers(f"factors/{name}", *(f"{factor}_agreement" for factor in FACTORS))) for name in families
        },
        apart=dict(study.apart),
    )
    records.write(job.out("plots/spread/details.json"), headlines)
    folder = job.out("metrics/spread")
    trained = {name: headlines.encoders[name] for name in encoders if name in (*OWN_STAGE, *methods, *ablations)}
    shapes = {f"similarity_{name}": own for name, own in headlines.families.items()}
    for name, own in (headlines.classifiers | trained | shapes).items():
        files.write_metrics(folder / f"{name}.json", _summary(own[:MOST]))


def _summary(numbers: tuple[Headline, ...]) -> dict[str, float]:
    """Without deviations where there is one run."""
    spreads = {number.key: statistics.spread(number.value) for number in numbers}
    means = {f"{key}_mean": spread.mean for key, spread in spreads.items()}
    deviations = {f"{key}_sd": spread.sd for key, spread in spreads.items() if spread.n > 1}
    return means | deviations | {"n": max(spread.n for spread in spreads.values())}


if __name__ == "__main__":
    run(main)
