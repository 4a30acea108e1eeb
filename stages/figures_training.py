"""How the networks without labels learned, and which of them collapsed."""

import pandas as pd

from visrep.figures import style, unlabelled
from visrep.settings.ablations import Ablations
from visrep.settings.encoders import Labels
from visrep.settings.figures import Figures
from visrep.stage import artifacts, run

ASIDE = {"no_generated_neighbors": " Its training loss is of neighbours, its test loss of random views."}
LAST = {  # panels whose curves are drawn batch by batch, and what the last batch of an epoch does to them
    "vicreg": (unlabelled.VICREG, "The last batch of an epoch is smaller."),
    "simclr": (unlabelled.SIMCLR[:1], "The last batch of an epoch is smaller, and so is what chance would give."),
}
PLAIN = {"vicreg": unlabelled.VICREG, "no_generated_neighbors": unlabelled.VICREG, "simclr": unlabelled.SIMCLR}


def main(job: run.Job) -> None:
    settings, labels = job.read("figures", Figures), job.read("encoders", Labels).root
    ablations = job.input("plots/ablations")
    folders = {name: job.input(f"plots/{name}") for name in PLAIN}
    of_simclr = job.read("simclr_ablations", Ablations).root
    folders |= {name: ablations / name for name in [*job.read("ablations", Ablations).root, *of_simclr]}
    histories = {name: pd.DataFrame(artifacts.read_json(path / "history.json")) for name, path in folders.items()}
    told = {name: artifacts.read_json(path / "details.json") for name, path in folders.items()}

    palette, dimensions = style.PALETTES[settings.palette], len(told["vicreg"]["axes"])
    source, count, watched = (told["vicreg"][key] for key in ("source", "n", "watched"))
    of_test = style.foot(source, watched, "test images")
    footer = style.foot(source, count, "training images", f"Of the test images {watched:,} are watched.")
    named = {name: labels.get(name, name) for name in folders}
    spectra = {named[name]: pd.DataFrame(details["axes"]) for name, details in told.items()}
    drawn = {
        "collapse": unlabelled.collapse(
            "Which networks collapse", {named[k]: v for k, v in histories.items()}, dimensions, of_test, palette
        ),
        "spectra": unlabelled.spectra("How many directions an embedding uses", spectra, of_test, palette),
    }
    for name, history in histories.items():
        panels = PLAIN.get(name, unlabelled.SIMCLR if name in of_simclr else unlabelled.VICREG)
        title = f"{named[name]}: how it learned"
        drawn[name] = unlabelled.history(title, history, panels, dimensions, footer + ASIDE.get(name, ""), palette)
    for name, (stepwise, says) in LAST.items():
        rows = pd.DataFrame(artifacts.read_json(folders[name] / "steps.json"))
        curves = {key: label for panel in stepwise for key, label in panel.curves.items()}
        foot = style.foot(source, count, "training images", says)
        drawn[f"{name}_steps"] = unlabelled.steps(f"{named[name]}, batch by batch", rows, curves, foot, palette)
    folder = job.out("plots/figures_training")
    for name, figure in drawn.items():
        style.save(figure, folder / f"{name}.png", settings.dpi)


if __name__ == "__main__":
    run.main(main)
