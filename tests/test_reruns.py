"""A change reruns what it touches, no more and no less: DVC's own judgement of a study whose outputs are all there."""

import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from pathlib import Path
from typing import Any
from unittest import mock

import networkx as nx
import pytest
from dvc.dependency import param
from dvc.output import Output
from dvc.repo import Repo, lock_repo

import graph
import observed
import tiny
from oracles import ROOT
from visrep.engine.repository import Repository

SEEDS = (1, 2)  # of replicates, in the study of these tests
SPREAD = {"spread", "choosing", "figures_spread", "report"}


def again(group: str, *names: str) -> set[str]:
    """Replicates, and what reads them."""
    items = [f"{name}-{seed}" for name in names for seed in SEEDS] if names else SEEDS
    return {f"replicate_{group}@{item}" for item in items} | SPREAD


DIGITS_AGAIN, VICREG_AGAIN, SIMCLR_AGAIN = again("digits"), again("vicreg"), again("methods", "simclr")
ABLATED_AGAIN = again("ablations", "no_variance")
ENCODERS_AGAIN = VICREG_AGAIN | SIMCLR_AGAIN | ABLATED_AGAIN


ATTACKED = ("cnn", "adv_cnn")
AROUND = {f"figures_audit@{name}" for name in ATTACKED}


def attacked(*classifiers: str) -> set[str]:
    """All that attacks these."""
    stages = ("fgsm_sweep", "audit", "figures_audit")
    return {f"{stage}@{name}" for stage in stages for name in classifiers} | {"figures_attacks", "report"}


AUDITS = attacked(*ATTACKED) - {f"fgsm_sweep@{name}" for name in ATTACKED}
SWEEPS = attacked(*ATTACKED) | DIGITS_AGAIN
DEFENCE = {"adv_train"} | attacked("adv_cnn") | DIGITS_AGAIN
CNN = {"train_cnn", "figures_digits", "adv_train"} | SWEEPS
BASELINES = ("pixels", "whitened_pixels", "random", "patches")
ON_PATCHES = ("linear_vicreg", "patch_eigenmaps")
NETWORKS = ("vicreg", "no_variance", "no_generated_neighbors", "simclr")
ENCODERS = (*BASELINES, *NETWORKS, *ON_PATCHES, "laplacian_eigenmaps")


def read(*encoders: str) -> set[str]:
    """All that reads the embeddings of these."""
    stages = ("embed", *tiny.EVALUATIONS)
    return {f"{stage}@{name}" for stage in stages for name in encoders} | {"roc", "figures_encoders"} | SPREAD


def each(*stages: str) -> set[str]:
    return {f"{stage}@{name}" for stage in stages for name in ENCODERS} | {"report"}


def fetched(name: str) -> set[str]:
    """Where the images of a set come in."""
    return {f"download@{name}", f"figures_sets@{name}"}


ANOMALY = each("anomaly", "figures") | {"roc"} | ENCODERS_AGAIN
PROBES = each("probe", "dimensions", "figures") | {"figures_encoders"} | ENCODERS_AGAIN
NEIGHBORS = {"neighbors", "no_generated_neighbors", "figures_training"} | read("no_generated_neighbors") | VICREG_AGAIN
VICREG = {"vicreg", "ablations@no_variance"} | NEIGHBORS | read("vicreg", "no_variance") | ABLATED_AGAIN
SIMCLR = {"methods@simclr", "figures_training"} | read("simclr") | SIMCLR_AGAIN
PATCHES = {*ON_PATCHES} | read("patches", *ON_PATCHES)
MADE = {*(f"baselines@{name}" for name in BASELINES), *ON_PATCHES} | read(*BASELINES, *ON_PATCHES)
UNLABELLED = VICREG | SIMCLR | MADE | {"laplacian_eigenmaps"} | read(*ENCODERS)
UNTOUCHED = {*(f"baselines@{name}" for name in BASELINES), "laplacian_eigenmaps"}  # by how networks run
FAMILIES = ("autoencoder", "vary_color", "vary_location", "keep_color")
FACTORS = {*(f"factors@{name}" for name in FAMILIES), "figures_shapes"} | again("shapes", *FAMILIES)
SHAPES = {f"similarity@{name}" for name in FAMILIES} | FACTORS
SETS = [name for stage, name in tiny.RUNS if stage == "download"]
DOWNLOADS = {f"download@{name}" for name in SETS}
SHEETS = {f"figures_sets@{name}" for name in SETS}
ALL = {"check", *DOWNLOADS, *SHEETS, *CNN, *UNLABELLED, *SHAPES}

