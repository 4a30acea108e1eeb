"""A change reruns what it touches, no more and no less: DVC's own judgement of a study whose outputs are all there."""

import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import networkx as nx
import pytest
from dvc.repo import Repo

import graph
import observed
from oracles import ROOT

CNN = {"train_cnn", "adv_train", "fgsm_sweep@cnn", "fgsm_sweep@adv_cnn", "figures_digits", "figures_attacks"}
DEFENCE = {"adv_train", "fgsm_sweep@adv_cnn", "figures_attacks"}
SWEEPS = {"fgsm_sweep@cnn", "fgsm_sweep@adv_cnn", "figures_attacks"}
ENCODERS = ("pixels", "random", "vicreg", "no_variance", "no_generated_neighbors", "laplacian_eigenmaps", "simclr")


def read(*encoders: str) -> set[str]:
    """All that reads the embeddings of these."""
    stages = ("embed", "probe", "maps", "retrieval", "anomaly", "clustering", "figures")
    return {f"{stage}@{name}" for stage in stages for name in encoders} | {"roc", "figures_encoders"}


def each(*stages: str) -> set[str]:
    return {f"{stage}@{name}" for stage in stages for name in ENCODERS}


ANOMALY = each("anomaly", "figures") | {"roc"}
NEIGHBORS = {"neighbors", "no_generated_neighbors", "figures_training"} | read("no_generated_neighbors")
VICREG = {"vicreg", "ablations@no_variance"} | NEIGHBORS | read("vicreg", "no_variance")
SIMCLR = {"simclr", "figures_training"} | read("simclr")
UNLABELLED = VICREG | SIMCLR | {"floors@pixels", "floors@random", "laplacian_eigenmaps"} | read(*ENCODERS)
DOWNLOADS = {f"download@{name}" for name in ("svhn", "cifar10", "mnist", "shapes")}
ALL = {"check", *DOWNLOADS, *CNN, *UNLABELLED}

DRAWN = each("figures") | {"figures_digits", "figures_attacks", "figures_training", "figures_encoders", "roc"}

