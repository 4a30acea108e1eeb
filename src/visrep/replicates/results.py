"""Results of replicates, and of all runs of a training: records, without torch.

A run is the main one, 0, or a replicate, by the number that its seeds are moved by.
"""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from visrep import files, records

FOLDER = Path("replicates")
MAIN = 0  # the run that has pictures; its numbers are those of the metrics files

Runs = dict[int, float]  # a number by run


@dataclass(frozen=True)
class Replicate:
    """``metrics`` by the name of the metrics file of the main run, then by their own."""

    seed: int
    processor: str
    metrics: dict[str, dict[str, float]]


class Group(NamedTuple):
    """Trainings that run again together: a ``name`` below `FOLDER`, and where in plots/ the records of the main
    trainings lie, each with the processor it was made on."""

    name: str
    trainings: tuple[str, ...]


def groups(parameters: Mapping[str, Any]) -> Iterator[Group]:
    """All of the study."""
    yield Group("digits", ("train_cnn", "adv_train"))
    yield Group("vicreg", ("vicreg", "no_generated_neighbors"))
    for section, place in (("methods", "methods"), ("ablations", "ablations"), ("families", "similarity")):
        for name in parameters[section]:
            yield Group(f"{place}/{name}", (f"{place}/{name}",))


def write(path: Path, replicate: Replicate) -> None:
    rounded = {
        name: {key: files.significant(value) for key, value in metrics.items()}
        for name, metrics in replicate.metrics.items()
    }
    files.write_json(path, {"seed": replicate.seed, "processor": replicate.processor, "metrics": rounded})


class AllRuns:
    """All runs of a study: the folder of its ``replicates``, its ``plots``, which hold the records of the main run, and
    its parameters, which name the seeds. Files of other seeds are ignored.

    A replicate counts where it was made on the processor of the main run: another adds in another order, as another
    training. ``apart`` counts those of each group that do not.
    """

    def __init__(self, replicates: Path, plots: Path, parameters: Mapping[str, Any]) -> None:
        self.plots, self.seeds = plots, list(parameters["replicates"]["seeds"])
        self.apart: Counter[str] = Counter()
        self._metrics: dict[str, dict[int, Mapping[str, float]]] = {}  # of the replicates, by metrics file
        for group in groups(parameters):
            for seed in self.seeds:
                one = records.read(replicates / group.name / f"{seed}.json", Replicate)
                if self._processors(group) != {one.processor}:
                    self.apart[group.name] += 1
                    continue
                for name, metrics in one.metrics.items():
                    self._metrics.setdefault(name, {})[seed] = metrics

    def _processors(self, group: Group) -> set[str]:
        """Of the main trainings."""
        return {files.read_json(self.plots / name / "details.json")["processor"] for name in group.trainings}

    def runs(self, file: str, key: str, main: float) -> Runs:
        """A number of ``metrics/<file>.json``, which is ``main`` in the main run, in every run that counts."""
        again = self._metrics.get(file, {})
        return {MAIN: main} | {seed: metrics[key] for seed, metrics in again.items() if key in metrics}


@dataclass(frozen=True)
class Headline:
    """A number of a training by its ``key`` in ``metrics/<file>.json``, in every ``run`` that counts, the main one
    first."""

    file: str
    key: str
    run: tuple[int, ...]
    value: tuple[float, ...]


@dataclass(frozen=True)
class Headlines:
    """Of the stage `spread`: the numbers of every training by its name, also of encoders that no gradient trained,
    which have one run; and the replicates that were ``apart``."""

    classifiers: dict[str, tuple[Headline, ...]]
    encoders: dict[str, tuple[Headline, ...]]
    families: dict[str, tuple[Headline, ...]]
    apart: dict[str, int]
