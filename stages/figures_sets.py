"""Examples of each set of images, training above test."""

from stages import run
from visrep.data import store
from visrep.figures import sets, style
from visrep.settings.figures import Figures
from visrep.stage.job import Job

ITEMS = "download"


def main(job: Job) -> None:
    settings = job.read("figures", Figures)
    images = store.load(job.input(f"data/{job.item}"))
    figure = sets.examples(job.item.replace("_", " ").capitalize(), images, settings)
    style.save(figure, job.out(f"plots/figures_sets/{job.item}") / "examples.png", settings.dpi)


if __name__ == "__main__":
    run(main, ITEMS)