AGAIN = DIGITS_AGAIN | ENCODERS_AGAIN | again("shapes", *FAMILIES)
DRAWN = each("figures") | {
    "figures_digits",
    "figures_attacks",
    *AROUND,
    "figures_training",
    "figures_encoders",
    "figures_shapes",
    "figures_spread",
    "roc",
    *SHEETS,
}

# (file, text, its replacement): the stages that rerun
TABLE = [
    ("params.yaml", r"(adv_train:(?s:.*?)epsilon: )0.1", r"\g<1>0.05", {"check"} | DEFENCE),
    ("params.yaml", r"(train_cnn:(?s:.*?)epochs: )\d+", r"\g<1>77", {"check"} | CNN),
    ("params.yaml", r"step_share: 0\.5", "step_share: 0.25", {"check"} | SWEEPS),
    ("params.yaml", r"targets: 9", "targets: 3", {"check"} | AUDITS | DIGITS_AGAIN),
    ("params.yaml", r"adv_cnn: defended", "adv_cnn: hardened", {"check", "report", *AROUND}),
    ("params.yaml", r"palette: okabe_ito", "palette: grey", {"check"} | DRAWN),
    ("params.yaml", r"threads: 1", "threads: 2", {"check"} | ALL - DOWNLOADS - SHEETS),
    (
        "params.yaml",
        r"bf16: false",
        "bf16: true",
        {"check"} | CNN | SHAPES | UNLABELLED - UNTOUCHED,
    ),
    (
        "params.yaml",
        r"(handwritten_digits:(?s:.*?)seed: )0",
        r"\g<1>1",
        {"check", "download@handwritten_digits", "figures_sets@handwritten_digits", "patch_eigenmaps"}
        | NEIGHBORS
        | ENCODERS_AGAIN
        | read(*ENCODERS),
    ),
    (
        "params.yaml",
        r"(street_digits:(?s:.*?)source: )embedded",
        r"\g<1>official",
        {"check", "download@street_digits", "figures_sets@street_digits", "patch_eigenmaps"}
        | CNN
        | NEIGHBORS
        | ENCODERS_AGAIN
        | read(*ENCODERS),
    ),
    ("params.yaml", r"(pretraining:(?s:.*?)epochs: )\d+", r"\g<1>77", {"check"} | VICREG | SIMCLR),
    ("params.yaml", r"(vicreg:(?s:.*?)invariance: )25.0", r"\g<1>20.0", {"check"} | VICREG),
    ("params.yaml", r"(simclr:(?s:.*?)queue: )0", r"\g<1>64", {"check"} | SIMCLR),
    (
        "params.yaml",
        r"stem_stride: 2",
        "stem_stride: 1",
        {"check"} | VICREG | SIMCLR | MADE,
    ),
    (
        "params.yaml",
        r"variance: 0.0 ",
        "variance: 1.0 ",
        {"check", "ablations@no_variance", "figures_training"} | read("no_variance") | ABLATED_AGAIN,
    ),
    ("params.yaml", r"(replicates:\n  seeds: )\[1, 2\]", r"\g<1>[2]", {"check"} | SPREAD),
    ("params.yaml", r"(score: chosen(?s:.*?)- )2\b", r"\g<1>3", {"check"} | ANOMALY),
    (
        "params.yaml",
        r"centroids: 300",
        "centroids: 200",
        {"check", "baselines@patches"} | PATCHES,
    ),
    ("params.yaml", r"ridge: 0\.01", "ridge: 0.02", {"check", "linear_vicreg"} | read("linear_vicreg")),
    (
        "src/visrep/representations/baselines/pixels.py",
        r"\Z",
        "# a comment\n",
        {"check", "baselines@pixels", "laplacian_eigenmaps", "patch_eigenmaps"}
        | NEIGHBORS
        | ENCODERS_AGAIN
        | read(*ENCODERS),
    ),
    ("params.yaml", r"(neighbors:(?s:.*?)k: )3", r"\g<1>4", {"check"} | NEIGHBORS),
    ("params.yaml", r"perplexity: 30", "perplexity: 20", {"check"} | each("maps", "figures") | ENCODERS_AGAIN),
    (
        "params.yaml",
        r"vicreg: VICReg ",
        "vicreg: Ours ",
        {"check", "figures@vicreg", "figures_training", "figures_encoders", "roc"} | (SPREAD - {"choosing"}),
    ),
    ("params.yaml", r"temperature: 0.1        #", "temperature: 0.2        #", {"check"} | SHAPES),
    ("params.yaml", r"(factors:(?s:.*?)k: )5", r"\g<1>3", {"check"} | FACTORS),
    (
        "params.yaml",
        r"(shapes:(?s:.*?)seed: )0",
        r"\g<1>1",
        {"check"} | fetched("shapes") | SHAPES,
    ),
    (
        "params.yaml",
        r"(vary_color:(?s:.*?)- color)",
        r"\g<1>\n    - size",
        {"check", "similarity@vary_color", "factors@vary_color", "figures_shapes"} | again("shapes", "vary_color"),
    ),
    ("params.yaml", r"#.*", "# another comment", set()),
    ("params.yaml", r"lr: 0\.05\b", "lr: 5.0e-2", set()),
    ("stages/train_cnn.py", r"\Z", "# a comment\n", CNN),
    ("stages/figures_digits.py", r"\Z", "# a comment\n", {"figures_digits", "report"}),
    ("src/visrep/digits/adversarial.py", r"\Z", "# a comment\n", DEFENCE),
    ("src/visrep/digits/sweep.py", r"\Z", "# a comment\n", SWEEPS),
    ("src/visrep/digits/masked.py", r"\Z", "# a comment\n", SWEEPS),
    ("src/visrep/audit/apgd.py", r"\Z", "# a comment\n", AUDITS | DIGITS_AGAIN),
    (
        "src/visrep/settings/defences.py",
        r"\Z",
        "# a comment\n",
        {"check"},
    ),
    ("src/visrep/digits/supervised.py", r"\Z", "# a comment\n", CNN),
    ("stages/figures.py", r"\Z", "# a comment\n", each("figures")),
    ("src/visrep/representations/methods/vicreg.py", r"\Z", "# a comment\n", {"check"} | VICREG),
    ("params.yaml", r"temperature: 0\.2", "temperature: 0.25", {"check"} | SIMCLR),
    ("src/visrep/representations/methods/simclr.py", r"\Z", "# a comment\n", {"check"} | SIMCLR),
    (
        "src/visrep/measures/scalings.py",
        r"\Z",
        "# a comment\n",
        {"check"} | VICREG | SIMCLR | ANOMALY | PROBES | each("uniformity") | FACTORS,
    ),
    ("src/visrep/replicates/replicate.py", r"\Z", "# a comment\n", AGAIN),
    ("src/visrep/measures/probes.py", r"\Z", "# a comment\n", {"check"} | PROBES | FACTORS),
    ("src/visrep/shapes/redrawn.py", r"\Z", "# a comment\n", SHAPES),
    (
        "src/visrep/measures/geometry.py",
        r"\Z",
        "# a comment\n",
        {"check"} | VICREG | SIMCLR | each("uniformity") | FACTORS,  # trainings measure alignment and uniformity
    ),
    ("src/visrep/figures/shapes.py", r"\Z", "# a comment\n", {"figures_shapes", "report"}),
    (
        "src/visrep/representations/spectral.py",
        r"\Z",
        "# a comment\n",
        {"laplacian_eigenmaps", "patch_eigenmaps"} | read(*ENCODERS) | NEIGHBORS | ENCODERS_AGAIN,
    ),
    ("src/visrep/data/embedded/shapes.py", r"\Z", "# a comment\n", fetched("shapes") | SHAPES),
    ("src/visrep/data/archive.py", r"\Z", "# a comment\n", ALL - {"check"}),
    ("src/visrep/stage/job.py", r"\Z", "# a comment\n", ALL),
    ("src/visrep/settings/digits.py", r"\Z", "# a comment\n", {"check"} | CNN),
    ("src/visrep/digits/table.py", r"\Z", "# a comment\n", SWEEPS),
    (
        "src/visrep/evaluations/retrieval.py",
        r"\Z",
        "# a comment\n",
        {"check"} | each("retrieval", "figures") | ENCODERS_AGAIN,
    ),
    ("src/visrep/study.py", r"\Z", "# a comment\n", {"check"}),
    ("src/visrep/report/page.html.j2", r"\Z", "{# a comment #}\n", {"report"}),
    ("src/visrep/report/style.css", r"\Z", "/* a comment */\n", {"report"}),
    ("docs/reported.yaml", r"91.85", "91.86", {"report"}),
    ("presets/best.yaml", r"epochs: \d+", "epochs: 77", {"report"}),
    ("dvc.yaml", r"desc: .*", "desc: another caption", {"report"}),
]


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A copy of the project in which every output exists (as a small fake) and dvc.lock says so."""
    folder = tmp_path_factory.mktemp("study")
    for name in ("src", "stages"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__", "*.egg-info"))
    tiny.furnish(folder)
    shutil.copy(ROOT / ".dvcignore", folder)
    shipped = (ROOT / "params.yaml").read_text()
    seeds = re.sub(r"(replicates:.*\n  seeds:).*\n(?:    - \d+\n)+", rf"\g<1> {list(SEEDS)}\n", shipped)
    (folder / "params.yaml").write_text(re.sub(r"replicates:.*", "replicates:", seeds))
    with observed.inside(folder):
        Repo.init(no_scm=True).close()
        with Repository() as repository:
            paths = {item.fs_path for stage in repository.repo.index.stages for item in (*stage.outs, *stage.deps)}
            for path in sorted(paths):
                if not Path(path).exists():
                    _fake(Path(path))
            for name in repository.needs:
                repository.record(name)
            repository.write(all_done=True)
        assert not reruns(folder)
        yield folder


def _fake(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix:
        path.write_text(f"{path.name}\n")
    else:
        path.mkdir()
        (path / "content").write_text(f"{path.name}\n")


def changed(folder: Path) -> tuple[set[str], nx.DiGraph]:
    """What DVC calls changed, and the graph of all stages, from each to what it depends on. By `dvc status`, but each
    path is looked at once, not once for each stage that reads it."""
    with (
        observed.inside(folder),
        once(Output, "_get_hash_meta"),
        once(param, "load_path"),
        Repo() as repo,
        lock_repo(repo),
    ):
        return set(repo.status()), nx.DiGraph(repo.index.graph)


@contextmanager
def once(owner: Any, name: str) -> Iterator[None]:
    """A function of DVC is called once for each path, its first argument or the `fs_path` of that."""
    function, known = getattr(owner, name), {}

    def remembering(first: Any, *more: Any) -> Any:
        path = getattr(first, "fs_path", first)
        if path not in known:
            known[path] = function(first, *more)
        return deepcopy(known[path])

    with mock.patch.object(owner, name, remembering):
        yield


def reruns(folder: Path) -> set[str]:
    """What DVC calls changed, and all that depends on it. `check` ends in the same bytes whatever the parameters are
    (a test says so), so nothing reruns because of it alone."""
    names, graph = changed(folder)
    followed = [stage for stage in graph if stage.addressing in names - {"check"}]
    return names | {s.addressing for start in followed for s in nx.ancestors(graph, start)}


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


def test_two_lines_add_a_branch_and_rerun_what_shows_all_encoders(study: Path) -> None:
    path = study / "params.yaml"
    before = path.read_text()
    text = before.replace(
        "\nablations:", "\nablations:\n  no_flip:\n    of: vicreg\n    augment:\n      flip: 0.0\n#", 1
    )
    text = text.replace("\nencoders:", "\nencoders:\n  no_flip: VICReg without flips\n#", 1)
    path.write_text(text)
    try:
        added = {"check", "ablations@no_flip", "figures_training"} | read("no_flip") | again("ablations", "no_flip")
        assert reruns(study) == added
    finally:
        path.write_text(before)


def test_other_digits_concern_nobody_but_the_search_for_anomalies(study: Path) -> None:
    path = study / "embeddings/vicreg/handwritten_digits.npy"
    for change, expected in ((lambda: _fake(path), {"anomaly@vicreg"}), (path.unlink, set())):
        change()
        with observed.inside(study), Repository() as repository:
            repository.record("embed@vicreg")
            repository.write(all_done=True)
        assert changed(study)[0] == expected


def test_the_check_ends_in_the_same_bytes_whatever_the_parameters_are(tmp_path: Path) -> None:
    import runs
    import tiny

    written = set()
    for epochs in (1, 2):
        tiny.write(tmp_path, {"train_cnn": {"epochs": epochs}})
        assert runs.run(tmp_path, "check").code == 0
        written.add((tmp_path / "data/params.ok").read_bytes())
    assert len(written) == 1


def test_metrics_and_figures_are_read_by_few() -> None:
    stages = graph.stages(graph.parse(graph.FILE.read_text()))
    results = {path for stage in stages.values() for path in graph.paths(stage.get("metrics"))}
    results |= {path for stage in stages.values() for path in graph.paths(stage.get("plots")) if "figures" in path}
    reading = {name for name, stage in stages.items() for dep in graph.paths(stage["deps"]) for path in results
               if Path(path).is_relative_to(dep)}  # fmt: skip
    assert len(results) > 40
    assert reading == {"choosing", "report", "spread"}


def test_all_is_every_stage() -> None:
    named = set(graph.stages(graph.parse(graph.FILE.read_text())))
    more = ("large_batch", *tiny.study()["defences"], *tiny.study()["latents"])
    tiny_only = {name for name in named if any(f"@{one}" in name for one in more)}
    assert named - tiny_only == {name for name in ALL if not re.search(r"^replicate_.*[@-]2$", name)}
