"""What every training without labels is made of."""

from typing import Annotated

from pydantic import Field, NonNegativeInt

from visrep.settings.encoder import Encoder, Widths
from visrep.settings.training import Plan
from visrep.settings.views import Views


class Unlabelled(Plan):
    seed: NonNegativeInt
    encoder: Encoder
    projector: Widths  # hidden and output widths of what stands on the embedding; empty for none
    views: Annotated[int, Field(ge=2)]  # of each image
    augment: Views
    watched: Annotated[int, Field(ge=2)]  # test images whose loss and rank are told after each epoch
