"""The section `download`: where the pixels of each set come from."""

from typing import Annotated, Literal

from pydantic import ConfigDict, Discriminator, Field, NonNegativeInt, PositiveInt, RootModel, StringConstraints, Tag

from visrep.settings.base import PLAIN, Name, Section, Text, kind

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]


class Embedded(Section):
    """Images drawn on the spot."""

    source: Literal["embedded"]
    seed: NonNegativeInt
    train: Annotated[int, Field(ge=100)]
    test: Annotated[int, Field(ge=100)]


class Archive(Section):
    """Images of one's own."""

    source: Literal["archive"]
    archive: Text
    sha256: Sha256 | None
    max_megabytes: PositiveInt  # of one archive, as it arrives and unpacked


class Official(Section):
    """A set that torchvision knows."""

    source: Literal["official"]
    official: Literal["svhn", "cifar10", "mnist"]


Source = Annotated[
    Annotated[Embedded, Tag(":embedded")] | Annotated[Archive, Tag(":archive")] | Annotated[Official, Tag(":official")],
    Discriminator(kind("source")),
]


class OneSource(RootModel[Source]):
    """Of one set."""

    model_config = PLAIN


class Download(Section):
    """Image sets by their roles; what else is named here is a further set, such as one of anomalies."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[Name, Source]

    street_digits: Source
    objects: Source
    handwritten_digits: Source
    shapes: Embedded  # whose factors must be known
