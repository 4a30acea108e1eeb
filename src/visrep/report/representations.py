"""What the page says of representations without labels: how they came about."""

from collections.abc import Mapping

from visrep.records import data
from visrep.report import results, tables
from visrep.report.blocks import Block, Gallery, Part, Section, Table, of_encoders, picture
from visrep.report.results import StudyResults
from visrep.representations import neighborhood

RANK = "effective rank"


def learning(study: StudyResults) -> Section:
    blocks = list(_learned(study))
    if maps := study.evaluations.get("maps"):
        about = maps.tabulated
        blocks += [
            Part(about.title, about.text),
            *[
                tables.beside(column.caption, about.data, results.reading(study, maps, column), digits=column.digits)
                for column in about.columns
            ],
            of_encoders(study, "map", "test images by PCA and by t-SNE.", about.data),
        ]
    return Section(
        "representations",
        "Representations without labels",
        [
            "VICReg learns from views: two random versions of an image should have one embedding (invariance), while "
            "each dimension varies over the images (variance) and none repeats another (covariance). Without the "
            "variance term a network may answer alike to everything: it collapses. SimCLR learns from the same views "
            "by telling them apart from all other images of a batch.",
            "Two other ways are tried beside them: nearest images in place of views, and coordinates from a graph of "
            "look-alikes, without any network.",
        ],
        blocks,
    )


def _learned(study: StudyResults) -> list[Block]:
    """What the trainings said of themselves."""
    first = study.trainings["vicreg"]
    on = data(first.source, first.n, f"training images; {first.monitored:,} of the test images are monitored")
    of_test = data(first.source, first.monitored, "test images")
    names = {place: place.rpartition("/")[2] for place in study.trainings}
    labels = {place: study.encoders.get(name, name) for place, name in names.items()}
    captions = {
        "collapse": (
            "How many directions an embedding uses, and how far it spreads, by epoch. A collapse to few directions "
            "shows in the first. Without the variance term the projections, of which the loss is made, shrink to a "
            "point; the embedding before them keeps a direction or two, and may spread along these.",
            of_test,
        ),
        "spectra": ("The variance of each embedding along its principal axes: a collapsed one has few.", of_test),
    }
    for place in ("vicreg", *(place for place in names if place.startswith("methods/"))):
        captions[f"{names[place]}_steps"] = (f"{labels[place]}: its loss, batch by batch.", on)
    each = {names[place]: f"{label}: what its loss is made of, {RANK} and spread." for place, label in labels.items()}
    near = study.record("neighbors", neighborhood.Result)
    methods = dict.fromkeys(training.method for training in study.trainings.values())
    return [
        *(_table(study, method, labels, of_test) for method in methods),
        _neighbors(near, study.encoders[near.of]),
        Gallery([picture(study, f"figures_training/{name}", caption, of) for name, (caption, of) in captions.items()]),
        Gallery(
            [picture(study, f"figures_training/{name}", caption, on) for name, caption in each.items()],
            "How each network learned",
        ),
    ]


def _neighbors(near: neighborhood.Result, of: str) -> Table:
    """Whom neighbors as positives bring together."""
    metrics = near.metrics
    caption = (
        f"Neighbors as positives: how many percent of the {near.k} nearest training images share the class, in the "
        f"embedding of {of}. Of all, {metrics.same_class:.1f} % do; by chance, {metrics.same_class_by_chance:.1f} %."
    )
    rows = [
        (f"{one.label} ({one.n:,})", f"{one.same:.1f}", f"{one.other} ({one.other_percent:.1f})")
        for one in near.classes
    ]
    head = ("class (images)", "of the same class, %", "most often of another (%)")
    return Table(caption, data(near.source, near.n, "training images"), head, rows, folded="Neighbors as positives")


def _table(study: StudyResults, method: str, labels: Mapping[str, str], of_test: str) -> Table:
    """All trainings of one method."""
    own = {place: training for place, training in study.trainings.items() if training.method == method}
    first = next(iter(own.values()))
    columns = first.reporting.columns
    caption = (
        f"{first.reporting.table} The {RANK} is how many of the {len(first.axes)} directions of the embedding share "
        "its variance. All are measured on random views, also where neighbors stood for views in training."
    )
    reported = {column.key: column for column in columns if any(study.quotes(place, column.key) for place in own)}
    head = ["network", *(column.name for column in columns), RANK, *(f"reported {c.name}" for c in reported.values())]
    rows = [
        (
            labels[place],
            *(f"{training.metrics[column.key]:.3g}" for column in columns),
            f"{training.effective_rank:.3g}",
            *(" / ".join(f"{quote.value:g}" for quote in study.quotes(place, key)) or "-" for key in reported),
        )
        for place, training in own.items()
    ]
    return Table(caption, of_test, head, rows)
