"""Figures of trainings without labels, and of collapse."""

from dataclasses import dataclass

import pandas as pd

from stages import run
from visrep import files, records
from visrep.figures import representations, style
from visrep.representations.results import Training
from visrep.settings.figures import Figures
from visrep.settings.representations import Ablations, Labels, Methods
from visrep.stage.job import Job

ASIDE = {"no_generated_neighbors": " Its training loss is of neighbors, its test loss of random views."}


@dataclass(frozen=True)
class Rank:
    """A row of the chart of all trainings."""

    encoder: str
    epoch: int
    effective_rank: float


def main(job: Job) -> None:
    settings, labels = job.read("figures", Figures), job.read("encoders", Labels).root
    methods, ablations = job.read("methods", Methods).root, job.read("ablations", Ablations).root
    folders = {name: job.input(f"plots/{name}") for name in ("vicreg", "no_generated_neighbors")}
    trained, varied = job.input("plots/methods"), job.input("plots/ablations")
    plain = {*folders, *methods}
    folders |= {name: trained / name for name in methods} | {name: varied / name for name in ablations}
    histories = {name: pd.DataFrame(files.read_json(path / "history.json")) for name, path in folders.items()}
    results = {name: records.read(path / "details.json", Training) for name, path in folders.items()}

    palette, first = style.PALETTES[settings.palette], results["vicreg"]
    dimensions = len(first.axes)
    of_test = style.foot(first.source, first.monitored, "test images")
    more = f"Of the test images {first.monitored:,} are monitored."
    footer = style.foot(first.source, first.n, "training images", more)
    named = {name: labels.get(name, name) for name in folders}
    by_label = {named[name]: history for name, history in histories.items()}
    spectra = {named[name]: result.axes for name, result in results.items()}
    figures = {
        "collapse": representations.collapse("Which networks collapse", by_label, dimensions, of_test, palette),
        "spectra": representations.spectra("How many directions an embedding uses", spectra, of_test, palette),
    }
    for name, history in histories.items():
        title, panels = f"{named[name]}: training", results[name].reporting.panels
        foot = footer + ASIDE.get(name, "")
        figures[name] = representations.history(title, history, panels, dimensions, foot, palette)
    for name in sorted(plain - ASIDE.keys()):
        reporting, rows = results[name].reporting, pd.DataFrame(files.read_json(folders[name] / "steps.json"))
        curves = [curve for panel in reporting.panels if panel.by_batch for curve in panel.curves]
        foot = style.foot(first.source, first.n, "training images", reporting.batches)
        figures[f"{name}_steps"] = representations.steps(f"{named[name]}, batch by batch", rows, curves, foot, palette)
    folder = job.out("plots/figures_training")
    for name, figure in figures.items():
        style.save(figure, folder / f"{name}.png", settings.dpi)
    ranks = [
        Rank(label, int(row.epoch), float(row.effective_rank))
        for label, history in by_label.items()
        for row in history.itertuples()
    ]
    files.write_table(job.out("plots/effective_rank.json"), ranks)


if __name__ == "__main__":
    run(main)
