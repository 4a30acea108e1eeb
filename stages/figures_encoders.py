"""Figures of all encoders side by side: accuracy, clusters, dimensions."""

from stages import run
from visrep import records
from visrep.evaluations import clustering, dimensions, probe
from visrep.figures import evaluations, style
from visrep.figures.evaluations import Panel
from visrep.settings.figures import Figures
from visrep.settings.representations import Baselines, Labels
from visrep.stage.job import Job


def main(job: Job) -> None:
    settings, labels = job.read("figures", Figures), job.read("encoders", Labels).root
    baselines = job.read("baselines", Baselines).root
    probes, clusters = job.input("plots/probe"), job.input("plots/clustering")
    by_width = job.input("plots/dimensions")
    probed = [records.read(probes / name / "details.json", probe.Result) for name in labels]
    clustered = [records.read(clusters / name / "details.json", clustering.Result) for name in labels]

    names, named_baselines = list(labels.values()), [labels[name] for name in baselines if name in labels]
    palette, first = style.PALETTES[settings.palette], probed[0]
    accuracies = Panel(
        "Accuracy on test images, %",
        {
            "linear probe": [result.metrics.linear_accuracy for result in probed],
            "nearest neighbors": [result.metrics.knn_accuracy for result in probed],
        },
        first.chance,
    )
    groups = Panel(
        "k-means, a cluster for each class",
        {
            "silhouette: how tight clusters are": [result.metrics.silhouette for result in clustered],
            "NMI: how well they match classes": [result.metrics.nmi for result in clustered],
            "share of the mean color they explain": [result.color_explained_by_clusters for result in clustered],
        },
        None,
    )
    of_test = style.foot(first.source, first.n, "test images", "Lines: 95 % intervals. Baselines in italics.")
    trained = style.foot(first.source, clustered[0].n, "training images", "Baselines in italics.")
    widths = {labels[name]: records.read(by_width / name / "details.json", dimensions.Result) for name in labels}
    at_end = "Dashes: the most frequent class. Points on the right: all features of a baseline."
    folder = job.out("plots/figures_encoders")
    for name, title, panel, footer in (
        ("accuracy", "Accuracy on each embedding", accuracies, of_test),
        ("clusters", "Clusters, classes and colors", groups, trained),
    ):
        figure = evaluations.rows(title, names, named_baselines, [panel], footer, palette)
        style.save(figure, folder / f"{name}.png", settings.dpi)
    title, of_widths = "Accuracy against dimensions", style.foot(first.source, first.n, "test images", at_end)
    figure = evaluations.by_width(title, widths, named_baselines, of_widths, palette)
    style.save(figure, folder / "dimensions.png", settings.dpi)


if __name__ == "__main__":
    run(main)
