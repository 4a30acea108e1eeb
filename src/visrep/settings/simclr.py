"""The section `simclr`: a representation without labels, from telling images apart."""

from typing import Annotated

from pydantic import Field

from visrep.settings.unlabelled import Unlabelled


class SimCLR(Unlabelled):
    temperature: Annotated[float, Field(gt=0)]  # what cosines are divided by
