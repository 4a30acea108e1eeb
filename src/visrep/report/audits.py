"""The page on robustness: the audit of each classifier, and its gates."""

from collections.abc import Sequence

from markupsafe import Markup

from visrep.audit.results import NAMES, Audit, Gate
from visrep.digits.results import CLASSIFIERS
from visrep.records import Interval, data
from visrep.report.blocks import Block, Gallery, Part, Picture, Table, picture
from visrep.report.results import StudyResults

PASSED = {True: "✓", False: Markup("<b>✗</b>")}
CLAIM, COST = (
    30.0,
    2.0,
)  # points that a broken defence claims above the audit at least, and loses in clean accuracy at most


def audit(study: StudyResults) -> list[Block]:
    """For the section on attacks."""
    first = study.audits["cnn"]
    on = data(first.source, first.n, "test images")
    text = (
        "FGSM and PGD use one loss and fixed steps, so accuracy under them is an upper bound. The audit attacks "
        f"{first.n:,} test images with the strongest attacks known for this: APGD, which adapts its steps, on cross "
        f"entropy and then towards each wrong class on a loss of margins ({first.steps} steps each); where "
        "params.yaml asks for it, Square, which needs no gradient; and FMN, which searches for the nearest wrong "
        "image. An image counts as right only if it is right after all of them and after those of the sweep. Only "
        "this is called robust accuracy, and only where no gate fails."
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
    caption = (
        f"Each classifier at ε {study.audits['cnn'].gate_epsilon:g}, in percent of the test images: claimed accuracy, "
        "and robust accuracy."
    )
    if len(study.audits) > len(CLASSIFIERS):
        caption += (
            f" In italics: broken defences, where accuracy under FGSM or PGD is {CLAIM:g} points above the audit, at "
            f"a clean accuracy within {COST:g} points of the undefended classifier."
        )
    head = ("classifier", "clean", "FGSM", "PGD", "robust", "failed gates", "broken by")
    return Table(caption, on, head, rows, words=(5, 6))


def _sure(left: Interval) -> Markup:
    return Markup("<b>{:.1f}</b><small>{:.1f} to {:.1f}</small>").format(left.value, left.low, left.high)


def counts(audited: Audit, undefended: Audit) -> bool:
    """Whether a defence claims far more than the audit leaves, at little cost in clean accuracy."""
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
        (name.replace("_", " "), *[Markup("{} {}").format(PASSED[g.passed], g.message) for g in gates.values()])
        for name, gates in by_name.items()
    ]
    caption = (
        "Gates: comparisons that must hold before accuracy under attack is believed. Where one fails, the gradient is "
        "masked or an attack too weak."
    )
    head = ("gate", *study.classifiers.values())
    return Table(caption, on, head, rows, words=range(1, len(head)))


def _around(study: StudyResults, name: str, on: str) -> Picture:
    caption = (
        f"{study.classifiers[name].capitalize()}: the loss around the images, along two attacks and in a random "
        "direction. Without masking it rises along the gradient; where it stays flat there, or rises as fast at "
        "random, the gradient is masked."
    )
    return picture(study, f"figures_audit/{name}", caption, on)


def _attacks(study: StudyResults, on: str) -> Table:
    """What was left by each attack and those before it."""
    rows = []
    for epsilon in sorted({row.epsilon for audited in study.audits.values() for row in audited.attacks}):
        for key, name in NAMES.items():
            by_model = [_at(audited, key, epsilon) for audited in study.audits.values()]
            if any(by_model):
                rows.append((f"{name}, ε {epsilon:g}", *[f"{one.value:.1f}" if one else "-" for one in by_model]))
    caption = "The attacks of the audit in their order: accuracy after each and those before it, in percent."
    return Table(
        caption, on, ("attack", *study.classifiers.values()), rows, folded=("All attacks of the audit in numbers")
    )


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
    caption = (
        "The smallest ε that fools the classifier, the median over the images of each class; 0 for images that are "
        "wrong when clean."
    )
    head = ("class", "images", *[study.classifiers[name] for name in CLASSIFIERS])
    return Table(caption, on, head, rows, folded="Smallest radius, class by class")
