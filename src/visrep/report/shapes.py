"""What the page says of similarity learning on coloured shapes."""

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
    Reading,
    Similarity,
)

READERS = {
    AGREEMENT: "how many nearest neighbours share the factor",
    PROBE: "how often a linear probe names it",
    MOVEMENT: "how far a feature goes when this factor alone changes",
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
            "Coloured shapes are made from four known factors: color, shape, location and size. An encoder learns "
            "that an image and its redrawing are alike, in which some factors are others. It should then lose what "
            "was varied and keep what was shared. Does it?",
            _verdicts(study),
        ],
        [
            *_tables(by_family, NEW),
            _findings(study, by_family),
            _geometry(by_family),
            Gallery(list(_pictures(study, by_family))),
            Part("What they call alike", "Queries with their nearest training images, from near to far."),
            Gallery([_neighbors(study, name, by_family[name]) for name in by_family]),
            *[table for images in _others(by_family) for table in _tables(by_family, images, folded=True)],
        ],
    )


def _verdicts(study: StudyResults) -> str:
    """How a reading becomes a verdict."""
    settings = study.parameters["factors"]
    kept, lost = (round(100 * settings[name]) for name in ("kept_above", "lost_below"))
    return (
        "Below, each reading has its 95 % interval. Between chance and what keeping a factor wholly would read, a "
        f"factor counts as kept where all of the interval is above {kept} % of the way, as lost where all of it is "
        f"below {lost} %. {MARKS[CONFIRMED]} confirms what the training predicts, {MARKS[REFUTED]} refutes it, "
        "? is between the two."
    )


def _tables(by_family: ByFamily, images: str, folded: bool = False) -> Iterator[Table]:
    """One for each reader of ``images``."""
    for reader, says in READERS.items():
        rows = {name: result.read(images, reader) for name, result in by_family.items()}
        first = next(iter(rows.values()))
        if not first:  # movement is read of new images only
            continue
        whole = ""
        if reader == MOVEMENT:
            full = ", ".join(f"{_label(name)} {row[0].full:.0f}" for name, row in rows.items())
            whole = f" 100 is the way to a random picture; each of m factors that are kept has 100 / m of it: {full}."
        yield Table(
            f"{says[0].upper()}{says[1:]}, in percent, and what was predicted.{whole}",
            data(next(iter(by_family.values())).source, first[0].n, images),
            ("encoder", *[row.factor for row in first]),
            [
                ("by chance", *[f"{row.chance:.0f}" for row in first]),
                *[_row(name, row) for name, row in rows.items()],
            ],
            folded=f"{images[0].upper()}{images[1:]}: {says}" if folded else "",
        )


def _row(name: str, rows: Sequence[Reading]) -> tuple[str | Markup, ...]:
    cell = Markup("<b>{:.0f}</b><small>{:.0f} to {:.0f}</small><small>{} predicted {}</small>")
    cells = [cell.format(r.value, r.low, r.high, MARKS[r.verdict], r.prediction) for r in rows]
    return (_label(name), *cells)


def _findings(study: StudyResults, by_family: ByFamily) -> Table:
    """What the reports expected and found in words, and what is measured here."""
    rows = [
        (_label(name), finding["expected"], finding["found"], _measured(by_family[name]))
        for name, finding in study.reported["findings"].items()
        if name in by_family
    ]
    first = next(iter(by_family.values()))
    return Table(
        "The same question in report 4, which answers in words; here, by the nearest neighbours.",
        data(first.source, first.n[NEW], NEW),
        ("encoder", "expected there", "found there", "measured here"),
        rows,
        words=(1, 2, 3),
    )


def _measured(result: Factors) -> str:
    """Factors by what the neighbours say of them, whatever was predicted."""
    states: dict[str, list[str]] = {KEPT: [], BETWEEN: [], LOST: []}
    for row in result.read(NEW, AGREEMENT):
        as_predicted = {CONFIRMED: row.prediction, REFUTED: CONTRARY[row.prediction]}
        states[as_predicted.get(row.verdict, BETWEEN)].append(row.factor)
    return "; ".join(f"{state}: {', '.join(names)}" for state, names in states.items() if names)


def _geometry(by_family: ByFamily) -> Table:
    """How the sets of pictures that should be one lie among the others."""
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
    says = (
        "How wide the sets of pictures are that should be one (diameter), how far the nearest other set is (margin), "
        "how many sets are farther from others than they are wide (separated, in percent), alignment within sets "
        "(0: they are one) and uniformity of all features (the lower, the more evenly spread). Distances between "
        "features of length 1: at most 2."
    )
    head = ("encoder", "diameter", "margin", "separated", "alignment", "uniformity")
    return Table(says, _of_sets(next(iter(by_family.values()))), head, rows)


def _pictures(study: StudyResults, by_family: ByFamily) -> Iterator[Picture]:
    first = next(iter(by_family.values()))
    learnt = study.record(f"similarity/{next(iter(by_family))}", Similarity)
    of_new = data(first.source, first.n[NEW], NEW)
    held_out = data(learnt.source, learnt.held_out, "held-out images")
    for name, says, on in (
        ("factors", "Which factors each encoder keeps, beside what its training predicts.", of_new),
        (RUNS, "The same in every run, each a point: how far does it hang on the seed?", of_new),
        ("sets", "How wide the sets of pictures are that should be one, and how far apart.", _of_sets(first)),
        ("interpolations", "From image to image along a straight line of codes.", of_new),
        ("learning", "Which factor is learnt first.", held_out),
        (
            "losses",
            "Loss of each encoder on held-out images, between chance and floor.",
            data(learnt.source, learnt.n, f"{TRAINING}, {learnt.held_out:,} held-out images"),
        ),
        (
            "tammes",
            "Features that nothing holds together spread like repelling points on a sphere.",
            "Points that are moved, no images.",
        ),
    ):
        if name != RUNS or study.repeated:
            yield picture(study, name if name == RUNS else f"figures_shapes/{name}", says, on)


def _neighbors(study: StudyResults, name: str, result: Factors) -> Picture:
    on = data(result.source, result.n[TRAINING], "training images, among which neighbours are sought")
    return picture(
        study, f"figures_shapes/neighbors_{name}", f"{_label(name)}: shapes and their nearest neighbours.", on
    )


def _others(by_family: ByFamily) -> list[str]:
    """Kinds of images besides the new ones: training images, another ground."""
    return [images for images in next(iter(by_family.values())).n if images != NEW]


def _of_sets(result: Factors) -> str:
    return data(result.source, result.sets, f"sets of {result.redrawn} redrawings")


def _label(name: str) -> str:
    return name.replace("_", " ")
