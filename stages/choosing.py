"""Criteria that rank encoders without labels, compared with the linear probe over all runs."""

from pathlib import Path

from stages import run
from visrep import files, records
from visrep.measures import choosing
from visrep.replicates import results
from visrep.representations.results import Training
from visrep.settings.replicates import Replicates
from visrep.settings.representations import Ablations, Methods
from visrep.settings.shapes import Families
from visrep.stage.job import Job

METRICS = ("ablations", "methods", "no_generated_neighbors.json", "probe", "vicreg.json")
TRAININGS = ("ablations", "methods", "no_generated_neighbors/details.json", "similarity", "vicreg/details.json")
CLASSIFIER = ("adv_train/details.json", "train_cnn/details.json")  # whose processor decides which replicates count


def main(job: Job) -> None:
    methods, ablations = job.read("methods", Methods).root, job.read("ablations", Ablations).root
    parameters = {"methods": methods, "ablations": ablations, "families": job.read("families", Families).root}
    parameters["replicates"] = job.read("replicates", Replicates).model_dump()
    for name in METRICS:
        job.input(f"metrics/{name}")
    for name in (*TRAININGS, *CLASSIFIER):
        job.input(f"plots/{name}")
    study = results.AllRuns(job.input("replicates"), Path("plots"), parameters)
    first = records.read(Path("plots/vicreg/details.json"), Training)

    def runs(place: str) -> list[choosing.Run]:
        name = place.rpartition("/")[2]
        own, probed = (files.read_json(Path("metrics") / f"{file}.json") for file in (place, f"probe/{name}"))
        values = {key: study.runs(place, key, own[key]) for key in choosing.CRITERIA}
        accuracy = study.runs(f"probe/{name}", choosing.TRUTH, probed[choosing.TRUTH])
        return [
            choosing.Run(name, seed, {key: of[seed] for key, of in values.items()}, accuracy[seed]) for seed in accuracy
        ]

    sound = [
        one for place in ("vicreg", "no_generated_neighbors", *(f"methods/{m}" for m in methods)) for one in runs(place)
    ]
    every = [*sound, *(one for name in ablations for one in runs(f"ablations/{name}"))]
    rows = choosing.ranked(tuple(every))
    result = choosing.Choosing(
        metrics={f"{row.key}_right": row.right.value for row in rows},
        source=first.source,
        monitored=first.monitored,
        runs=tuple(every),
        criteria=rows,
        sound=choosing.ranked(tuple(sound)),
    )
    job.result("choosing", result)


if __name__ == "__main__":
    run(main)
