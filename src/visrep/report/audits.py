"""What the page says of robustness: what the strongest attacks left of each classifier, and whether to believe it."""

from collections.abc import Sequence

from markupsafe import Markup

from visrep.audit.results import NAMES, Audit, Gate
from visrep.digits.results import CLASSIFIERS
from visrep.records import Interval, data
from visrep.report.blocks import Block, Gallery, Part, Picture, Table, picture
from visrep.report.results import StudyResults

PASSED = {True: "✓", False: Markup("<b>✗</b>")}
CLAIM, COST = 30.0, 2.0  # points claimed above what is left, and lost in clean accuracy, by what only looks robust


def audit(study: StudyResults) -> list[Block]:
    """For the section of attacks."""
    first = study.audits["cnn"]
    on = data(first.source, first.n, "test images")
    text = (
        "FGSM and PGD follow one loss with fixed steps, so what they leave right is an upper bound. The audit attacks "
        f"{first.n:,} test images with the strongest attacks known for this: APGD, which adapts its steps, on cross "
        f"entropy and then towards each wrong class on a loss of margins ({first.steps} steps each); where params.yaml "
        "asks for it, Square, which needs no gradient; and FMN, which seeks the nearest wrong image. An image counts "
        "as right only if it is right after all of them and after those of the sweep. Only this is called robust "
        "accuracy, and only where no gate fails."
    )
    return [
        Part("Audit", text),
        _left(study, on),
        _gates(study, on),
        Gallery([_around(study, name, on) for name in study.classifiers]),
        _attacks(study, on),
        _smallest(study, on),
    ]


def _left(study: StudyResults, on: str) -> Table:
    rows: list[tuple[str | Markup, ...]] = []
    for name, label in study.classifiers.items():
        audited = study.audits[name]
        left = audited.left(audited.gate_epsilon)
        failed = ", ".join(gate.name.replace("_", " ") for gate in audited.failed())
        numbers = [f"{number.value:.1f}" for number in (audited.clean, audited.fgsm, audited.pgd)]
        named = Markup("<i>{}</i>").format(label) if counts(audited, study.audits["cnn"]) else label
        rows.append((named, *numbers, _sure(left), failed or "none", _breaker(audited)))
    says = (
        f"Each classifier at ε {study.audits['cnn'].gate_epsilon:g}, in percent of the test images: what it claims, "
        "and what is left."
    )
    if len(study.audits) > len(CLASSIFIERS):
        says += (
            f" A defence only looks like one where FGSM or PGD leave {CLAIM:g} points more than the audit, at a clean "
            f"accuracy within {COST:g} points of the undefended classifier; such are in italics."
        )
    head = ("classifier", "clean", "FGSM", "PGD", "robust", "gates that fail", "broken by")
    return Table(says, on, head, rows, words=(5, 6))


def _sure(left: Interval) -> Markup:
    return Markup("<b>{:.1f}</b><small>{:.1f} to {:.1f}</small>").format(left.value, left.low, left.high)


def counts(audited: Audit, undefended: Audit) -> bool:
    """Whether a defence that only looks like one is a fair exhibit."""
    claim = max(audited.fgsm.value, audited.pgd.value)
    fair = undefended.clean.value - audited.clean.value <= COST
    return fair and claim - audited.left(audited.gate_epsilon).value >= CLAIM


def _breaker(audited: Audit) -> str:
    """The attack that takes most from what PGD left, where any takes more than a few points."""
    before, name, most = audited.pgd.value, "-", 5.0
    for row in audited.attacks:
        if row.epsilon == audited.gate_epsilon:
            name, most = (row.name, before - row.accuracy.value) if before - row.accuracy.value > most else (name, most)
            before = min(before, row.accuracy.value)
    return name


def _gates(study: StudyResults, on: str) -> Table:
    """Of all classifiers, side by side."""
    by_name: dict[str, dict[str, Gate]] = {}
    for model, audited in study.audits.items():
        for gate in audited.gates:
            by_name.setdefault(gate.name, {})[model] = gate
    rows = [
        (name.replace("_", " "), *[Markup("{} {}").format(PASSED[g.passed], g.says) for g in gates.values()])
        for name, gates in by_name.items()
    ]
    says = (
        "Gates: comparisons that hold wherever attacks measure what they claim to. Where one fails, attacks along the "
        "gradient were misled, and what they left right must not be believed."
    )
    head = ("gate", *study.classifiers.values())
    return Table(says, on, head, rows, words=range(1, len(head)))


def _around(study: StudyResults, name: str, on: str) -> Picture:
    says = (
        f"{study.classifiers[name].capitalize()}: the loss on the way from the images along two attacks and at random. "
        "An honest network's loss rises along its gradient; where it stays flat there, or rises as fast at random, the "
        "gradient says nothing."
    )
    return picture(study, f"figures_audit/{name}", says, on)


def _attacks(study: StudyResults, on: str) -> Table:
    """What was left by each attack and those before it."""
    rows = []
    for epsilon in sorted({row.epsilon for audited in study.audits.values() for row in audited.attacks}):
        for key, name in NAMES.items():
            by_model = [_at(audited, key, epsilon) for audited in study.audits.values()]
            if any(by_model):
                rows.append((f"{name}, ε {epsilon:g}", *[f"{one.value:.1f}" if one else "-" for one in by_model]))
    says = "The attacks of the audit in their order, in percent: what each and those before it left right."
    return Table(says, on, ("attack", *study.classifiers.values()), rows, folded="Every attack of the audit in numbers")


def _at(audited: Audit, attack: str, epsilon: float) -> Interval | None:
    return next((row.accuracy for row in audited.attacks if (row.attack, row.epsilon) == (attack, epsilon)), None)


def _smallest(study: StudyResults, on: str) -> Table:
    """The median smallest radius, class by class."""
    two = {name: {one.label: one for one in study.audits[name].smallest} for name in CLASSIFIERS}
    labels: Sequence[str] = [one.label for one in study.audits["cnn"].smallest]
    rows = [
        (label, f"{two['cnn'][label].n}", *[f"{by_class[label].radius:.3f}" for by_class in two.values()])
        for label in labels
    ]
    says = (
        "The smallest ε that fools the classifier, the median over the images of each class; 0 for images that are "
        "wrong as they are."
    )
    head = ("class", "images", *[study.classifiers[name] for name in CLASSIFIERS])
    return Table(says, on, head, rows, folded="Smallest radius, class by class")
