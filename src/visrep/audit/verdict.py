"""Results from the stored predictions of an audit and of a sweep: accuracies, smallest radii, and the gates.

N images of the audit, K classes; accuracies in percent.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from visrep.audit import gates
from visrep.audit.audit import Audited
from visrep.audit.gates import Evidence
from visrep.audit.results import BLACK_BOX, NAMES, Audit, Gate, Line, Signs, Smallest, Worst
from visrep.data.pixels import LEVELS
from visrep.data.store import ImageSet
from visrep.digits.results import Attacked
from visrep.digits.swept import CLEAN, FGSM, Swept, column, key
from visrep.digits.table import FAR
from visrep.measures import statistics
from visrep.records import Interval
from visrep.settings.audit import Audit as Settings
from visrep.settings.digits import FgsmSweep

PGD = "pgd"
UNINFORMED = ("noise", "transfer_fgsm", "transfer_pgd")  # attacks of the sweep that take no gradient of the classifier


def result(
    audited: Audited,
    swept: Swept,
    digits: ImageSet,
    settings: Settings,
    sweep: FgsmSweep,
    signs_n: int,
    signs: Signs,
    lines: tuple[Line, ...],
) -> Audit:
    """``swept`` holds answers to all test images: what fooled the classifier there counts here, too. ``signs`` and
    ``lines`` are of so many images as ``signs_n`` says."""
    labels, gate = digits.test.labels[audited.images], sweep.gate_epsilon
    smallest = _smallest(audited, swept, labels)

    def left(epsilon: float) -> Interval:
        return statistics.accuracy(smallest > np.float32(epsilon), np.ones(len(labels), bool))

    attacked = tuple(
        Attacked(
            name, NAMES[name], epsilon, statistics.accuracy(audited.predictions[column(name, epsilon)], labels), True
        )
        for epsilon in settings.epsilons
        for name in NAMES
        if column(name, epsilon) in audited.predictions
    )
    clean = statistics.accuracy(audited.predictions[CLEAN], labels)
    metrics: dict[str, Interval | float] = {CLEAN: clean}
    metrics |= {row.attack: row.accuracy for row in attacked if row.epsilon == gate}
    metrics |= {"worst" if e == gate else key("worst", e): left(e) for e in settings.epsilons}
    metrics |= {"median_radius": _median(smallest), "n": len(labels)}
    at_gate = {row.attack: row.accuracy.value for row in attacked if row.epsilon == gate}
    evidence = _evidence(audited, swept, digits.test.labels, gate, at_gate, left(gate).value)
    return Audit(
        metrics=metrics,
        n=len(labels),
        source=digits.source,
        steps=settings.steps,
        clean=clean,
        fgsm=statistics.accuracy(swept.under(FGSM, gate)[audited.images], labels),
        pgd=statistics.accuracy(swept.under(PGD, gate)[audited.images], labels),
        attacks=attacked,
        worst=tuple(Worst(epsilon, left(epsilon)) for epsilon in settings.epsilons),
        curve=tuple(Worst(epsilon, left(epsilon)) for epsilon in sweep.epsilons),
        smallest=_by_class(smallest, labels, digits.classes),
        gate_epsilon=gate,
        gates=gates.verdicts(evidence, signs),
        signs_n=signs_n,
        signs=signs,
        lines=lines,
    )


def _smallest(audited: Audited, swept: Swept, labels: np.ndarray) -> np.ndarray:
    """(N,) the smallest radius at which any attack, of the audit or of the sweep, fooled the classifier."""
    smallest = audited.smallest
    for name, predicted in swept.predictions.items():
        if name != CLEAN:
            radius = np.float32(name.split()[-1])
            wrong = predicted[audited.images] != labels
            smallest = np.where(wrong & (radius < smallest), radius, smallest)
    return smallest


def _evidence(
    audited: Audited,
    swept: Swept,
    labels: np.ndarray,
    gate: float,
    at_gate: Mapping[str, float],
    worst: float,
) -> Evidence:
    """Accuracies are those on the images of the audit, but for `far` and `chance`, which are compared with each
    other."""
    images = audited.images
    own = labels[images]

    def accuracy(predicted: np.ndarray) -> float:
        return statistics.accuracy(predicted, own).value

    informed = [swept.under(attack, gate)[images] for attack in (FGSM, PGD)]
    informed += [audited.predictions[column(attack, gate)] for attack in ("apgd_ce", "apgd_t")]
    stands = np.logical_and.reduce([predicted == own for predicted in informed])
    others = {name: swept.under(name, gate)[images] for name in UNINFORMED if swept.holds(name, gate)}
    others |= {
        name: audited.predictions[column(name, gate)] for name in BLACK_BOX if column(name, gate) in audited.predictions
    }
    fooled = np.logical_or.reduce([predicted != own for predicted in others.values()])
    every = [name for name in swept.predictions if name != CLEAN and not name.startswith("noise")]
    return Evidence(
        clean=accuracy(audited.predictions[CLEAN]),
        chance=statistics.chance(labels),
        noise=accuracy(others["noise"]),
        fgsm=accuracy(informed[0]),
        pgd=accuracy(informed[1]),
        weakest=max(accuracy(swept.predictions[name][images]) for name in every),
        far=statistics.accuracy(swept.under(PGD, FAR), labels).value,
        apgd_ce=at_gate["apgd_ce"],
        apgd_t=at_gate["apgd_t"],
        worst=worst,
        only_black_box=100 * float((stands & fooled).mean()),
        black_boxes=tuple(others),
    )


def gate_metrics(verdicts: Sequence[Gate]) -> dict[str, float]:
    """1 for each gate that passed, 0 for each that failed."""
    return {gate.name: float(gate.passed) for gate in verdicts}


def curves(classifier: str, audit: Audit) -> list[dict[str, object]]:
    """What the audit of a ``classifier`` left at each radius, with its interval; every curve starts at the clean
    accuracy."""
    points = [Worst(0.0, audit.clean), *audit.curve]
    return [
        {
            "classifier": classifier,
            "attack": "audit (strongest)",
            "epsilon": one.epsilon,
            "epsilon_255": one.epsilon * LEVELS,
            "accuracy": one.accuracy.value,
            "low": one.accuracy.low,
            "high": one.accuracy.high,
        }
        for one in points
    ]


def _by_class(smallest: np.ndarray, labels: np.ndarray, classes: Sequence[str]) -> tuple[Smallest, ...]:
    """Of the classes that have an image."""
    own = {k: smallest[labels == k] for k in np.unique(labels)}
    return tuple(Smallest(classes[k], len(radii), _median(radii)) for k, radii in own.items())


def _median(radii: np.ndarray) -> float:
    """At most FAR, where nothing can be told apart, for images that no attack fooled."""
    return float(np.median(np.minimum(radii, FAR)))
