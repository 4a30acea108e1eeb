"""Claim: VICReg from stored images to moved weights, on two cores at least twice the images per second of lightly's
loader, transform and loss. `benchmarks/results/vicreg_training.json` holds the ratio, its spread and the machine.
"""

from functools import partial

from lightly.loss import VICRegLoss
from lightly.transforms import VICRegTransform

from benchmarks import two_views
from visrep.representations.methods import vicreg
from visrep.representations.methods.vicreg import Settings, Weights
from visrep.settings.representations import Blur, Crop, Jitter, Views
from visrep.stage import params

WEIGHTS = Weights(invariance=25.0, variance=25.0, covariance=1.0, sum_variance=False)  # lightly's
AUGMENT = Views(  # what `VICRegTransform` does unless told otherwise
    crop=Crop(scale=0.08, aspect=4 / 3),
    flip=0.5,
    jitter=Jitter(probability=0.8, brightness=0.4, contrast=0.4, saturation=0.2, hue=0.1),
    grey=0.2,
    blur=Blur(probability=0.5, sigma=2.0),
    solarize=0.1,
    noise=0.0,
    rotation=0.0,
)


def task() -> two_views.Task:
    shipped = params.read("vicreg", Settings, two_views.PRESET, "pretraining")
    loss = partial(vicreg.loss, settings=shipped.model_copy(update={"weights": WEIGHTS}))
    return two_views.Task("vicreg_training", loss, VICRegLoss(), AUGMENT, VICRegTransform(input_size=32))


def main() -> None:
    two_views.compare(task())
