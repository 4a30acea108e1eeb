"""How the networks without labels learned, and which of them collapsed."""

import pandas as pd

from visrep import artifacts, run
from visrep.figures import style, unlabelled
from visrep.settings.encoders import Labels
from visrep.settings.figures import Figures
from visrep.settings.vicreg import Ablations

PLAIN = ("vicreg", "no_generated_neighbors")


def main(job: run.Job) -> None:
    settings, labels = job.read("figures", Figures), job.read("encoders", Labels).root
    ablations = job.input("plots/ablations")
    named = {name: job.input(f"plots/{name}/history.json") for name in PLAIN}
    named |= {name: ablations / name / "history.json" for name in job.read("ablations", Ablations).root}
    histories = {name: pd.DataFrame(artifacts.read_json(path)) for name, path in named.items()}
    steps = pd.DataFrame(artifacts.read_json(job.input("plots/vicreg/steps.json")))
    told = artifacts.read_json(job.input("plots/vicreg/details.json"))

    palette, dimensions = style.PALETTES[settings.palette], len(told["dimensions"])
    footer = style.foot(told["source"], told["n"], "training images; rank and spread on test images")
    shown = {labels.get(name, name): history for name, history in histories.items()}
    drawn = {
        "steps": unlabelled.steps("VICReg, batch by batch", steps, footer, palette),
        "collapse": unlabelled.collapse("Which networks collapse", shown, dimensions, footer, palette),
    }
    for name, history in histories.items():
        drawn[name] = unlabelled.history(labels.get(name, name), history, dimensions, footer, palette)
    folder = job.out("plots/figures_training")
    for name, figure in drawn.items():
        style.save(figure, folder / f"{name}.png", settings.dpi)


if __name__ == "__main__":
    run.main(main)
