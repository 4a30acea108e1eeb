"""Gates: comparisons that must hold before an accuracy under attack is believed. 1 is good.

Bounds were set on networks of the drawn digits (docs/results.md); benchmarks/gates.py measures others. Accuracies in
percent.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from visrep.audit.results import Gate, Signs
from visrep.digits.table import FAR

POINT = 1.0  # a few images fail no gate
FEW = 20.0  # percent of the images that may show a sign of masking: confident answers alone flatten the loss at some
ONLY_BLACK_BOX = 5.0  # percent of the images that may be fooled without the gradient alone
MARGIN_POINTS = 15.0  # by which a loss of margins may be stronger than cross entropy
PGD_POINTS = 15.0  # by which PGD may be weaker than the audit


@dataclass(frozen=True)
class Evidence:
    """Accuracies at the radius of the gates, ``far`` at FAR and ``weakest`` under whatever attack at whatever radius
    left most; ``apgd_ce``, ``white_box`` and ``worst`` what APGD on cross entropy, all white-box attacks and all
    attacks left. ``only_black_box`` is the percent of the images that only attacks without the gradient fool, of the
    kinds in ``black_boxes``."""

    clean: float
    chance: float
    noise: float
    fgsm: float
    pgd: float
    weakest: float
    far: float
    apgd_ce: float
    apgd_t: float
    worst: float
    only_black_box: float
    black_boxes: tuple[str, ...]


def verdicts(evidence: Evidence, signs: Signs) -> tuple[Gate, ...]:
    """The verdict of every gate."""
    return tuple(_verdicts(evidence, signs))


def _verdicts(evidence: Evidence, signs: Signs) -> Iterator[Gate]:
    yield Gate("same_answer_twice", not signs.random_outputs, "the same images should get the same logits again")
    yield Gate("logits_not_probabilities", not signs.probabilities, "outputs should not have passed a softmax")
    yield Gate("no_optimisation_inside", not signs.optimises, "answers should need no gradients of their own")
    yield _few("gradient_not_zero", signs.zero_gradient, "with a gradient of 0")
    yield _few(
        "gradient_keeps_promise", signs.wild_gradient, "whose gradient promises ten times what a small step gives"
    )
    yield _few("loss_rises_nearby", signs.flat_loss, "whose loss does not rise along their gradient")
    yield _few("no_return_on_the_way", signs.right_again, "wrong within the FGSM step and right again at its end")
    yield Gate(
        "margin_loss_no_stronger",
        evidence.apgd_ce - evidence.apgd_t <= MARGIN_POINTS,
        f"APGD on cross entropy {evidence.apgd_ce:.1f}, then on margins {evidence.apgd_t:.1f}; at most "
        f"{MARGIN_POINTS:g} apart",
    )
    yield Gate(
        "black_box_no_stronger",
        evidence.only_black_box <= ONLY_BLACK_BOX,
        f"{evidence.only_black_box:.1f} % of the images fooled by {', '.join(evidence.black_boxes)} alone; at most "
        f"{ONLY_BLACK_BOX:g}",
    )
    yield Gate(
        "order",
        evidence.worst <= evidence.pgd + POINT
        and evidence.pgd <= evidence.fgsm + POINT
        and evidence.fgsm <= evidence.clean + POINT,
        f"audit {evidence.worst:.1f}, PGD {evidence.pgd:.1f}, FGSM {evidence.fgsm:.1f}, clean {evidence.clean:.1f}; "
        "should rise in this order",
    )
    yield Gate(
        "no_label_leaking",
        evidence.weakest <= evidence.clean + POINT,
        f"the weakest attack {evidence.weakest:.1f}, clean {evidence.clean:.1f}; no attack should help",
    )
    yield Gate(
        "noise_hurts_least",
        evidence.noise + POINT >= evidence.fgsm,
        f"noise {evidence.noise:.1f}, FGSM {evidence.fgsm:.1f}; noise should be higher",
    )
    yield Gate(
        "far_falls_to_chance",
        evidence.far <= evidence.chance + POINT,
        f"PGD at ε {FAR:g} {evidence.far:.1f}, chance {evidence.chance:.1f}; should be no higher",
    )
    yield Gate(
        "pgd_near_audit",
        evidence.pgd - evidence.worst <= PGD_POINTS,
        f"PGD {evidence.pgd:.1f}, audit {evidence.worst:.1f}; at most {PGD_POINTS:g} apart",
    )


def _few(name: str, share: float, what: str) -> Gate:
    return Gate(name, share <= FEW, f"{share:.1f} % of the images {what}; at most {FEW:g}")
