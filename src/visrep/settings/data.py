"""The section `download`: where the pixels of each set come from."""

from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, NonNegativeInt, PositiveInt, StringConstraints, model_validator

from visrep.settings.base import Name, Section

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class Embedded(Section):
    """Images drawn on the spot."""

    seed: NonNegativeInt
    train: Annotated[int, Field(ge=100)]  # images
    test: Annotated[int, Field(ge=100)]


class Source(Section):
    source: Literal["official", "archive", "embedded"]
    official: Literal["svhn", "cifar10", "mnist"] | None  # the set of torchvision that source official fetches
    archive: str | None  # folder, or path or http(s) address of a .zip, .tar or .tar.gz
    sha256: Sha256 | None
    max_megabytes: PositiveInt  # of one archive, as it arrives and unpacked
    embedded: Embedded

    @model_validator(mode="after")
    def _a_source_is_named(self) -> Self:
        if self.source == "archive" and not self.archive:
            raise ValueError("source is archive, so archive must name a folder, a file or an address")
        if self.source == "official" and not self.official:
            raise ValueError("source is official, so official must name the set")
        return self


class Drawn(Section):
    """Images that are only ever drawn."""

    source: Literal["embedded"]
    embedded: Embedded


class Download(Section):
    """Image sets by their roles; what else is named here is a further set, such as one of anomalies."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[Name, Source]

    street_digits: Source
    objects: Source
    handwritten_digits: Source
    shapes: Drawn  # whose factors must be known