# (file, text, its replacement): the stages that rerun
TABLE = [
    ("params.yaml", r"(adv_train:(?s:.*?)alpha: )0.8", r"\g<1>0.5", {"check"} | DEFENCE),
    ("params.yaml", r"(train_cnn:(?s:.*?)epochs: )\d+", r"\g<1>77", {"check"} | CNN),
    ("params.yaml", r"more_steps: 40", "more_steps: 50", {"check"} | SWEEPS),
    ("params.yaml", r"palette: okabe_ito", "palette: grey", {"check"} | DRAWN),
    ("params.yaml", r"threads: 2", "threads: 1", {"check"} | CNN | UNLABELLED - {"floors@pixels", "floors@random"}),
    ("params.yaml", r"bf16: false", "bf16: true", {"check"} | CNN | VICREG | SIMCLR | read(*ENCODERS)),
    ("params.yaml", r"(mnist:(?s:.*?)seed: )0", r"\g<1>1", {"check", "download@mnist"} | NEIGHBORS | read(*ENCODERS)),
    (
        "params.yaml",
        r"(svhn:(?s:.*?)source: )embedded",
        r"\g<1>official",
        {"check", "download@svhn"} | CNN | NEIGHBORS | read(*ENCODERS),
    ),
    ("params.yaml", r"(vicreg:(?s:.*?)epochs: )\d+", r"\g<1>77", {"check"} | VICREG),
    (
        "params.yaml",
        r"stem_stride: 2",
        "stem_stride: 1",
        {"check", "floors@pixels", "floors@random"} | VICREG | read("pixels", "random"),
    ),
    (
        "params.yaml",
        r"variance: 0.0 ",
        "variance: 1.0 ",
        {"check", "ablations@no_variance", "figures_training"} | read("no_variance"),
    ),
    ("params.yaml", r"(anomaly:(?s:.*?)k: )2", r"\g<1>3", {"check"} | ANOMALY),
    ("params.yaml", r"(neighbors:(?s:.*?)k: )3", r"\g<1>4", {"check"} | NEIGHBORS),
    ("params.yaml", r"perplexity: 30", "perplexity: 20", {"check"} | each("maps", "figures")),
    (
        "params.yaml",
        r"vicreg: VICReg ",
        "vicreg: Ours ",
        {"check", "figures@vicreg", "figures_training", "figures_encoders", "roc"},
    ),
    ("params.yaml", r"#.*", "# another comment", set()),
    ("params.yaml", r"lr: 0\.05\b", "lr: 5.0e-2", set()),
    ("stages/train_cnn.py", r"\Z", "# a comment\n", CNN),
    ("stages/figures_digits.py", r"\Z", "# a comment\n", {"figures_digits"}),
    ("src/visrep/adversarial.py", r"\Z", "# a comment\n", DEFENCE),
    ("src/visrep/sweep.py", r"\Z", "# a comment\n", SWEEPS),
    ("src/visrep/supervised.py", r"\Z", "# a comment\n", CNN),
    ("stages/figures.py", r"\Z", "# a comment\n", each("figures")),
    ("src/visrep/vicreg.py", r"\Z", "# a comment\n", VICREG),
    ("params.yaml", r"temperature: 0\.2", "temperature: 0.25", {"check"} | SIMCLR),
    ("src/visrep/simclr.py", r"\Z", "# a comment\n", SIMCLR),
    ("src/visrep/scalings.py", r"\Z", "# a comment\n", ANOMALY | each("probe") | {"figures_encoders"}),
    ("src/visrep/probes.py", r"\Z", "# a comment\n", each("probe") | {"figures_encoders"}),
    ("src/visrep/spectral.py", r"\Z", "# a comment\n", {"laplacian_eigenmaps"} | read(*ENCODERS) | NEIGHBORS),
    ("src/visrep/data/embedded/shapes.py", r"\Z", "# a comment\n", {"download@shapes"}),
    ("src/visrep/data/archive.py", r"\Z", "# a comment\n", DOWNLOADS | CNN | UNLABELLED),
    ("src/visrep/run.py", r"\Z", "# a comment\n", ALL),
    ("src/visrep/settings/adv_train.py", r"\Z", "# a comment\n", {"check"} | DEFENCE),
    ("dvc.yaml", r"desc: .*", "desc: another caption", set()),
]


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A copy of the project in which every output exists (as a small fake) and dvc.lock says so."""
    folder = tmp_path_factory.mktemp("study")
    for name in ("src", "stages"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    for name in ("dvc.yaml", "params.yaml"):
        shutil.copy(ROOT / name, folder / name)
    with observed.inside(folder):
        repo = Repo.init(no_scm=True)
        for stage in repo.index.stages:
            for out in stage.outs:
                _fake(Path(out.fs_path))
        repo.commit(force=True)
        assert repo.status() == {}
        yield folder
        repo.close()


def _fake(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix:
        path.write_text(f"{path.name}\n")
    else:
        path.mkdir()
        (path / "content").write_text(f"{path.name}\n")


def reruns(folder: Path) -> set[str]:
    """What DVC calls changed, and all that depends on it. `check` ends in the same bytes whatever the parameters are
    (a test says so), so nothing reruns because of it alone."""
    with observed.inside(folder), Repo() as repo:
        changed = set(repo.status())
        depends = nx.DiGraph(repo.index.graph)  # from a stage to what it depends on
        names = {stage.addressing: stage for stage in depends}
        followed = {names[name] for name in changed - {"check"}}
        return changed | {s.addressing for start in followed for s in nx.ancestors(depends, start)}


@pytest.mark.parametrize(("file", "text", "replacement", "expected"), TABLE)
def test_an_edit_reruns_what_it_touches(
    study: Path, file: str, text: str, replacement: str, expected: set[str]
) -> None:
    path = study / file
    before = path.read_text()
    after = re.sub(text, replacement, before, count=1)
    assert after != before
    path.write_text(after)
    try:
        assert reruns(study) == expected
    finally:
        path.write_text(before)


def test_the_check_ends_in_the_same_bytes_whatever_the_parameters_are(tmp_path: Path) -> None:
    import runs
    import tiny

    written = set()
    for epochs in (1, 2):
        tiny.write(tmp_path, {"train_cnn": {"epochs": epochs}})
        assert runs.run(tmp_path, "check").code == 0
        written.add((tmp_path / "data/params.ok").read_bytes())
    assert len(written) == 1


def test_all_is_every_stage() -> None:
    named = set(graph.stages(graph.parse(graph.FILE.read_text())))
    assert {name for name in named if not name.endswith("@large_batch")} == ALL  # the tiny study's own
