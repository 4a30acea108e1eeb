"""Is the class there? What a linear probe and the nearest neighbours find in an embedding.

N training images, M test images, D dimensions.
"""

from dataclasses import dataclass
from typing import Annotated, ClassVar, Literal

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
    temperature: PositiveFloat  # a neighbour's vote weighs exp(cosine / temperature)


class Settings(Section):
    seed: NonNegativeInt
    method: Literal["logistic", "sgd"]
    labelled: Annotated[float, Field(gt=0, le=1)]  # share of the training images whose labels are used
    validation: Share  # of those: they choose the strength
    strengths: Annotated[tuple[NonNegativeFloat, ...], Field(min_length=1)]  # penalties on half the squared weights
    sgd: Sgd
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
    """Percent of the validation images that are right under a penalty of this ``strength``."""

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
    """``n`` test images, of which a constant answer gets ``chance`` right; ``labelled`` training images. How the linear
    probe came about: the ``strength`` that validation images chose (method logistic), or its ``history`` (sgd)."""

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
    if settings.method == "sgd":
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
        method=settings.method,
        strength=strength,
        validated=tuple(Strength(*pair) for pair in validated.items()),
        history=tuple(Epoch(*epoch) for epoch in history),
        per_class=classification.per_class(truth, predicted, images.classes),
    )


def tabulated(result: Result) -> Tabulated:
    return Tabulated(
        title="Is the class there?",
        text="A linear probe is trained on the frozen embedding, with labels. k-NN trains nothing: the nearest "
        "training images vote. Floor: always the most frequent class.",
        data=data(result.source, result.n, "test images"),
        columns=(
            Column(
                "linear_accuracy",
                "linear probe",
                read=lambda result: result.metrics.linear_accuracy,
                chance=lambda result: result.chance,
                says="Linear probe: accuracy in percent.",
                headline=True,
            ),
            Column(
                "knn_accuracy",
                "k-NN",
                read=lambda result: result.metrics.knn_accuracy,
                chance=lambda result: result.chance,
                says="k-NN: accuracy in percent.",
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
