"""What the page says of the uses of an embedding: every evaluation of every encoder."""

from collections.abc import Callable, Sequence

from markupsafe import Markup

from visrep.evaluations import anomaly, probe
from visrep.records import Column, Interval, data
from visrep.report import results, tables
from visrep.report.blocks import Block, Gallery, Part, Section, Table, of_encoders, picture
from visrep.report.results import Evaluation, Row, StudyResults

ELSEWHERE = ("maps",)  # evaluations that stand in another section


def uses(study: StudyResults) -> Section:
    floors = ", ".join(study.encoders[name] for name in study.baselines)
    blocks: list[Block] = [_at_a_glance(study)]
    for name, evaluation in study.evaluations.items():
        if name not in ELSEWHERE:
            blocks += _evaluation(study, evaluation)
    return Section(
        "uses",
        "What they are good for",
        [
            "Every embedding is evaluated in the same ways; none of these changes it. No gradient trained the first: "
            f"{floors or 'none here'}. What these baselines reach is no merit of learning.",
        ],
        blocks,
    )


def _at_a_glance(study: StudyResults) -> Table:
    columns = results.readings(study)
    rows = [
        (label, *[_cell(rows[place], column.digits) for column, rows in columns])
        for place, label in enumerate(study.encoders.values())
    ]
    says = "All evaluations at a glance; percent, but for what is named otherwise below, where intervals stand too."
    if any(row.runs for _, rows in columns for row in rows):
        says += " Below the main run, mean and standard deviation of all runs."
    first = next(iter(study.evaluations.values())).tabulated
    return Table(says, first.data, ("encoder", *[column.name for column, _ in columns]), rows)


def _cell(row: Row, digits: int) -> Markup:
    spread = row.spread
    again = f"{spread.mean:.{digits}f} ± {spread.sd:.{digits}f}" if spread else ""
    return Markup("{:.{}f}<small>{}</small>").format(row.value, digits, again)


def _evaluation(study: StudyResults, evaluation: Evaluation) -> list[Block]:
    """Its title and text, a table for each column that has a caption, one for the others, and pictures."""
    about = evaluation.tabulated
    before, after = PICTURES.get(evaluation.name, _none)(study, evaluation)
    shown = [column for column in about.columns if column.says]
    more = [column for column in about.columns if not column.says]
    return [
        Part(about.title, about.text),
        *before,
        *[
            tables.beside(
                column.says,
                about.data,
                results.reading(study, evaluation, column),
                digits=column.digits,
                drawn=column.percent,
            )
            for column in shown
        ],
        *([_more(study, evaluation, more)] if more else []),
        *after,
    ]


def _more(study: StudyResults, evaluation: Evaluation, columns: Sequence[Column]) -> Table:
    about = evaluation.tabulated
    rows = [
        (label, *[f"{_value(column, result):.{column.digits}f}" for column in columns])
        for label, result in zip(study.encoders.values(), evaluation.results.values(), strict=True)
    ]
    aside = REPORTED[evaluation.name](study) if evaluation.name in REPORTED else ""
    says = " ".join(filter(None, (f"{about.more}.", aside)))
    return Table(says, about.data, ("encoder", *[column.name for column in columns]), rows, folded=about.more)


def _value(column: Column, result: object) -> float:
    number = column.read(result)
    return number.value if isinstance(number, Interval) else number


RUNS = "The same in every run, each a point: how far does it hang on the seed?"
Pictures = tuple[list[Block], list[Block]]  # what stands before the tables, and what after


def _none(study: StudyResults, evaluation: Evaluation) -> Pictures:
    return [], []


def _probe(study: StudyResults, evaluation: Evaluation) -> Pictures:
    result: probe.Result = next(iter(evaluation.results.values()))
    labelled = data(result.source, result.labelled, "training images with labels, some of them held out")
    says = "Linear probe and k-NN of every encoder, with chance."
    pictures = [picture(study, "figures_encoders/accuracy", says, evaluation.tabulated.data)]
    if study.repeated:
        pictures.append(picture(study, "figures_spread/encoders", RUNS, evaluation.tabulated.data))
    return (
        [Gallery(pictures)],
        [
            of_encoders(
                study,
                "probe",
                "how the linear probe came about.",
                labelled,
                "How each probe was chosen or learned, every encoder",
            )
        ],
    )


def _dimensions(study: StudyResults, evaluation: Evaluation) -> Pictures:
    says = "Accuracy of a linear probe against the dimensions it is given, every encoder."
    return [Gallery([picture(study, "figures_encoders/dimensions", says, evaluation.tabulated.data)])], []


