"""When to distrust an attack: each gate compares numbers that an honest evaluation must order in one way.

Accuracies in percent. A gate passes within one point, so that a handful of images cannot fire it.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

POINT = 1.0
FAR = 1.0  # a radius that turns mid-grey into black or white: nothing can stand there
MASKED_POINTS = 15.0  # FGSM this far above PGD: masking, or one step is too weak; either way no robust accuracy
CALLED = {"fgsm": "FGSM", "pgd": "PGD", "transfer_fgsm": "transferred FGSM"}
BROKEN_PGD, BROKEN_FGSM = 5.0, 30.0  # PGD below the one and FGSM above the other: catastrophic overfitting


class Gate(NamedTuple):
    """``says`` tells the numbers and what should hold between them."""

    name: str
    passed: bool
    says: str


def masking_suspected(fgsm: float, pgd: float, chance: float) -> bool:
    """FGSM accuracy exceeds PGD's by more than 15 points, or by more than half of itself where it is above chance."""
    return fgsm - pgd > MASKED_POINTS or (fgsm > chance and fgsm - pgd > fgsm / 2)


def judge(found: Mapping[str, float], epsilon: float, chance: float) -> list[Gate]:
    """The verdict of every gate at radius ``epsilon``. ``found`` maps "clean" and "<attack> <radius>" to accuracy."""
    return list(_judge(found, f"{epsilon:g}", chance))


def _judge(found: Mapping[str, float], at: str, chance: float) -> Iterator[Gate]:
    clean, fgsm, pgd = found["clean"], found[f"fgsm {at}"], found[f"pgd {at}"]
    more, noise = found[f"pgd_more_steps {at}"], found[f"noise {at}"]
    attacked = {name: value for name, value in found.items() if name.split()[0] in CALLED}
    weakest = max(attacked, key=lambda name: attacked[name])
    yield Gate(
        "order",
        pgd <= fgsm + POINT <= clean + 2 * POINT,
        f"PGD {pgd:.1f}, FGSM {fgsm:.1f}, clean {clean:.1f}; should rise in this order",
    )
    yield Gate(
        "no_masking",
        not masking_suspected(fgsm, pgd, chance),
        f"FGSM {fgsm:.1f}, PGD {pgd:.1f}; the gap should be at most {MASKED_POINTS:g} and at most half of FGSM",
    )
    yield Gate(
        "no_catastrophic_overfitting",
        not (pgd < BROKEN_PGD and fgsm > BROKEN_FGSM),
        f"PGD {pgd:.1f}, FGSM {fgsm:.1f}; PGD should not be below {BROKEN_PGD:g} with FGSM above {BROKEN_FGSM:g}",
    )
    yield Gate(
        "no_label_leaking",
        attacked[weakest] <= clean + POINT,
        f"{_called(weakest)}: {attacked[weakest]:.1f}, clean: {clean:.1f}; no attack should help",
    )
    if f"transfer_pgd {at}" in found:
        transfer = min(found[f"transfer_pgd {at}"], found[f"transfer_fgsm {at}"])
        yield Gate(
            "transfer_is_weaker",
            pgd <= transfer + POINT,
            f"PGD {pgd:.1f}, transferred {transfer:.1f}; PGD should be lower",
        )
    yield Gate(
        "noise_hurts_least",
        noise + POINT >= max(fgsm, pgd),
        f"noise {noise:.1f}, FGSM {fgsm:.1f}, PGD {pgd:.1f}; noise should be highest",
    )
    far = found[f"pgd {FAR:g}"]
    yield Gate(
        "far_falls_to_chance",
        far <= chance + POINT,
        f"PGD at ε {FAR:g}: {far:.1f}, chance: {chance:.1f}; should be no higher",
    )
    yield Gate(
        "steps_suffice",
        abs(pgd - more) <= POINT,
        f"PGD {pgd:.1f}, with more steps {more:.1f}; should agree within {POINT:g}",
    )


def _called(attack: str) -> str:
    """ "fgsm 0.1" as people call it."""
    name, radius = attack.split()
    return f"{CALLED[name]} at ε {radius}"
