"""The whole of params.yaml: what every section is, and what must hold between them."""

from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError, create_model, model_validator

from visrep import registry
from visrep.settings.audit import Audit, Classifiers
from visrep.settings.base import Name, Section, faults, merged
from visrep.settings.data import Download, Embedded
from visrep.settings.defences import Defences
from visrep.settings.digits import AdvTrain, FgsmSweep, FromClassifier, TrainCNN
from visrep.settings.figures import Figures
from visrep.settings.replicates import Replicates
from visrep.settings.representations import (
    Ablations,
    AllLatents,
    Labels,
    LaplacianEigenmaps,
    LinearVicreg,
    Method,
    Methods,
    Neighbors,
    NoGeneratedNeighbors,
    Pretraining,
)
from visrep.settings.runtime import Processes, Runtime
from visrep.settings.shapes import Factors, Families, Similarity
from visrep.stage import params

BASELINES = registry.every("visrep.representations.baselines")
METHODS = registry.every("visrep.representations.methods")
EVALUATIONS = registry.every("visrep.evaluations")
# encoders with a stage of their own
OWN_STAGE = ("vicreg", "no_generated_neighbors", "laplacian_eigenmaps", "linear_vicreg", "patch_eigenmaps")
NORMAL = "objects"  # the set that encoders learn from
MOST_SETS = 12  # of anomalies: each is a number in a metrics file
CLASSIFIERS = ("cnn", "adv_cnn")  # with a stage of their own
FIRST = "vicreg"  # the method that neighbors and the report are based on
PATCHES = "patches"  # the baseline that linear_vicreg and patch_eigenmaps are based on


def check(values: Mapping[str, Any], path: Path = params.FILE) -> None:
    """Raises `Failure` that names all that is wrong with the parameters in ``values``."""
    params.check(values, Study, path)


