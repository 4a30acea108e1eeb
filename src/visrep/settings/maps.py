"""The section `maps`: an embedding in two dimensions."""

from typing import Annotated

from pydantic import Field, PositiveFloat, PositiveInt

from visrep.stage.params import Section


class Maps(Section):
    seed: Annotated[int, Field(ge=0, lt=2**32)]  # as NumPy's older generator takes it
    points: Annotated[int, Field(ge=10)]  # test images, at most
    perplexity: PositiveFloat  # of t-SNE
    neighbors: PositiveInt  # of UMAP and of trustworthiness
    umap: bool  # a third map; needs the extra `umap`
