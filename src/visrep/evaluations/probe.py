"""Accuracy of a linear probe and of k nearest neighbors on an embedding.

N training images, M test images, D dimensions.
"""

from dataclasses import dataclass
from typing import Annotated, ClassVar

import numpy as np
from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

from visrep.data.store import ImageSet
from visrep.measures import classification, probes, statistics
from visrep.measures.classification import ClassScore
from visrep.records import Column, Interval, Tabulated, data
from visrep.settings.base import Section, Share


class Sgd(Section):
    """The reports' probe: one linear layer, gradient descent in small batches."""

    epochs: PositiveInt
    batch_size: PositiveInt
    lr: PositiveFloat
    momentum: Annotated[float, Field(ge=0, lt=1)]


class Knn(Section):
    k: PositiveInt
    temperature: PositiveFloat


class Settings(Section):
    seed: NonNegativeInt
    labelled: Annotated[float, Field(gt=0, le=1)]
    validation: Share
    strengths: Annotated[tuple[NonNegativeFloat, ...], Field(min_length=1)]
    sgd: Sgd | None
    knn: Knn

    @property
    def choice(self) -> probes.Choice:
        return probes.Choice(self.strengths, self.validation, self.seed)


@dataclass(frozen=True)
class Metrics:
    linear_accuracy: Interval
    unstandardised_accuracy: Interval
    knn_accuracy: Interval
    macro_f1: float


@dataclass(frozen=True)
class Strength:
    """Accuracy on validation images, percent, with a penalty of this ``strength``."""

    strength: float
    accuracy: float


@dataclass(frozen=True)
class Epoch:
    epoch: int
    train_accuracy: float
    test_accuracy: float
    train_loss: float


@dataclass(frozen=True)
class Result:
    """``n`` test images, of which the most frequent class makes ``chance`` percent; ``labelled`` training images. Of
    the linear probe the ``strength`` selected on validation images (logistic), or the ``history`` (sgd)."""

    CHART: ClassVar = "per_class"

    metrics: Metrics
    n: int
    source: str
    chance: float
    labelled: int
    method: str
    strength: float | None
    validated: tuple[Strength, ...]
    history: tuple[Epoch, ...]
    per_class: tuple[ClassScore, ...]


def evaluate(train: np.ndarray, test: np.ndarray, images: ImageSet, settings: Settings) -> Result:
    """Of the embeddings (N, D) and (M, D) of ``images``."""
    labelled = probes.subset(images.train.labels, settings.labelled, settings.seed)
    train, labels, truth = train[labelled], images.train.labels[labelled], images.test.labels
    strength: float | None = None
    validated: dict[float, float] = {}
    history: list[probes.Epoch] = []
    if settings.sgd:
        predicted, history = probes.sgd(train, labels, test, truth, **settings.sgd.model_dump(), seed=settings.seed)
    else:
        predicted, strength, validated = probes.logistic(train, labels, test, settings.choice)
    bare = probes.logistic(train, labels, test, settings.choice, standardised=False).predicted
    voted = probes.knn(train, labels, test, settings.knn.k, settings.knn.temperature, len(images.classes))
    return Result(
        metrics=Metrics(
            linear_accuracy=statistics.accuracy(predicted, truth),
            unstandardised_accuracy=statistics.accuracy(bare, truth),
            knn_accuracy=statistics.accuracy(voted, truth),
            macro_f1=classification.macro_f1(truth, predicted, len(images.classes)),
        ),
        n=len(truth),
        source=images.source,
        chance=statistics.chance(truth),
        labelled=len(labels),
        method="sgd" if settings.sgd else "logistic",
        strength=strength,
        validated=tuple(Strength(*pair) for pair in validated.items()),
        history=tuple(Epoch(*epoch) for epoch in history),
        per_class=classification.per_class(truth, predicted, images.classes),
    )


def tabulated(result: Result) -> Tabulated:
    return Tabulated(
        title="Can the class be read from the embedding?",
        text="A linear probe is trained on the frozen embedding, with labels. In k-NN the nearest training images "
        "vote. Baseline: always the most frequent class.",
        data=data(result.source, result.n, "test images"),
        columns=(
            Column(
                "linear_accuracy",
                "linear probe",
                read=lambda result: result.metrics.linear_accuracy,
                chance=lambda result: result.chance,
                caption="Linear probe: accuracy in percent.",
                headline=True,
            ),
            Column(
                "knn_accuracy",
                "k-NN",
                read=lambda result: result.metrics.knn_accuracy,
                chance=lambda result: result.chance,
                caption="k-NN: accuracy in percent.",
                headline=True,
            ),
            Column("macro_f1", "macro F1", read=lambda result: result.metrics.macro_f1),
            Column(
                "unstandardised_accuracy",
                "accuracy, embedding as it is",
                read=lambda result: result.metrics.unstandardised_accuracy,
            ),
        ),
        more="Further numbers of the probe, in percent",
    )
