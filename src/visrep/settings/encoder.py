"""The encoder of 32x32 images."""

from typing import Annotated, Literal, Self

from pydantic import Field, PositiveInt, model_validator

from visrep.stage.params import Section

Widths = tuple[PositiveInt, ...]


class Encoder(Section):
    """A residual network (He et al. 2016) with a 3x3 stem and no max pool, as suits small images; or ResNet-50 as
    torchvision has it, made for larger ones."""

    network: Literal["small", "resnet50"]
    pretrained: bool  # start from ImageNet's weights; resnet50 alone has them
    input_size: Annotated[int, Field(ge=32)]  # pixels, to which images are enlarged before the first convolution
    stem_stride: Annotated[int, Field(ge=1, le=2)]  # small: 2 is four times cheaper
    widths: Annotated[Widths, Field(min_length=1, max_length=5)]  # small: feature maps of each group of blocks
    blocks: Annotated[Widths, Field(min_length=1, max_length=5)]  # small: residual blocks of each group
    dimensions: Annotated[int, Field(ge=2)]  # of the embedding

    @model_validator(mode="after")
    def _groups_fit(self) -> Self:
        if len(self.widths) != len(self.blocks):
            raise ValueError(f"widths names {len(self.widths)} groups and blocks {len(self.blocks)}")
        return self

    @model_validator(mode="after")
    def _weights_are_of_resnet50(self) -> Self:
        if self.pretrained and self.network != "resnet50":
            raise ValueError("pretrained needs network resnet50: the small one has no ImageNet weights")
        return self
