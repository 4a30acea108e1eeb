"""The page of the whole study, in reading order."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from visrep.report import digits, graph, judged, page, parameters, results, similarity, unlabelled
from visrep.report.blocks import Drawing, Section, Table
from visrep.report.results import Found
from visrep.settings.encoders import FLOORS
from visrep.stage.pipeline import Stage

TITLE = "visrep: what the study found"
LEAD = (
    "One pipeline from images to results: a classifier of street digits, its fall under attack and its defence; "
    "representations learned without labels and what they are good for; and what encoders of shapes keep and let go. "
    "Each number stands beside its floor."
)
SURE = (
    "How sure a number is. Intervals tell what other images might have given. Another training of the same network, "
    "with another seed or on another processor, may differ by more, most of all where anomalies are sought. Here each "
    "ran once."
)
DRAWN = "(embedded)"  # a source: images that the study draws or ships itself
SECTIONS: tuple[Callable[[Found], Section], ...] = (
    digits.classifier,
    digits.attacks,
    unlabelled.learning,
    unlabelled.uses,
    similarity.similarity,
)


def html(found: Found, stages: Sequence[Stage], presets: Mapping[str, Mapping[str, Any]]) -> str:
    """The page. Raises `Failure` where a result that it shows is missing."""
    sections = [*(section(found) for section in SECTIONS), _making(found, stages, presets)]
    notes = [_images(found), f"How to read the tables. {judged.LEGEND}", SURE]
    return page.render(TITLE, LEAD, list(_facts(found)), notes, sections, list(_foot(found)))


def _facts(found: Found) -> Iterator[tuple[str, str]]:
    """What to remember: a number, and what it is."""
    clean, fgsm, pgd, clean_defended, _, pgd_defended = results.headline(found)
    attack = f"at ε {found.details('fgsm_sweep/cnn')['gate_epsilon']:g}"
    yield f"{clean.value:.1f} %", f"of street digits are read rightly. Always the most frequent: {clean.floor:.1f} %."
    yield (
        f"{pgd.value:.1f} %",
        f"are left when PGD attacks {attack}; FGSM, its one-step form, leaves {fgsm.value:.1f} %.",
    )
    yield (
        f"{pgd_defended.value:.1f} %",
        f"are left under the same PGD after training on attacked images; clean {clean_defended.value:.1f} %.",
    )
    probe = dict(zip(found.encoders, results.reading(found, results.PROBE), strict=True))
    floors = ", ".join(f"{probe[name].name} {probe[name].value:.1f} %" for name in FLOORS if name in probe)
    learned = probe["vicreg"]
    yield (
        f"{learned.value:.1f} %",
        f"of objects are named by a linear probe on {learned.name}. Untrained: {floors or '-'}.",
    )


def _images(found: Found) -> str:
    """Where the pixels come from, and what that means for the numbers."""
    sources = {"Street digits": found.details("train_cnn")["source"], "objects": found.details("vicreg")["source"]}
    said = "; ".join(f"{name}: {source}" for name, source in sources.items())
    drawn = any(source.endswith(DRAWN) for source in sources.values())
    warning = (
        " Embedded images are drawn by the study, so its numbers compare with each other, not with published ones."
    )
    return f"Images. {said}.{warning if drawn else ''}"


def _making(found: Found, stages: Sequence[Stage], presets: Mapping[str, Mapping[str, Any]]) -> Section:
    groups = graph.groups(stages)
    rows = [(group.name, group.caption, ", ".join(group.reads) or "-") for group in groups]
    return Section(
        "making",
        "How it is made",
        (f"{len(stages)} stages in {len(groups)} groups. A changed number reruns exactly what reads it.",),
        (
            Drawing(
                graph.svg(groups),
                "The stages in reading order. An arc leads down to a stage that reads what another writes, a dashed "
                "one back up; where others lead the same way in steps, none is drawn.",
            ),
            Table("Every stage.", "", ("stage", "what it does", "reads"), rows, (1, 2), "The same in words"),
            *parameters.blocks(found.parameters, presets),
        ),
    )


def _foot(found: Found) -> Iterator[str]:
    yield "Reported numbers, marked by the number of the report, are those of five earlier studies on other images:"
    for report, what in found.reported["reports"].items():
        yield f"Report {report}. {what}."
