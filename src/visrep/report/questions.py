"""What the reports left open, answered over all runs of the trainings: one line each, with what the answer rests on."""

from collections.abc import Iterator, Mapping

import numpy as np

from visrep.digits.results import CLASSIFIERS, ByClass
from visrep.evaluations.uniformity import Result as Uniformity
from visrep.measures import agreement, statistics
from visrep.measures.agreement import Agreement
from visrep.records import Interval, data
from visrep.replicates.results import Runs
from visrep.report.blocks import Section, Table
from visrep.report.results import StudyResults

VIEWS, NEIGHBORS = "vicreg", "no_generated_neighbors"
HANDWRITTEN = "handwritten"  # the set of anomalies that the reports look for
SURE = 0.05  # an agreement less probable than that by chance is taken as one
EXPLAIN = {
    "frequency": "their share of the training images",
    "contrast": "their contrast",
    "contour": "how much stroke they have (mean difference of adjacent pixels at equal contrast)",
}
YES, NO, UNKNOWN = "yes", "no", "not known"

Answer = tuple[str, str, str]  # question, answer, what it rests on


def questions(study: StudyResults) -> Section:
    first: Uniformity = next(iter(study.evaluations["uniformity"].results.values()))
    sweep = study.sweeps["cnn"]
    on = data(first.source, study.trainings["vicreg"].n, "training images of objects")
    digits = data(sweep.source, sweep.n, "test images of digits").replace("Data: ", "")
    rows = [*_of_neighbors(study), *_of_digits(study)]
    caption = (
        "Differences are those of runs with the same seed, with a 95 % interval by Student's t; agreements of ranks "
        f"count where they are less than {100 * SURE:g} % probable by chance. Where the interval holds 0, where ranks "
        "agree no better than that, or where each training ran once, the answer is not known."
    )
    return Section(
        "questions",
        "What the reports left open",
        ["Questions that the five reports asked, or answered from one run."],
        [Table(caption, f"{on} {digits}", ("question", "answer", "measured here"), rows, words=(1, 2))],
    )


def _runs(study: StudyResults, evaluation: str, encoder: str, key: str) -> Runs:
    column = next(c for c in study.evaluations[evaluation].tabulated.columns if c.key == key)
    number = column.read(study.evaluations[evaluation].results[encoder])
    value = number.value if isinstance(number, Interval) else number
    return study.replicates.runs(f"{evaluation}/{encoder}", key, value)


def _of_neighbors(study: StudyResults) -> Iterator[Answer]:
    """VICReg on neighbors against VICReg on views."""
    if VIEWS not in study.encoders or NEIGHBORS not in study.encoders:
        return

    def more(evaluation: str, key: str) -> tuple[Interval | None, str]:
        """How much greater a number is on neighbors, and in words."""
        views, neighbors = (_runs(study, evaluation, name, key) for name in (VIEWS, NEIGHBORS))
        difference = statistics.paired(views, neighbors)
        name = next(c.name for c in study.evaluations[evaluation].tabulated.columns if c.key == key)
        return difference, f"{name} {_means(views)} on views, {_means(neighbors)} on neighbors{_by(difference)}"

    if HANDWRITTEN in study.parameters["anomaly"]["sets"]:
        area, areas = more("anomaly", f"auroc_{HANDWRITTEN}")
        yield "Do neighbors in place of views find handwritten digits better?", _greater(area), areas
    neat, neatly = more("clustering", "silhouette")
    _, classes = more("clustering", "nmi")
    probe, read = more("probe", "linear_accuracy")
    yield (
        "Do they cluster more neatly while separating classes less (silhouette, linear probe)?",
        _all(_greater(neat), _greater(_negative(probe))),
        f"{neatly}; {read}; {classes}",
    )
    far, distances = more("uniformity", "neighbor_distance")
    fill, dimensions = more("uniformity", "intrinsic_dimension")
    yield (
        "Is their embedding denser (nearer neighbors, fewer dimensions)?",
        _all(_greater(_negative(far)), _greater(_negative(fill))),
        f"{distances}; {dimensions}",
    )
    if HANDWRITTEN in study.parameters["anomaly"]["sets"]:
        yield _density_explains(study)


