"""How well each embedding tells other images from objects, in one chart, with the baselines among them."""

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
    way = "measured for each encoder in the way that tells validation images best" if first.validated else first.way
    footer = f"Data: {first.told()}. Score: distance from the training images, {way}."
    floors = [labels[name] for name in baselines if name in labels]
    named, palette = {labels[name]: result for name, result in results.items()}, style.PALETTES[settings.palette]
    figure = anomalies.roc("How well embeddings tell other images from objects", named, floors, footer, palette)
    style.save(figure, job.out("plots/roc") / "roc.png", settings.dpi)


if __name__ == "__main__":
    run(main)