def _retrieval(study: StudyResults, evaluation: Evaluation) -> Pictures:
    on = evaluation.tabulated.data
    return [], [
        of_encoders(study, "hubs", "the images that are most often among the five farthest.", on),
        of_encoders(
            study,
            "neighbors",
            "a query of each class with its five nearest and its five farthest training images; ticks mark its class.",
            on,
            "Queries with their nearest and farthest images, every encoder",
        ),
    ]


def _anomaly(study: StudyResults, evaluation: Evaluation) -> Pictures:
    on = evaluation.tabulated.data
    result: anomaly.Result = next(iter(evaluation.results.values()))
    kinds = " and ".join(anomaly.words(one.set) for one in result.anomalous)
    roc = picture(study, "roc/roc", f"ROC curves: anomalies found against false alarms, for {kinds}.", on)
    strangest = of_encoders(study, "most_anomalous", "the strangest of all test images.", on)
    return [], [*_scorings(study, evaluation), Gallery([roc, *strangest.pictures])]


def _scorings(study: StudyResults, evaluation: Evaluation) -> list[Block]:
    """Every way of scoring side by side, and what stands out by class."""
    results = dict(zip(study.encoders.values(), evaluation.results.values(), strict=True))
    first: anomaly.Result = next(iter(results.values()))
    sets = [one.set for one in first.anomalous]
    ways = dict.fromkeys(scored.way for result in results.values() for scored in result.scores)
    rows = [(label, *(_areas(result, way, sets) for way in ways)) for label, result in results.items()]
    named = ", ".join(map(anomaly.words, sets))
    blocks: list[Block] = [
        Table(
            f"Every way of scoring, encoder by encoder: AUROC in percent of {named}, one below the other. In bold the "
            "way that is told above.",
            evaluation.tabulated.data,
            ("encoder", *ways),
            rows,
        )
    ]
    for name in sets:
        found = {label: [one for one in result.by_class if one.set == name] for label, result in results.items()}
        heads = [f"{one.label} ({one.n:,})" for one in found[next(iter(found))]]
        says = f"{anomaly.words(name).capitalize()} by class: AUROC in percent of each class (n) against all objects."
        cells = [(label, *(f"{one.auroc:.1f}" for one in row)) for label, row in found.items()]
        blocks.append(Table(says, evaluation.tabulated.data, ("encoder", *heads), cells, folded=says.split(":")[0]))
    heads = [f"{alarm.label} ({alarm.n:,})" for alarm in first.alarms]
    says = f"False alarms by class: percent of each class of objects (n), where {anomaly.ALARMS:g} % of all raise one."
    cells = [(label, *(f"{alarm.percent:.1f}" for alarm in result.alarms)) for label, result in results.items()]
    blocks.append(Table(says, evaluation.tabulated.data, ("encoder", *heads), cells, folded=says.split(":")[0]))
    return blocks


def _areas(result: anomaly.Result, way: str, sets: Sequence[str]) -> Markup:
    found = {scored.anomalies: scored.auroc for scored in result.scores if scored.way == way}
    told = Markup("<br>").join(f"{found[name]:.1f}" for name in sets if name in found)
    return Markup("<b>{}</b>").format(told) if way == result.way else told


def _clustering(study: StudyResults, evaluation: Evaluation) -> Pictures:
    says = "How tight the clusters of every encoder are, how far they are classes, and how far colours."
    mapped = study.evaluations["maps"].tabulated.data
    return (
        [Gallery([picture(study, "figures_encoders/clusters", says, evaluation.tabulated.data)])],
        [
            of_encoders(
                study,
                "clusters",
                "test images on the t-SNE map, by cluster above, by class below. Numbers stand at the test images "
                "nearest to the centroids.",
                mapped,
            )
        ],
    )


def _reported_probe(study: StudyResults) -> str:
    ends = (f"{what} {first} to {last}" for what, (first, last) in study.reported["probe"].items())
    return f"Reported of VICReg's probe from the first to the last of 30 epochs (report 3): {', '.join(ends)}."


# What only some evaluations have: pictures, and words of the reports.
PICTURES: dict[str, Callable[[StudyResults, Evaluation], Pictures]] = {
    "probe": _probe,
    "dimensions": _dimensions,
    "retrieval": _retrieval,
    "anomaly": _anomaly,
    "clustering": _clustering,
}
REPORTED: dict[str, Callable[[StudyResults], str]] = {"probe": _reported_probe}
