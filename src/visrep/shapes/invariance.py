"""Evaluation of an encoder of drawn shapes: embeddings of training images, of new ones and of shapes on another
background, which factors they keep, and the geometry of invariance sets.

N images, D dimensions, k neighbors, S sets of M redrawings. Features have unit length; neighbors are always training
images, and no image is its own.
"""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np

from visrep.data import store
from visrep.data.store import ImageSet
from visrep.errors import Failure
from visrep.machine.randomness import seed
from visrep.measures import geometry, neighbors, probes
from visrep.records import Number
from visrep.settings.shapes import Factors
from visrep.shapes import factors, redrawn, results
from visrep.shapes.results import AGREEMENT, NEW, PROBE, TRAINING

SHOWN = 5  # queries of a kind
Embed = Callable[[np.ndarray], np.ndarray]  # (N, 32, 32, 3) uint8 to (N, D) of unit length


class Embedded(NamedTuple):
    """``features`` (N, D) and ``factors`` (N, 4) of some images; ``near`` (N, k), the nearest training images."""

    features: np.ndarray
    factors: np.ndarray
    near: np.ndarray


class Sets(NamedTuple):
    """``diameters`` and ``margins`` of invariance sets, (S,) each; alignment within them, uniformity of new images."""

    diameters: np.ndarray
    margins: np.ndarray
    alignment: float
    uniformity: float


def embedded(data: ImageSet, embed: Embed, settings: Factors) -> dict[str, Embedded]:
    """Training images, new ones, and the new ones' factors on another ground."""
    train = embed(data.train.images)
    near = neighbors.nearest(train, train, settings.k, itself=True).index
    embeddings = {TRAINING: Embedded(train, data.train.factors, near)}
    rng = _draw(settings, "ground")
    nuisances = redrawn.nuisances(len(data.test.factors), rng)
    ground = redrawn.picture(data.test.factors, nuisances, settings.ground, settings.seed)
    for name, images in ((NEW, data.test.images), (f"on a {settings.ground}", ground)):
        features = embed(images)
        near = neighbors.nearest(features, train, settings.k).index
        embeddings[name] = Embedded(features, data.test.factors, near)
    return embeddings


def table(
    embeddings: dict[str, Embedded],
    embed: Embed,
    varied: Sequence[str] | None,
    settings: Factors,
    choice: probes.Choice,
) -> list[results.Measurement]:
    """A row for each factor, evaluation and kind of images."""
    rows: list[results.Measurement] = []
    limits = factors.Limits(settings.lost_below, settings.kept_above)
    moved = movements(embeddings[NEW].factors, embed, settings)
    for column, name in enumerate(redrawn.NAMES):
        train, named = embeddings[TRAINING], _probed(embeddings, column, choice)
        for images, those in embeddings.items():
            own = those.factors[:, column]
            readings = [factors.agreement(those.near, train.factors[:, column], own), factors.probe(named[images], own)]
            rows += [factors.row(images, name, reading, varied, limits) for reading in readings]
        reading = factors.movement(moved[name], len(redrawn.kept(varied or ())))
        rows.append(factors.row(NEW, name, reading, varied, limits))
    return rows


def _probed(embeddings: dict[str, Embedded], column: int, choice: probes.Choice) -> dict[str, np.ndarray]:
    """Predictions (N,) of a probe fitted on the training images, by kind of images."""
    train, everything = embeddings[TRAINING], np.concatenate([those.features for those in embeddings.values()])
    answers = probes.logistic(train.features, train.factors[:, column], everything, choice).predicted
    ends = np.cumsum([len(those.features) for those in embeddings.values()])
    return dict(zip(embeddings, np.split(answers, ends[:-1]), strict=True))


def movements(values: np.ndarray, embed: Embed, settings: Factors) -> dict[str, np.ndarray]:
    """`geometry.movements` of pictures with the factors ``values`` (N, 4) when one factor takes another value and
    nothing else changes, by factor."""
    rng = _draw(settings, "movement")
    nuisances = redrawn.nuisances(len(values), rng)
    before = embed(redrawn.picture(values, nuisances))
    after = {name: redrawn.picture(redrawn.other(values, name, rng), nuisances) for name in redrawn.NAMES}
    return {name: geometry.movements(before, embed(pictures)) for name, pictures in after.items()}


def sets(new: Embedded, embed: Embed, varied: Sequence[str], settings: Factors) -> Sets:
    """The invariance sets of some new images: redrawings with other values of the factors ``varied`` and of all that
    factors leave open. Raises `Failure` where all sets keep the same."""
    chosen = store.sample(len(new.factors), settings.sets, settings.seed)
    values = new.factors[chosen]
    pictures = redrawn.family(values.repeat(settings.redrawn, axis=0), varied, _draw(settings, "sets"))
    features = embed(pictures).reshape(len(chosen), settings.redrawn, -1)  # (S, M, D)
    margins = geometry.margins(features, values[:, redrawn.kept(varied)])
    if not np.isfinite(margins).all():
        raise Failure(f"all {len(chosen)} sets keep the same values, so there is no margin; factors.sets is too small")
    pairs = features[:, 0], features[:, 1]
    return Sets(geometry.diameters(features), margins, geometry.alignment(*pairs), geometry.uniformity(new.features))


def shown(embeddings: Embedded, count: int, seed: int) -> tuple[results.Neighbors, ...]:
    """Some random queries with their neighbors, for a figure."""
    chosen = store.sample(len(embeddings.factors), count, seed)
    return tuple(results.Neighbors(int(query), tuple(embeddings.near[query].tolist())) for query in chosen)


def _draw(settings: Factors, purpose: str) -> np.random.Generator:
    return np.random.default_rng(seed(settings.seed, purpose))


def evaluate(
    data: ImageSet, embed: Embed, varied: Sequence[str] | None, settings: Factors, choice: probes.Choice
) -> results.Factors:
    """All evaluations of an encoder of the family that varies these factors (None: an autoencoder); ``choice`` is how
    the penalty of its probes is selected."""
    embeddings = embedded(data, embed, settings)
    rows = table(embeddings, embed, varied, settings, choice)
    lying = sets(embeddings[NEW], embed, varied or (), settings)
    metrics: dict[str, Number] = {
        f"{row.factor}_{row.evaluation}": row.interval
        for row in rows
        if row.images == NEW and row.evaluation in (AGREEMENT, PROBE)
    }
    diameter, margin = factors.spread(lying.diameters), factors.spread(lying.margins)
    return results.Factors(
        metrics=metrics | {"margin": margin.mean, "diameter": diameter.mean},
        n={name: len(those.factors) for name, those in embeddings.items()},
        source=data.source,
        varied=None if varied is None else tuple(varied),
        k=settings.k,
        definition=str(factors.__doc__),
        rows=tuple(rows),
        verdicts={name: factors.counted([row for row in rows if row.images == name]) for name in embeddings},
        sets=len(lying.diameters),
        redrawn=settings.redrawn,
        diameter=diameter,
        margin=margin,
        separated=float(np.mean(lying.margins > lying.diameters) * 100),
        alignment=lying.alignment,
        uniformity=lying.uniformity,
        shown={name: shown(embeddings[name], SHOWN, settings.seed) for name in (TRAINING, NEW)},
    )