class Sections(Section):
    """The sections of every study; each evaluation and method adds its own."""

    runtime: Runtime
    processes: Processes
    download: Download
    train_cnn: TrainCNN
    adv_train: AdvTrain
    defences: Defences
    classifiers: Classifiers
    fgsm_sweep: FgsmSweep
    audit: Audit
    baselines: dict[Name, Any]
    pretraining: Pretraining
    ablations: Ablations
    methods: Methods
    neighbors: Neighbors
    no_generated_neighbors: NoGeneratedNeighbors
    laplacian_eigenmaps: LaplacianEigenmaps
    linear_vicreg: LinearVicreg
    latents: AllLatents
    encoders: Labels
    families: Families
    similarity: Similarity
    factors: Factors
    replicates: Replicates
    figures: Figures

    @model_validator(mode="before")
    @classmethod
    def _methods_take_what_they_share(cls, values: Any) -> Any:
        """A method takes from `pretraining` what its own section does not give. Faults of `pretraining` are reported
        once and first."""
        if not isinstance(values, dict) or not isinstance(shared := values.get("pretraining"), dict):
            return values
        try:
            Pretraining.model_validate(shared)
        except ValidationError as error:
            raise ValueError(faults(error, "pretraining")) from None
        own = {name: values[name] for name in METHODS if isinstance(values.get(name), dict)}
        return values | {name: merged(shared, section) for name, section in own.items()}

    @model_validator(mode="after")
    def _sections_fit(self) -> "Sections":
        for problem in self._problems():
            raise ValueError(problem)
        return self

    def _problems(self) -> Iterator[str]:
        """The first one is reported, since others may follow from it."""
        yield from self._sets()
        yield from self._baselines()
        yield from self._methods()
        yield from self._ablations()
        yield from self._neighbors()
        yield from self._defence(self.adv_train, "adv_train")
        yield from self._defences()
        yield from self._encoders()
        if not self.methods.root:
            yield "methods is empty; the figures of training need at least one"

    def section(self, name: str) -> Method | None:
        """The parameters of a method, where they are given."""
        parameters: Method | None = vars(self).get(name) if name in METHODS else None
        return parameters

    def _sets(self) -> Iterator[str]:
        """Every embedded set has a module that draws it; every anomalous set exists."""
        sets: dict[str, BaseModel] = dict(self.download)
        for name, source in sets.items():
            if isinstance(source, Embedded) and find_spec(f"visrep.data.embedded.{name}") is None:
                yield f"download.{name}: there is no visrep.data.embedded.{name} to draw it; name another source"
        anomalous: dict[Name, Name] = vars(self)["anomaly"].sets.root
        for key, name in anomalous.items():
            if name not in sets:
                yield f"anomaly.sets.{key}: {name} is no set of download"
            if name == NORMAL or list(anomalous.values()).count(name) > 1:
                yield f"anomaly.sets.{key}: {name} is {'the normal set' if name == NORMAL else 'named twice'}"
        for name in ("train", "test"):
            if name in sets:
                yield f"download.{name}: embeddings of the objects have this name; call the set something else"
        if not 1 <= len(anomalous) <= MOST_SETS:
            yield f"anomaly.sets names {len(anomalous)} sets; it takes 1 to {MOST_SETS}"

    def _baselines(self) -> Iterator[str]:
        for name, section in self.baselines.items():
            if name not in BASELINES:
                yield f"baselines: there is no baseline {name!r}; one of {', '.join(BASELINES)}"
                continue
            try:
                BASELINES[name].Settings.model_validate(section)
            except ValidationError as error:
                yield faults(error, f"baselines.{name}")
        if PATCHES not in self.baselines:
            yield f"baselines.{PATCHES} is missing; linear_vicreg and patch_eigenmaps need it"

    def _methods(self) -> Iterator[str]:
        for name in self.methods.root:
            if name in OWN_STAGE or self.methods.root.count(name) > 1:
                yield f"methods names {name}, which is trained already"
            if name not in METHODS:
                yield f"methods: there is no method {name!r}; one of {', '.join(METHODS)}"
            if self.section(name) is None:
                yield f"{name} is missing, which methods names"
        needed = {FIRST, *self.methods.root, *(ablation.of for ablation in self.ablations.root.values())}
        for name in sorted(needed):
            section, count = self.section(name), self.processes.root
            if section is not None and section.batch_size < count:
                yield f"processes is {count}, but {name}.batch_size {section.batch_size}; each needs an image"
        for name in METHODS:
            if name not in needed and self.section(name) is not None:
                yield f"{name} is read by nothing; name it in methods, or take it out"

    def _ablations(self) -> Iterator[str]:
        trained = (*self.baselines, *OWN_STAGE, *self.methods.root, *self.latents.root)
        for name, ablation in self.ablations.root.items():
            key = f"ablations.{name}"
            whole = self.section(ablation.of)
            if name in trained:
                yield f"{key} has the name of another encoder"
            if whole is None:
                yield f"{key}.of: {ablation.of!r} is no method with a section here"
                continue
            try:
                ablation.apply(whole)
            except ValidationError as error:
                yield faults(error, key)
        if not self.ablations.root:
            yield "ablations is empty; the figures of training need at least one"

    def _neighbors(self) -> Iterator[str]:
        """The shorter training must fit the rest of VICReg's section."""
        whole = self.section(FIRST)
        try:
            self.no_generated_neighbors.of(whole) if whole else None
        except ValidationError as error:
            yield faults(error, f"no_generated_neighbors with {FIRST}")

    def _defence(self, defence: AdvTrain, key: str) -> Iterator[str]:
        """A defence that starts from the classifier has its validation images: others would include some that the
        classifier was trained on."""
        if not isinstance(defence.model, FromClassifier):
            return
        for name in ("seed", "validation"):
            ours, theirs = getattr(defence, name), getattr(self.train_cnn, name)
            if ours != theirs:
                yield f"{key}.{name} is {ours}, train_cnn.{name} {theirs}; init cnn needs them equal"

    def _defences(self) -> Iterator[str]:
        """Each defence fits the section that it changes; classifiers and trained networks are the same names."""
        for name, defence in self.defences.root.items():
            key = f"defences.{name}"
            if name in (*CLASSIFIERS, *self.encoders.root):
                yield f"{key} has the name of another network"
            try:
                if defence.of == "adv_train":
                    yield from self._defence(defence.apply(self.adv_train), key)
                else:
                    defence.apply(self.train_cnn)
            except ValidationError as error:
                yield faults(error, key)
        trained, labels = (*CLASSIFIERS, *self.defences.root), list(self.classifiers.root.values())
        for name, label in self.classifiers.root.items():
            if name not in trained:
                yield f"classifiers.{name} is trained by no stage; add it to defences, or take it out"
            if labels.count(label) > 1:
                yield f"classifiers.{name}: {label!r} is the name of another classifier too"
        for name in trained:
            if name not in self.classifiers.root:
                yield f"classifiers.{name} is missing, so nothing would attack it"
        if (gate := self.fgsm_sweep.gate_epsilon) not in self.audit.epsilons:
            yield f"audit.epsilons must hold fgsm_sweep.gate_epsilon, {gate:g}"

    def _encoders(self) -> Iterator[str]:
        """Encoders and trained networks are the same names."""
        encoders = self.encoders.root
        if FIRST not in encoders:
            yield f"encoders.{FIRST} is missing; neighbors and the report need it"
        if (of := self.neighbors.of) not in encoders or of == "no_generated_neighbors":
            yield f"neighbors.from: {of!r} is no encoder that exists before the neighbors"
        labels = list(encoders.values())
        for name, label in encoders.items():
            if labels.count(label) > 1:
                yield f"encoders.{name}: {label!r} is the name of another encoder too"
        known = (*self.baselines, *OWN_STAGE, *self.methods.root, *self.ablations.root, *self.latents.root)
        for name in encoders:
            if name not in known:
                yield f"encoders.{name} is trained by no stage; add it to ablations or methods, or take it out"
        made = {"baselines": self.baselines, "ablations": self.ablations.root, "methods": self.methods.root}
        made |= {"latents": self.latents.root}
        for section, names in made.items():
            for name in names:
                if name not in encoders:
                    yield f"{section}: {name} is missing in encoders, so nothing would read it"


_OWN: dict[str, Any] = {name: (module.Settings, ...) for name, module in EVALUATIONS.items()}
_OWN |= {name: (module.Settings | None, None) for name, module in METHODS.items()}
_OWN[FIRST] = (METHODS[FIRST].Settings, ...)
Study = create_model("Study", __base__=Sections, **_OWN)
