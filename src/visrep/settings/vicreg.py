"""The section `vicreg`: a representation without labels, from agreement, variance and covariance."""

from pydantic import NonNegativeFloat

from visrep.settings.unlabelled import Unlabelled
from visrep.stage.params import Section


class Weights(Section):
    """Of the three terms."""

    invariance: NonNegativeFloat
    variance: NonNegativeFloat
    covariance: NonNegativeFloat
    sum_variance: bool  # sum the variance term over both views, as solo-learn does, not average it


class VICReg(Unlabelled):
    weights: Weights
