"""The encoder of 32x32 images, and what stands on it while it learns without labels."""

from typing import Annotated, Self

from pydantic import Field, NonNegativeFloat, PositiveInt, model_validator

from visrep.params import Section

Widths = tuple[PositiveInt, ...]


class Encoder(Section):
    """A residual network (He et al. 2016) with a 3x3 stem and no max pool, as suits small images."""

    stem_stride: Annotated[int, Field(ge=1, le=2)]  # 2 is four times cheaper
    widths: Annotated[Widths, Field(min_length=1, max_length=5)]  # feature maps of each group of blocks
    blocks: Annotated[Widths, Field(min_length=1, max_length=5)]  # residual blocks of each group
    dimensions: Annotated[int, Field(ge=2)]  # of the embedding

    @model_validator(mode="after")
    def _groups_fit(self) -> Self:
        if len(self.widths) != len(self.blocks):
            raise ValueError(f"widths names {len(self.widths)} groups and blocks {len(self.blocks)}")
        return self


class Weights(Section):
    """Of the three terms of VICReg."""

    invariance: NonNegativeFloat
    variance: NonNegativeFloat
    covariance: NonNegativeFloat
    sum_variance: bool  # sum the variance term over both views, as solo-learn does, not average it
