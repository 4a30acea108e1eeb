"""The section `figures`: how pictures are drawn."""

from typing import Annotated, Literal

from pydantic import Field, PositiveInt

from visrep.settings.base import Section


class Figures(Section):
    dpi: PositiveInt
    examples: Annotated[int, Field(ge=1, le=20)]  # images in a row of a gallery
    palette: Literal["okabe_ito", "tableau", "grey"]  # colors of lines and classes
