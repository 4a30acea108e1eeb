"""The page on evaluations of all encoders."""

from collections.abc import Callable, Sequence

from markupsafe import Markup

from visrep.evaluations import anomaly, probe
from visrep.records import Column, Interval, data
from visrep.report import results, tables
from visrep.report.blocks import Block, Gallery, Part, Section, Table, of_encoders, picture
from visrep.report.results import Evaluation, Row, StudyResults

ELSEWHERE = ("maps",)  # evaluations in another section


def uses(study: StudyResults) -> Section:
    baselines = ", ".join(study.encoders[name] for name in study.baselines)
    blocks: list[Block] = [_at_a_glance(study)]
    for name, evaluation in study.evaluations.items():
        if name not in ELSEWHERE:
            blocks += _evaluation(study, evaluation)
    return Section(
        "uses",
        "Evaluation of the embeddings",
        [
            "All embeddings are frozen and evaluated alike. Baselines, which are not trained: "
            f"{baselines or 'none here'}.",
        ],
        blocks,
    )


def _at_a_glance(study: StudyResults) -> Table:
    columns = results.readings(study)
    rows = [
        (label, *[_cell(rows[place], column.digits) for column, rows in columns])
        for place, label in enumerate(study.encoders.values())
    ]
    caption = "All evaluations at a glance, in percent but for silhouette and NMI; intervals are in the tables below."
    if any(row.runs for _, rows in columns for row in rows):
        caption += " Small print: mean and standard deviation over all runs."
    first = next(iter(study.evaluations.values())).tabulated
    return Table(caption, first.data, ("encoder", *[column.name for column, _ in columns]), rows)


def _cell(row: Row, digits: int) -> Markup:
    spread = row.spread
    again = f"{spread.mean:.{digits}f} ± {spread.sd:.{digits}f}" if spread else ""
    return Markup("{:.{}f}<small>{}</small>").format(row.value, digits, again)


