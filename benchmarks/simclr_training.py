"""Claim: SimCLR from stored images to moved weights, on two cores at least twice the images per second of lightly's
loader, transform and loss. `benchmarks/results/simclr_training.json` holds the ratio, its spread and the machine.
"""

from functools import partial

from lightly.loss import NTXentLoss
from lightly.transforms import SimCLRTransform

from benchmarks import two_views
from visrep.learning import simclr
from visrep.settings.views import Views

TEMPERATURE = 0.5
AUGMENT = Views(  # what `SimCLRTransform` does unless told otherwise
    crop_scale=0.08,
    crop_aspect=4 / 3,
    flip=0.5,
    jitter=0.8,
    brightness=0.8,
    contrast=0.8,
    saturation=0.8,
    hue=0.2,
    grey=0.2,
    blur=0.5,
    blur_sigma=2.0,
    solarize=0.0,
    noise=0.0,
    rotation=0.0,
)


def main() -> None:
    loss = partial(simclr.loss, temperature=TEMPERATURE)
    two_views.compare(
        two_views.Task("simclr_training", loss, NTXentLoss(TEMPERATURE), AUGMENT, SimCLRTransform(input_size=32))
    )
