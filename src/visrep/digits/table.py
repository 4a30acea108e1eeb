"""The table of attacks: how each runs and at which radii, what it is called, whether charts show it, which gate reads
it. One more attack is one more row.

Sweep, metrics, tables, curves and gates follow the order of `ATTACKS`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

from torch import Tensor

from visrep.digits import attacks
from visrep.digits.target import Target
from visrep.settings.digits import FgsmSweep

FAR = 1.0  # a radius that turns mid-grey into black or white: nothing can stand there


class Kind(Enum):
    """What gates compare."""

    NOISE = auto()  # no attack at all, the control
    STEP = auto()  # one step along the gradient
    ITERATED = auto()  # many steps: the strongest of them counts
    LONGER = auto()  # an iterated attack with more steps, which should find no more
    TRANSFER = auto()  # made on another network


Radii = Callable[[FgsmSweep], tuple[float, ...]]


@dataclass(frozen=True)
class Attack:
    """``key`` names it in files and metrics, ``name`` in tables and figures. ``predict`` answers the images (N,) after
    the attack at a radius. ``radii`` are those at which it runs, ``metrics`` those that the metrics file holds."""

    key: str
    name: str
    kind: Kind
    predict: Callable[[Target, FgsmSweep, float], Tensor]
    radii: Radii
    metrics: Radii = lambda _: ()
    drawn: bool = False


def _gate(settings: FgsmSweep) -> tuple[float, ...]:
    return (settings.gate_epsilon,)


def _pgd(target: Target, settings: FgsmSweep, epsilon: float, steps: int) -> Tensor:
    return target.pgd(epsilon, steps, settings.pgd.step_share * epsilon, settings.pgd.restarts)


def _mi_fgsm(target: Target, settings: FgsmSweep, epsilon: float) -> Tensor:
    moved = attacks.mi_fgsm(target.guide or target.model, target.x, target.y, epsilon, settings.pgd.steps)
    return target.predict(moved, epsilon)


def _transferred_pgd(target: Target, settings: FgsmSweep, epsilon: float) -> Tensor:
    start, size = target.noise(epsilon), settings.pgd.step_share * epsilon
    moved = attacks.pgd(target.source, target.x, target.y, epsilon, settings.pgd.steps, size, start)
    return target.predict(moved, epsilon)


ATTACKS = (
    Attack(
        key="fgsm",
        name="FGSM",
        kind=Kind.STEP,
        predict=lambda target, _, epsilon: target.fgsm(epsilon),
        radii=lambda settings: (*settings.epsilons, FAR),
        metrics=lambda settings: settings.epsilons,
        drawn=True,
    ),
    Attack(
        key="noise",
        name="noise",
        kind=Kind.NOISE,
        predict=lambda target, _, epsilon: target.predict(target.noise(epsilon), epsilon),
        radii=lambda settings: settings.epsilons,
        metrics=_gate,
        drawn=True,
    ),
    Attack(
        key="pgd",
        name="PGD",
        kind=Kind.ITERATED,
        predict=lambda target, settings, epsilon: _pgd(target, settings, epsilon, settings.pgd.steps),
        radii=lambda settings: (*settings.pgd.epsilons, FAR),
        metrics=_gate,
        drawn=True,
    ),
    Attack(
        key="mi_fgsm",
        name="MI-FGSM",
        kind=Kind.ITERATED,
        predict=_mi_fgsm,
        radii=lambda settings: settings.pgd.epsilons,
        metrics=_gate,
        drawn=True,
    ),
    Attack(
        key="pgd_more_steps",
        name="PGD, more steps",
        kind=Kind.LONGER,
        predict=lambda target, settings, epsilon: _pgd(target, settings, epsilon, settings.pgd.more_steps),
        radii=_gate,
    ),
    Attack(
        key="transfer_fgsm",
        name="FGSM of the undefended",
        kind=Kind.TRANSFER,
        predict=lambda target, _, epsilon: target.predict(attacks.step(target.x, target.source_sign, epsilon), epsilon),
        radii=lambda settings: settings.epsilons,
    ),
    Attack(
        key="transfer_pgd",
        name="PGD of the undefended",
        kind=Kind.TRANSFER,
        predict=_transferred_pgd,
        radii=_gate,
    ),
)
