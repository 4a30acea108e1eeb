"""All runs of the trainings that are compared."""

from collections.abc import Mapping, Sequence

from stages import run
from visrep import records
from visrep.digits.results import CLASSIFIERS, Sweep
from visrep.evaluations import probe
from visrep.figures import choosing as draw_choosing
from visrep.figures import runs, style
from visrep.measures import choosing
from visrep.replicates.results import Headline, Headlines
from visrep.settings.figures import Figures
from visrep.settings.representations import Baselines, Labels
from visrep.settings.shapes import FACTORS
from visrep.stage.job import Job

POINTS = "Filled: the main run; hollow: other seeds; stroke: their mean."


def main(job: Job) -> None:
    settings, labels = job.read("figures", Figures), job.read("encoders", Labels).root
    baselines = [labels[name] for name in job.read("baselines", Baselines).root if name in labels]
    headlines = records.read(job.input("plots/spread/details.json"), Headlines)
    sweep = records.read(job.input("plots/fgsm_sweep/cnn/details.json"), Sweep)
    probed = records.read(job.input("plots/probe/vicreg/details.json"), probe.Result)
    palette = style.PALETTES[settings.palette]

    attacks = ["clean images", *(f"{name}, ε {sweep.gate_epsilon:g}" for name in ("FGSM", "PGD", "audit"))]
    names = [f"{name}: {attack}" for name in CLASSIFIERS.values() for attack in attacks]
    right = [number.value for model in CLASSIFIERS for number in headlines.classifiers[model]]
    figures = {
        "classifiers": runs.points(
            "Both classifiers, run by run",
            names,
            [],
            {"accuracy on test images": right},
            sweep.chance,
            "percent",
            style.foot(sweep.source, sweep.n, "test images", POINTS),
            palette,
        ),
        "encoders": runs.points(
            "Encoders, run by run",
            list(labels.values()),
            baselines,
            {
                name: _of(headlines.encoders, list(labels), key)
                for name, key in (("linear probe", "linear_accuracy"), ("nearest neighbors", "knn_accuracy"))
            },
            probed.chance,
            "accuracy on test images (%)",
            style.foot(probed.source, probed.n, "test images", f"{POINTS} Baselines in italics."),
            palette,
        ),
        "families": runs.points(
            "Encoders of shapes, run by run",
            [name.replace("_", " ") for name in headlines.families],
            [],
            {factor: _of(headlines.families, list(headlines.families), f"{factor}_agreement") for factor in FACTORS},
            None,
            "nearest neighbors that share the factor (%)",
            f"Drawn shapes, test images. {POINTS}",
            palette,
        ),
    }
    ranked = records.read(job.input("plots/choosing/details.json"), choosing.Choosing)
    figures["choosing"] = draw_choosing.criteria(
        "Criteria without labels, and the probe",
        ranked,
        labels,
        style.foot(
            ranked.source,
            ranked.monitored,
            "test images",
            "A point is a run: a criterion without labels, and the accuracy of a linear probe with labels. "
            "Beside the names: the correlation of their ranks over all runs.",
        ),
        palette,
    )
    folder = job.out("plots/figures_spread")
    for name, figure in figures.items():
        style.save(figure, folder / f"{name}.png", settings.dpi)


def _of(numbers: Mapping[str, Sequence[Headline]], names: Sequence[str], key: str) -> list[tuple[float, ...]]:
    """The runs of one number, a row for each of ``names``."""
    return [next(number.value for number in numbers[name] if number.key == key) for name in names]


if __name__ == "__main__":
    run(main)