def _evaluation(study: StudyResults, evaluation: Evaluation) -> list[Block]:
    """Its title and text, a table for each column that has a caption, one for the others, and pictures."""
    about = evaluation.tabulated
    before, after = PICTURES.get(evaluation.name, _none)(study, evaluation)
    shown = [column for column in about.columns if column.caption]
    more = [column for column in about.columns if not column.caption]
    return [
        Part(about.title, about.text),
        *before,
        *[
            tables.beside(
                column.caption,
                about.data,
                results.reading(study, evaluation, column),
                digits=column.digits,
                scaled=column.percent,
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
    caption = " ".join(filter(None, (f"{about.more}.", aside)))
    return Table(caption, about.data, ("encoder", *[column.name for column in columns]), rows, folded=about.more)


def _value(column: Column, result: object) -> float:
    number = column.read(result)
    return number.value if isinstance(number, Interval) else number


RUNS = "The same in all runs: how much it depends on the seed."
Pictures = tuple[list[Block], list[Block]]  # what stands before the tables, and what after


def _none(study: StudyResults, evaluation: Evaluation) -> Pictures:
    return [], []


def _probe(study: StudyResults, evaluation: Evaluation) -> Pictures:
    result: probe.Result = next(iter(evaluation.results.values()))
    labelled = data(result.source, result.labelled, "training images with labels, validation images among them")
    caption = "Linear probe and k-NN of all encoders, with chance."
    pictures = [picture(study, "figures_encoders/accuracy", caption, evaluation.tabulated.data)]
    if study.repeated:
        pictures.append(picture(study, "figures_spread/encoders", RUNS, evaluation.tabulated.data))
    return (
        [Gallery(pictures)],
        [
            of_encoders(
                study,
                "probe",
                "selection or training of the linear probe.",
                labelled,
                "Selection or training of the probe, all encoders",
            )
        ],
    )


def _dimensions(study: StudyResults, evaluation: Evaluation) -> Pictures:
    caption = "Accuracy of a linear probe against the number of dimensions, all encoders."
    return [Gallery([picture(study, "figures_encoders/dimensions", caption, evaluation.tabulated.data)])], []


def _retrieval(study: StudyResults, evaluation: Evaluation) -> Pictures:
    on = evaluation.tabulated.data
    return [], [
        of_encoders(study, "hubs", "the images that are most often among the five farthest.", on),
        of_encoders(
            study,
            "neighbors",
            "a query of each class with its five nearest and its five farthest training images; ticks mark its class.",
            on,
            "Queries with their nearest and farthest images, all encoders",
        ),
    ]


def _anomaly(study: StudyResults, evaluation: Evaluation) -> Pictures:
    on = evaluation.tabulated.data
    result: anomaly.Result = next(iter(evaluation.results.values()))
    kinds = " and ".join(anomaly.words(one.set) for one in result.anomalous)
    roc = picture(study, "roc/roc", f"ROC curves: detected anomalies against false alarms, for {kinds}.", on)
    strangest = of_encoders(study, "most_anomalous", "the test images with the highest anomaly scores.", on)
    return [], [*_scorings(study, evaluation), Gallery([roc, *strangest.pictures])]


def _scorings(study: StudyResults, evaluation: Evaluation) -> list[Block]:
    """All anomaly scores side by side, and AUROC by class."""
    results = dict(zip(study.encoders.values(), evaluation.results.values(), strict=True))
    first: anomaly.Result = next(iter(results.values()))
    sets = [one.set for one in first.anomalous]
    ways = dict.fromkeys(scored.way for result in results.values() for scored in result.scores)
    rows = [(label, *(_areas(result, way, sets) for way in ways)) for label, result in results.items()]
    named = ", ".join(map(anomaly.words, sets))
    blocks: list[Block] = [
        Table(
            f"All anomaly scores, encoder by encoder: AUROC in percent of {named}, one below the other. In bold the "
            "score of the tables above.",
            evaluation.tabulated.data,
            ("encoder", *ways),
            rows,
        )
    ]
    for name in sets:
        by_class = {label: [one for one in result.by_class if one.set == name] for label, result in results.items()}
        heads = [f"{one.label} ({one.n:,})" for one in by_class[next(iter(by_class))]]
        caption = (
            f"{anomaly.words(name).capitalize()} by class: AUROC in percent of each class (n) against all normal "
            "images."
        )
        cells = [(label, *(f"{one.auroc:.1f}" for one in row)) for label, row in by_class.items()]
        blocks.append(
            Table(caption, evaluation.tabulated.data, ("encoder", *heads), cells, folded=caption.split(":")[0])
        )
    heads = [f"{alarm.label} ({alarm.n:,})" for alarm in first.alarms]
    caption = (
        f"False alarms by class: percent of each normal class (n), where {anomaly.ALARMS:g} % of all are false alarms."
    )
    cells = [(label, *(f"{alarm.percent:.1f}" for alarm in result.alarms)) for label, result in results.items()]
    blocks.append(Table(caption, evaluation.tabulated.data, ("encoder", *heads), cells, folded=caption.split(":")[0]))
    return blocks


def _areas(result: anomaly.Result, way: str, sets: Sequence[str]) -> Markup:
    aurocs = {scored.anomalies: scored.auroc for scored in result.scores if scored.way == way}
    text = Markup("<br>").join(f"{aurocs[name]:.1f}" for name in sets if name in aurocs)
    return Markup("<b>{}</b>").format(text) if way == result.way else text


def _clustering(study: StudyResults, evaluation: Evaluation) -> Pictures:
    caption = "Clusters of all encoders: how tight they are, and how well they match classes and colors."
    mapped = study.evaluations["maps"].tabulated.data
    return (
        [Gallery([picture(study, "figures_encoders/clusters", caption, evaluation.tabulated.data)])],
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
    return f"Reported for VICReg's probe, from the first to the last of 30 epochs (report 3): {', '.join(ends)}."


# Pictures and quotes that only some evaluations have.
PICTURES: dict[str, Callable[[StudyResults, Evaluation], Pictures]] = {
    "probe": _probe,
    "dimensions": _dimensions,
    "retrieval": _retrieval,
    "anomaly": _anomaly,
    "clustering": _clustering,
}
REPORTED: dict[str, Callable[[StudyResults], str]] = {"probe": _reported_probe}
