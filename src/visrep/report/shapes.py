"""The page on similarity learning on colored shapes."""

from collections.abc import Iterator, Mapping, Sequence

from markupsafe import Markup

from visrep.records import data
from visrep.report.blocks import Gallery, Part, Picture, Section, Table, picture
from visrep.report.results import StudyResults
from visrep.shapes.results import (
    AGREEMENT,
    CONFIRMED,
    KEPT,
    LOST,
    MOVEMENT,
    NEW,
    PROBE,
    REFUTED,
    TRAINING,
    UNDECIDED,
    Factors,
    Measurement,
    Similarity,
)

READERS = {
    AGREEMENT: "how many nearest neighbors share the factor",
    PROBE: "accuracy of a linear probe",
    MOVEMENT: "how far the embedding moves when only this factor changes",
}
BETWEEN = "between"
RUNS = "figures_spread/families"  # a picture
MARKS = {CONFIRMED: "\N{CHECK MARK}", REFUTED: "\N{BALLOT X}", UNDECIDED: "?"}
CONTRARY = {KEPT: LOST, LOST: KEPT}

ByFamily = Mapping[str, Factors]  # of each family


def similarity(study: StudyResults) -> Section:
    by_family = {name: study.record(f"factors/{name}", Factors) for name in study.parameters["families"]}
    return Section(
        "similarity",
        "Similarity learning",
        [
            "Colored shapes with four known factors: color, shape, location and size. An encoder is trained to map "
            "an image and a redrawing of it, with some factors changed, to the same point. It should lose what was "
            "changed and keep what was shared.",
            _verdicts(study),
        ],
        [
            *_tables(by_family, NEW),
            _findings(study, by_family),
            _geometry(by_family),
            Gallery(list(_pictures(study, by_family))),
            Part("Nearest neighbors", "Queries with their nearest training images, from near to far."),
            Gallery([_neighbors(study, name, by_family[name]) for name in by_family]),
            *[table for images in _others(by_family) for table in _tables(by_family, images, folded=True)],
        ],
    )


def _verdicts(study: StudyResults) -> str:
    """How a measurement becomes a verdict."""
    settings = study.parameters["factors"]
    kept, lost = (round(100 * settings[name]) for name in ("kept_above", "lost_below"))
    return (
        "Measurements with 95 % intervals. On the scale from chance to an encoder that keeps all of a factor, it "
        f"counts as kept where all of the interval is above {kept} %, as lost where all of it is below {lost} %. "
        f"{MARKS[CONFIRMED]} confirms the prediction of the training, {MARKS[REFUTED]} refutes it, ? is undecided."
    )


def _tables(by_family: ByFamily, images: str, folded: bool = False) -> Iterator[Table]:
    """One for each evaluation of ``images``."""
    for evaluation, caption in READERS.items():
        rows = {name: result.read(images, evaluation) for name, result in by_family.items()}
        first = next(iter(rows.values()))
        if not first:  # movement is read of new images only
            continue
        whole = ""
        if evaluation == MOVEMENT:
            full = ", ".join(f"{_label(name)} {row[0].full:.0f}" for name, row in rows.items())
            whole = (
                f" 100 is the distance to a random image; each of m factors that are kept has 100 / m of it: {full}."
            )
        yield Table(
            f"{caption[0].upper()}{caption[1:]}, in percent, and the prediction.{whole}",
            data(next(iter(by_family.values())).source, first[0].n, images),
            ("encoder", *[row.factor for row in first]),
            [
                ("by chance", *[f"{row.chance:.0f}" for row in first]),
                *[_row(name, row) for name, row in rows.items()],
            ],
            folded=f"{images[0].upper()}{images[1:]}: {caption}" if folded else "",
        )


def _row(name: str, rows: Sequence[Measurement]) -> tuple[str | Markup, ...]:
    cell = Markup("<b>{:.0f}</b><small>{:.0f} to {:.0f}</small><small>{} predicted {}</small>")
    cells = [cell.format(r.value, r.low, r.high, MARKS[r.verdict], r.prediction) for r in rows]
    return (_label(name), *cells)


