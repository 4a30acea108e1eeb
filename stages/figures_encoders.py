"""All encoders side by side: what evaluations find in them, and whether they fall into clusters that are classes."""

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

    names, floors = list(labels.values()), [labels[name] for name in baselines if name in labels]
    palette, first = style.PALETTES[settings.palette], probed[0]
    accuracies = Panel(
        "Test images named rightly, %",
        {
            "linear probe": [result.metrics.linear_accuracy for result in probed],
            "nearest neighbours": [result.metrics.knn_accuracy for result in probed],
        },
        first.chance,
    )
    groups = Panel(
        "k-means, a cluster for each class",
        {
            "silhouette: how neatly they lie apart": [result.metrics.silhouette for result in clustered],
            "NMI: how far they are the classes": [result.metrics.nmi for result in clustered],
            "share of the mean colour they explain": [result.colour_explained_by_clusters for result in clustered],
        },
        None,
    )
    of_test = style.foot(first.source, first.n, "test images", "Lines: 95 % intervals. Baselines in italics.")
    trained = style.foot(first.source, clustered[0].n, "training images", "Baselines in italics.")
    widths = {labels[name]: records.read(by_width / name / "details.json", dimensions.Result) for name in labels}
    at_end = "Dashes: the constant answer. Points on the right: all features, before they became so few dimensions."
    folder = job.out("plots/figures_encoders")
    for name, title, panel, footer in (
        ("accuracy", "What readers find in each embedding", accuracies, of_test),
        ("clusters", "Do embeddings fall into clusters, and are they classes?", groups, trained),
    ):
        figure = evaluations.rows(title, names, floors, [panel], footer, palette)
        style.save(figure, folder / f"{name}.png", settings.dpi)
    title, of_widths = "Accuracy against dimensions", style.foot(first.source, first.n, "test images", at_end)
    figure = evaluations.by_width(title, widths, floors, of_widths, palette)
    style.save(figure, folder / "dimensions.png", settings.dpi)


if __name__ == "__main__":
    run(main)
