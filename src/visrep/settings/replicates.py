"""The section `replicates`: repeated trainings with other seeds."""

from typing import Annotated

from pydantic import AfterValidator, PositiveInt, RootModel

from visrep.settings.base import PLAIN, Section


def _different(seeds: tuple[int, ...]) -> tuple[int, ...]:
    if len(set(seeds)) < len(seeds):
        raise ValueError("names a seed twice")
    return seeds


Moves = Annotated[tuple[PositiveInt, ...], AfterValidator(_different)]


class Replicates(Section):
    seeds: Moves  # each is added to every seed of the trainings and evaluations; the main run has 0


class Seeds(RootModel[Moves]):
    """`replicates.seeds` alone."""

    model_config = PLAIN