def _density_explains(study: StudyResults) -> Answer:
    """Over all encoders: do denser embeddings find anomalies better?"""
    means = {
        key: [float(np.mean(list(_runs(study, evaluation, name, key).values()))) for name in study.encoders]
        for evaluation, key in (
            ("anomaly", f"auroc_{HANDWRITTEN}"),
            ("uniformity", "neighbor_distance"),
            ("uniformity", "intrinsic_dimension"),
        )
    }
    area, *densities = means.values()
    names = ("distance to the k-th nearest", "intrinsic dimension")
    correlations = [agreement.rank_correlation(density, area) for density in densities]
    listed = "; ".join(f"AUROC against {name}: {_rank(one)}" for name, one in zip(names, correlations, strict=True))
    answer = _all(*(_signed(one, -1, len(correlations)) for one in correlations))
    return "Does density explain the better detector?", answer, f"over {len(area)} encoders, {listed}"


def _of_digits(study: StudyResults) -> Iterator[Answer]:
    """Which digits withstand FGSM, by run and network."""
    records = {model: study.record(f"fgsm_by_class/{model}", ByClass) for model in CLASSIFIERS}
    scores = {model: _scores(study, model, record) for model, record in records.items()}
    epsilon = next(iter(records.values())).epsilon
    across = [agreement.concordance(own) for own in scores.values()]
    yield (
        f"Do the same digits withstand FGSM (ε {epsilon:g}) whatever the seed?",
        _all(*(_surely(one) for one in across)),
        "; ".join(
            f"{name}: Kendall's W {_rank(one)}, {len(own)} runs"
            for name, one, own in zip(CLASSIFIERS.values(), across, scores.values(), strict=True)
        ),
    )
    means = {model: own.mean(0) for model, own in scores.items()}
    between = agreement.rank_correlation(*means.values())
    yield (
        "Do the same digits withstand it in both networks?",
        _signed(between, 1),
        f"rank correlation of their mean accuracies {_rank(between)}, {len(next(iter(means.values())))} classes",
    )
    for attribute, words in EXPLAIN.items():
        correlations = {
            CLASSIFIERS[model]: agreement.rank_correlation(
                means[model], [getattr(one, attribute) for one in records[model].classes]
            )
            for model in CLASSIFIERS
        }
        tests = len(EXPLAIN) * len(correlations)
        yield (
            f"Does it follow {words}?",
            _all(*(_surely(one, tests) for one in correlations.values())),
            "; ".join(f"{name}: rank correlation {_rank(one)}" for name, one in correlations.items())
            + f"; one of {tests} tests",
        )


def _scores(study: StudyResults, model: str, record: ByClass) -> np.ndarray:
    """Accuracies (R, K) of the classes in every run, the main one first."""
    file = f"fgsm_by_class/{model}"
    columns = [study.replicates.runs(file, f"accuracy_{one.label}", one.accuracy) for one in record.classes]
    return np.array([list(column.values()) for column in columns]).T


def _greater(difference: Interval | None) -> str:
    if difference is None or difference.low <= 0 <= difference.high:
        return UNKNOWN
    return YES if difference.low > 0 else NO


def _negative(difference: Interval | None) -> Interval | None:
    return difference and Interval(-difference.value, -difference.high, -difference.low)


def _surely(coefficient: Agreement | None, tests: int = 1) -> str:
    """Whether it differs from 0; of so many tests each must be as much less probable (Bonferroni)."""
    return YES if coefficient is not None and coefficient.p < SURE / tests else UNKNOWN


def _signed(coefficient: Agreement | None, sign: int, tests: int = 1) -> str:
    """Whether it differs from 0 and has that sign."""
    answer = _surely(coefficient, tests)
    return NO if answer == YES and coefficient is not None and sign * coefficient.value < 0 else answer


def _all(*answers: str) -> str:
    if NO in answers:
        return NO
    return UNKNOWN if UNKNOWN in answers else YES


def _means(runs: Mapping[int, float]) -> str:
    mean, sd, n = statistics.spread(list(runs.values()))
    return f"{mean:.3g}" if n == 1 else f"{mean:.3g} ± {sd:.2g} (n = {n})"


def _by(difference: Interval | None) -> str:
    if difference is None:
        return ""
    return f" ({difference.value:+.2g}, {difference.low:+.2g} to {difference.high:+.2g})"


def _rank(coefficient: Agreement | None) -> str:
    return "cannot be computed" if coefficient is None else f"{coefficient.value:.2f} (p = {coefficient.p:.2g})"
