"""The loss around the images of a classifier, along two attacks and at random."""

from stages import run
from visrep import records
from visrep.audit.results import Audit
from visrep.figures import audit, style
from visrep.settings.audit import Classifiers
from visrep.settings.figures import Figures
from visrep.stage.job import Job

ITEMS = "classifiers"


def main(job: Job) -> None:
    settings, names = job.read("figures", Figures), job.read("classifiers", Classifiers).root
    result = records.read(job.input(f"plots/audit/{job.item}/details.json"), Audit)
    more = "Lines: medians; bands: from the first to the third quartile; dotted: the radius of the gates."
    footer = style.foot(result.source, result.signs_n, "test images that are right when clean", more)
    palette = style.PALETTES[settings.palette]
    figure = audit.lines(result, names[job.item], footer, palette)
    style.save(figure, job.out(f"plots/figures_audit/{job.item}.png"), settings.dpi)


if __name__ == "__main__":
    run(main, ITEMS)
