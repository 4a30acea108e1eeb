"""ROC curves of anomaly detection, for all encoders in one chart."""

from stages import run
from visrep import files, records
from visrep.evaluations import anomaly
from visrep.figures import anomalies, style
from visrep.settings.figures import Figures
from visrep.settings.representations import Baselines, Labels
from visrep.stage.job import Job


def main(job: Job) -> None:
    labels, baselines = job.read("encoders", Labels).root, job.read("baselines", Baselines).root
    settings = job.read("figures", Figures)
    folder = job.input("plots/anomaly")
    results = {name: records.read(folder / name / "details.json", anomaly.Result) for name in labels}
    curves = [point for name, result in results.items() for point in anomaly.curve_points(labels[name], result)]
    files.write_table(job.out("plots/roc.json"), curves)

    first = next(iter(results.values()))
    way = "selected for each encoder on validation images" if first.validated else first.way
    footer = f"Data: {first.sets_in_words()}. Score: distance from the training images, {way}."
    named_baselines = [labels[name] for name in baselines if name in labels]
    named, palette = {labels[name]: result for name, result in results.items()}, style.PALETTES[settings.palette]
    figure = anomalies.roc("Anomaly detection", named, named_baselines, footer, palette)
    style.save(figure, job.out("plots/roc") / "roc.png", settings.dpi)


if __name__ == "__main__":
    run(main)
