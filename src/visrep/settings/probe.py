"""The section `probe`: what a simple reader finds in an embedding."""

from typing import Annotated, Literal

from pydantic import Field, NonNegativeFloat, NonNegativeInt, PositiveFloat, PositiveInt

from visrep.settings.training import Share
from visrep.stage.params import Section


class Sgd(Section):
    """The reports' probe: one linear layer, gradient descent in small batches."""

    epochs: PositiveInt
    batch_size: PositiveInt
    lr: PositiveFloat
    momentum: Annotated[float, Field(ge=0, lt=1)]


class Knn(Section):
    k: PositiveInt
    temperature: PositiveFloat  # a neighbour's vote weighs exp(cosine / temperature)


class Probe(Section):
    seed: NonNegativeInt
    method: Literal["logistic", "sgd"]
    labelled: Annotated[float, Field(gt=0, le=1)]  # share of the training images whose labels are used
    validation: Share  # of those: they choose the strength
    strengths: Annotated[tuple[NonNegativeFloat, ...], Field(min_length=1)]  # penalties on half the squared weights
    sgd: Sgd
    knn: Knn
