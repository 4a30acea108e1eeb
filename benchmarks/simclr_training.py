"""Claim: SimCLR from stored images to moved weights, on two cores at least twice the images per second of lightly's
loader, transform and loss. `benchmarks/results/simclr_training.json` holds the ratio, its spread and the machine.
"""

from functools import partial

from lightly.loss import NTXentLoss
from lightly.transforms import SimCLRTransform

from benchmarks import two_views
from visrep.representations.methods import simclr
from visrep.settings.representations import Blur, Crop, Jitter, Views
from visrep.stage import params

TEMPERATURE = 0.5
AUGMENT = Views(  # what `SimCLRTransform` does unless told otherwise
    crop=Crop(scale=0.08, aspect=4 / 3),
    flip=0.5,
    jitter=Jitter(probability=0.8, brightness=0.8, contrast=0.8, saturation=0.8, hue=0.2),
    grey=0.2,
    blur=Blur(probability=0.5, sigma=2.0),
    solarize=0.0,
    noise=0.0,
    rotation=0.0,
)


def task() -> two_views.Task:
    shipped = params.read("simclr", simclr.Settings, two_views.PRESET, "pretraining")
    loss = partial(simclr.loss, settings=shipped.model_copy(update={"temperature": TEMPERATURE}))
    return two_views.Task("simclr_training", loss, NTXentLoss(TEMPERATURE), AUGMENT, SimCLRTransform(input_size=32))


def main() -> None:
    two_views.compare(task())
