"""The page of the whole study, in reading order."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from visrep.report import (
    choosing,
    digits,
    evaluations,
    making,
    page,
    questions,
    representations,
    results,
    shapes,
    tables,
)
from visrep.report.blocks import Gallery, Section, picture
from visrep.report.results import StudyResults
from visrep.stage.pipeline import Stage

TITLE = "visrep: what the study found"
LEAD = (
    "One pipeline from images to results: a classifier of street digits, its fall under attack and its defence; "
    "representations learned without labels and what they are good for; and what encoders of shapes keep and let go. "
    "Each number stands beside its floor."
)
SURE = (
    "How sure a number is. Intervals tell what other images might have given. Another training of the same network, "
    "with another seed or on another processor, may differ by more, most of all where anomalies are sought."
)
DRAWN = "(embedded)"  # a source: images that the study draws or ships itself


def images(study: StudyResults) -> Section:
    pictures = [
        picture(
            study,
            f"figures_sets/{name}/examples",
            f"{name.replace('_', ' ').capitalize()}.",
            f"Data: download.{name} in params.yaml.",
        )
        for name in study.parameters["download"]
    ]
    return Section(
        "images",
        "The images",
        [
            "Training images above, test images below. Drawn sets share no image, no typeface and no photograph or "
            "part of one between the two, so that a test image is new in all that it is drawn from."
        ],
        [Gallery(pictures)],
    )


SECTIONS: tuple[Callable[[StudyResults], Section], ...] = (
    images,
    digits.classifier,
    digits.attacks,
    representations.learning,
    evaluations.uses,
    choosing.section,
    shapes.similarity,
    questions.questions,
)


def html(study: StudyResults, stages: Sequence[Stage], presets: Mapping[str, Mapping[str, Any]]) -> str:
    """The page. Raises `Failure` where a result that it shows is missing."""
    sections = [*(section(study) for section in SECTIONS), making.making(study.parameters, stages, presets)]
    notes = [_images(study), f"How to read the tables. {tables.LEGEND}", f"{SURE} {_runs(study)}"]
    return page.render(TITLE, LEAD, list(_facts(study)), notes, sections, list(_foot(study)))


def _facts(study: StudyResults) -> Iterator[tuple[str, str]]:
    """What to remember: a number, and what it is."""
    clean, fgsm, pgd, left, clean_defended, _, _, left_defended = results.headline(study)
    attack = f"at ε {study.sweeps['cnn'].gate_epsilon:g}"
    yield f"{clean.value:.1f} %", f"of street digits are read rightly. Always the most frequent: {clean.floor:.1f} %."
    yield (
        f"{left.value:.1f} %",
        f"are left by the strongest attacks {attack}; PGD leaves {pgd.value:.1f}, FGSM {fgsm.value:.1f} %.",
    )
    yield (
        f"{left_defended.value:.1f} %",
        f"are left by the same attacks after training on attacked images; clean {clean_defended.value:.1f} %.",
    )
    _, rows = results.readings(study)[0]
    probe = dict(zip(study.encoders, rows, strict=True))
    floors = ", ".join(f"{probe[name].name} {probe[name].value:.1f} %" for name in study.baselines)
    learned = probe["vicreg"]
    yield (
        f"{learned.value:.1f} %",
        f"of objects are named by a linear probe on {learned.name}. Baselines: {floors or '-'}.",
    )


def _images(study: StudyResults) -> str:
    """Where the pixels come from, and what that means for the numbers."""
    sources = {"Street digits": study.classifier.source, "objects": study.trainings["vicreg"].source}
    listed = "; ".join(f"{name}: {source}" for name, source in sources.items())
    drawn = any(source.endswith(DRAWN) for source in sources.values())
    warning = (
        " Embedded images are drawn by the study, so its numbers compare with each other, not with published ones."
    )
    return f"Images. {listed}.{warning if drawn else ''}"


def _runs(study: StudyResults) -> str:
    """How often each training ran."""
    again, apart = len(study.replicates.seeds), study.replicates.apart
    if not again:
        return "Here each ran once."
    text = (
        f"Here each ran {again + 1} times, with other seeds and the same images: beside the interval of the main run "
        "stand mean and standard deviation of all runs."
    )
    if apart:
        groups = ", ".join(f"{count} of {name}" for name, count in apart.items())
        text += f" Not counted, since made on another kind of processor than the main run: {groups}."
    return text


def _foot(study: StudyResults) -> Iterator[str]:
    yield "Reported numbers, marked by the number of the report, are those of five earlier studies on other images:"
    for report, what in study.reported["reports"].items():
        yield f"Report {report}. {what}."
