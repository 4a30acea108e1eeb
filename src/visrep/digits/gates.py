"""When to distrust an attack: each gate compares numbers that an honest evaluation must order in one way.

Accuracies in percent. A gate passes within one point, so that a handful of images cannot fire it.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from visrep.digits.results import Gate
from visrep.digits.table import FAR, Kind

POINT = 1.0
MASKED_POINTS = 15.0  # FGSM this far above PGD: masking, or one step is too weak; either way no robust accuracy
BROKEN_PGD, BROKEN_FGSM = 5.0, 30.0  # PGD below the one and FGSM above the other: catastrophic overfitting


@dataclass(frozen=True)
class Measured:
    """The ``accuracy`` under an attack of some kind, as tables call it, at radius ``epsilon``."""

    kind: Kind
    name: str
    epsilon: float
    accuracy: float


def masking_suspected(fgsm: float, pgd: float, chance: float) -> bool:
    """FGSM accuracy exceeds PGD's by more than 15 points, or by more than half of itself where it is above chance."""
    return fgsm - pgd > MASKED_POINTS or (fgsm > chance and fgsm - pgd > fgsm / 2)


def judge(clean: float, attacked: Sequence[Measured], epsilon: float, chance: float) -> list[Gate]:
    """The verdict of every gate at radius ``epsilon``. Where attacks of a kind are several, the strongest counts."""
    return list(_judge(clean, attacked, epsilon, chance))


def _judge(clean: float, attacked: Sequence[Measured], epsilon: float, chance: float) -> Iterator[Gate]:
    at_epsilon = [one for one in attacked if one.epsilon == epsilon]
    step, iterated, noise, longer = (
        _strongest(at_epsilon, kind) for kind in (Kind.STEP, Kind.ITERATED, Kind.NOISE, Kind.LONGER)
    )
    assert step and iterated and noise and longer, "a sweep runs these at the radius of the gates"
    fgsm, pgd, name = step.accuracy, iterated.accuracy, iterated.name
    yield Gate(
        "order",
        pgd <= fgsm + POINT <= clean + 2 * POINT,
        f"{name} {pgd:.1f}, {step.name} {fgsm:.1f}, clean {clean:.1f}; should rise in this order",
    )
    yield Gate(
        "no_masking",
        not masking_suspected(fgsm, pgd, chance),
        f"{step.name} {fgsm:.1f}, {name} {pgd:.1f}; the gap should be at most {MASKED_POINTS:g} and at most half of "
        f"{step.name}",
    )
    yield Gate(
        "no_catastrophic_overfitting",
        not (pgd < BROKEN_PGD and fgsm > BROKEN_FGSM),
        f"{name} {pgd:.1f}, {step.name} {fgsm:.1f}; {name} should not be below {BROKEN_PGD:g} with {step.name} above "
        f"{BROKEN_FGSM:g}",
    )
    weakest = max((one for one in attacked if one.kind != Kind.NOISE), key=lambda one: one.accuracy)
    yield Gate(
        "no_label_leaking",
        weakest.accuracy <= clean + POINT,
        f"{weakest.name} at ε {weakest.epsilon:g}: {weakest.accuracy:.1f}, clean: {clean:.1f}; no attack should help",
    )
    if transfer := _strongest(at_epsilon, Kind.TRANSFER):
        yield Gate(
            "transfer_is_weaker",
            pgd <= transfer.accuracy + POINT,
            f"{name} {pgd:.1f}, transferred {transfer.accuracy:.1f}; {name} should be lower",
        )
    yield Gate(
        "noise_hurts_least",
        noise.accuracy + POINT >= max(fgsm, pgd),
        f"noise {noise.accuracy:.1f}, {step.name} {fgsm:.1f}, {name} {pgd:.1f}; noise should be highest",
    )
    far = _strongest([one for one in attacked if one.epsilon == FAR], Kind.ITERATED)
    assert far, "a sweep runs an iterated attack far away"
    yield Gate(
        "far_falls_to_chance",
        far.accuracy <= chance + POINT,
        f"{far.name} at ε {FAR:g}: {far.accuracy:.1f}, chance: {chance:.1f}; should be no higher",
    )
    yield Gate(
        "steps_suffice",
        abs(pgd - longer.accuracy) <= POINT,
        f"{name} {pgd:.1f}, with more steps {longer.accuracy:.1f}; should agree within {POINT:g}",
    )


def _strongest(attacked: Sequence[Measured], kind: Kind) -> Measured | None:
    return min((one for one in attacked if one.kind == kind), key=lambda one: one.accuracy, default=None)
