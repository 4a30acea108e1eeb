"""How the networks without labels learned, and which of them collapsed."""

import pandas as pd

from visrep.figures import style, unlabelled
from visrep.settings.ablations import Ablations
from visrep.settings.encoders import Labels
from visrep.settings.figures import Figures
from visrep.stage import artifacts, run

STEPS = {"vicreg": unlabelled.VICREG, "simclr": unlabelled.SIMCLR[:1]}  # panels whose curves are drawn batch by batch
ASIDE = {"no_generated_neighbors": " Its training loss is of neighbours, its test loss of random views."}
PLAIN = {"vicreg": unlabelled.VICREG, "no_generated_neighbors": unlabelled.VICREG, "simclr": unlabelled.SIMCLR}


def main(job: run.Job) -> None:
    settings, labels = job.read("figures", Figures), job.read("encoders", Labels).root
    ablations = job.input("plots/ablations")
    folders = {name: job.input(f"plots/{name}") for name in PLAIN}
    folders |= {name: ablations / name for name in job.read("ablations", Ablations).root}
    histories = {name: pd.DataFrame(artifacts.read_json(path / "history.json")) for name, path in folders.items()}
    told = {name: artifacts.read_json(path / "details.json") for name, path in folders.items()}

    palette, dimensions = style.PALETTES[settings.palette], len(told["vicreg"]["axes"])
    of = (told["vicreg"]["source"], told["vicreg"]["n"], "training images")
    trained = style.foot(*of, "The last batch of an epoch is smaller, and so is what chance would give.")
    footer = style.foot(*of, f"What is told of test images is of {told['vicreg']['watched']:,} of them.")
    named = {name: labels.get(name, name) for name in folders}
    spectra = {named[name]: pd.DataFrame(details["axes"]) for name, details in told.items()}
    drawn = {
        "collapse": unlabelled.collapse(
            "Which networks collapse", {named[k]: v for k, v in histories.items()}, dimensions, footer, palette
        ),
        "spectra": unlabelled.spectra("How many directions an embedding uses", spectra, footer, palette),
    }
    for name, history in histories.items():
        panels = PLAIN.get(name, unlabelled.VICREG)
        title = f"{named[name]}: how it learned"
        drawn[name] = unlabelled.history(title, history, panels, dimensions, footer + ASIDE.get(name, ""), palette)
    for name, stepwise in STEPS.items():
        rows = pd.DataFrame(artifacts.read_json(folders[name] / "steps.json"))
        curves = {key: label for panel in stepwise for key, label in panel.curves.items()}
        drawn[f"{name}_steps"] = unlabelled.steps(f"{named[name]}, batch by batch", rows, curves, trained, palette)
    folder = job.out("plots/figures_training")
    for name, figure in drawn.items():
        style.save(figure, folder / f"{name}.png", settings.dpi)


if __name__ == "__main__":
    run.main(main)