def _findings(study: StudyResults, by_family: ByFamily) -> Table:
    """What the reports expected and observed, in words, and what is measured here."""
    rows = [
        (_label(name), finding["expected"], finding["found"], _measured(by_family[name]))
        for name, finding in study.reported["findings"].items()
        if name in by_family
    ]
    first = next(iter(by_family.values()))
    return Table(
        "The same question in report 4, which answers in words; here, by the nearest neighbors.",
        data(first.source, first.n[NEW], NEW),
        ("encoder", "expected by the report", "observed by the report", "measured here"),
        rows,
        words=(1, 2, 3),
    )


def _measured(result: Factors) -> str:
    """Factors by the measurement of the neighbors, whatever was predicted."""
    states: dict[str, list[str]] = {KEPT: [], BETWEEN: [], LOST: []}
    for row in result.read(NEW, AGREEMENT):
        as_predicted = {CONFIRMED: row.prediction, REFUTED: CONTRARY[row.prediction]}
        states[as_predicted.get(row.verdict, BETWEEN)].append(row.factor)
    return "; ".join(f"{state}: {', '.join(names)}" for state, names in states.items() if names)


def _geometry(by_family: ByFamily) -> Table:
    """The geometry of invariance sets."""
    rows = [
        (
            _label(name),
            f"{result.diameter.mean:.2f}",
            f"{result.margin.mean:.2f}",
            f"{result.separated:.0f}",
            f"{result.alignment:.2f}",
            f"{result.uniformity:.2f}",
        )
        for name, result in by_family.items()
    ]
    caption = (
        "Invariance sets: redrawings of one image that should have one embedding. Their diameter, the distance to the "
        "nearest other set (margin), percent of sets with a margin above their diameter (separated), alignment within "
        "sets (0: equal) and uniformity of all embeddings (lower: more even). Embeddings have length 1, so distances "
        "are at most 2."
    )
    head = ("encoder", "diameter", "margin", "separated", "alignment", "uniformity")
    return Table(caption, _of_sets(next(iter(by_family.values()))), head, rows)


def _pictures(study: StudyResults, by_family: ByFamily) -> Iterator[Picture]:
    first = next(iter(by_family.values()))
    learnt = study.record(f"similarity/{next(iter(by_family))}", Similarity)
    of_new = data(first.source, first.n[NEW], NEW)
    validation = data(learnt.source, learnt.validation, "validation images")
    for name, caption, on in (
        ("factors", "Which factors each encoder keeps, and the predictions of its training.", of_new),
        (RUNS, "The same in all runs: how much it depends on the seed.", of_new),
        ("sets", "Diameters and margins of invariance sets.", _of_sets(first)),
        ("interpolations", "Interpolations between the codes of two images.", of_new),
        ("learning", "Which factor is learned first.", validation),
        (
            "losses",
            "Loss of each encoder on validation images, between chance and its lower bound.",
            data(learnt.source, learnt.n, f"{TRAINING}, {learnt.validation:,} validation images"),
        ),
        (
            "tammes",
            "Points on a sphere that minimise the uniformity loss alone.",
            "Points, not images.",
        ),
    ):
        if name != RUNS or study.repeated:
            yield picture(study, name if name == RUNS else f"figures_shapes/{name}", caption, on)


def _neighbors(study: StudyResults, name: str, result: Factors) -> Picture:
    on = data(result.source, result.n[TRAINING], "training images, among which neighbors are searched")
    return picture(
        study, f"figures_shapes/neighbors_{name}", f"{_label(name)}: shapes and their nearest neighbors.", on
    )


def _others(by_family: ByFamily) -> list[str]:
    """Kinds of images besides the new ones: training images, another ground."""
    return [images for images in next(iter(by_family.values())).n if images != NEW]


def _of_sets(result: Factors) -> str:
    return data(result.source, result.sets, f"sets of {result.redrawn} redrawings")


def _label(name: str) -> str:
    return name.replace("_", " ")
