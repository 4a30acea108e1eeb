"""The page of all results, one file that needs no network."""

from stages import run
from visrep import files
from visrep.report import chapters, results
from visrep.report.results import StudyResults
from visrep.stage import params, pipeline
from visrep.stage.job import Job

GRAPH = "docs/stages.yaml"  # a link to dvc.yaml: DVC refuses that name as a dependency


def main(job: Job) -> None:
    stages = pipeline.stages(job.input(GRAPH))
    presets = {path.stem: params.preset(path) for path in sorted(job.input("presets").glob("*.yaml"))}
    reported = params.load(job.input(str(results.REPORTED)))
    study = StudyResults(job.input("plots"), job.input("replicates"), reported, job.values())
    files.write_bytes(job.out("report/index.html"), chapters.html(study, stages, presets).encode())


if __name__ == "__main__":
    run(main)
