"""The section `download`: where the pixels of each set come from."""

from typing import Annotated, Literal, Self

from pydantic import Field, NonNegativeInt, PositiveInt, StringConstraints, model_validator

from visrep.stage.params import Section

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class Embedded(Section):
    """Images drawn on the spot."""

    seed: NonNegativeInt
    train: Annotated[int, Field(ge=100)]  # images
    test: Annotated[int, Field(ge=100)]


class Source(Section):
    source: Literal["official", "archive", "embedded"]
    archive: str | None  # folder, or path or http(s) address of a .zip, .tar or .tar.gz
    sha256: Sha256 | None
    max_megabytes: PositiveInt  # of one archive, as it arrives and unpacked
    embedded: Embedded

    @model_validator(mode="after")
    def _archive_is_named(self) -> Self:
        if self.source == "archive" and not self.archive:
            raise ValueError("source is archive, so archive must name a folder, a file or an address")
        return self


class Shapes(Section):
    """Shapes are only ever drawn: their factors must be known."""

    source: Literal["embedded"]
    embedded: Embedded


class Download(Section):
    svhn: Source
    cifar10: Source
    mnist: Source
    shapes: Shapes
