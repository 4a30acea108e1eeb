"""The table of attacks of the sweep: how each runs, at which radii, its name, and whether charts show it. A new attack
is a new row.

Sweep, metrics, tables and curves follow the order of `ATTACKS`. The accuracy that they leave is an upper bound of
the robust accuracy (`visrep.audit`).
"""

from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from visrep.digits import attacks
from visrep.digits.target import Target
from visrep.settings.digits import FgsmSweep

FAR = 1.0  # a radius at which mid-grey becomes black or white: no classifier can withstand it


Radii = Callable[[FgsmSweep], tuple[float, ...]]


@dataclass(frozen=True)
class Attack:
    """``key`` names it in files and metrics, ``name`` in tables and figures. ``predict`` gives predictions (N,) after
    the attack at a radius. ``radii`` are those at which it runs, ``metrics`` those that the metrics file holds. One
    that ``transfers`` is computed on another network."""

    key: str
    name: str
    predict: Callable[[Target, FgsmSweep, float], Tensor]
    radii: Radii
    metrics: Radii = lambda _: ()
    charted: bool = False
    transfers: bool = False


def _gate(settings: FgsmSweep) -> tuple[float, ...]:
    return (settings.gate_epsilon,)


def _pgd(target: Target, settings: FgsmSweep, epsilon: float) -> Tensor:
    return target.pgd(epsilon, settings.pgd.steps, settings.pgd.step_share * epsilon, settings.pgd.restarts)


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
        predict=lambda target, _, epsilon: target.fgsm(epsilon),
        radii=lambda settings: (*settings.epsilons, FAR),
        metrics=lambda settings: settings.epsilons,
        charted=True,
    ),
    Attack(
        key="noise",
        name="noise",
        predict=lambda target, _, epsilon: target.predict(target.noise(epsilon), epsilon),
        radii=lambda settings: settings.epsilons,
        metrics=_gate,
        charted=True,
    ),
    Attack(
        key="pgd",
        name="PGD",
        predict=_pgd,
        radii=lambda settings: (*settings.pgd.epsilons, FAR),
        metrics=_gate,
        charted=True,
    ),
    Attack(
        key="mi_fgsm",
        name="MI-FGSM",
        predict=_mi_fgsm,
        radii=_gate,
        metrics=_gate,
    ),
    Attack(
        key="transfer_fgsm",
        name="FGSM of the undefended",
        transfers=True,
        predict=lambda target, _, epsilon: target.predict(attacks.step(target.x, target.source_sign, epsilon), epsilon),
        radii=lambda settings: settings.epsilons,
    ),
    Attack(
        key="transfer_pgd",
        name="PGD of the undefended",
        transfers=True,
        predict=_transferred_pgd,
        radii=_gate,
    ),
)
