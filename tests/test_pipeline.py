"""dvc.yaml says what the code does, line for line: dependencies, parameters, outputs, names."""

import ast
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

import observed
import tiny
from graph import FILE, parse, paths, stages
from oracles import ROOT, closure
from visrep.study import Study

PLOT_KEYS = {"title", "template", "x", "y", "x_label", "y_label"}


def problems(dvc: dict[str, Any], seen: dict[str, observed.Seen]) -> list[str]:
    """What a parsed dvc.yaml gets wrong, given what each stage was seen to do."""
    found: list[str] = []
    try:
        named = stages(dvc)
    except (TypeError, AttributeError, KeyError) as error:
        return [f"no stages: {error!r}"]
    found += [f"stages differ: {sorted(named.keys() ^ seen.keys())}"] if named.keys() != seen.keys() else []
    for name, stage in named.items():
        if name in seen:
            found += [f"{name}: {problem}" for problem in _of_stage(name, stage, seen[name])]
    curves = {name: columns for stage in seen.values() for name, columns in stage.curves.items()}
    return found + _of_plots(dvc, named, curves)


def _of_stage(name: str, stage: dict[str, Any], seen: observed.Seen) -> list[str]:
    module, _, item = name.partition("@")
    command = f"exec python -m stages.{module} {item}".strip()
    code = closure(ROOT / f"stages/{module}.py", *(ROOT / extra for extra in seen.modules))
    data = {*seen.inputs, *({"data/params.ok"} if module == "download" else set())}
    outs = {f for f in seen.outputs if not f.startswith(("metrics/", "plots/"))}
    return [
        *_differ("cmd", {stage.get("cmd")}, {command}),
        *_differ("deps", dict.fromkeys(_modules(stage)), code | data),  # @cnn is its own source of transfer
        *_differ("params", paths(stage.get("params")), seen.sections),
        *_differ("outs", paths(stage.get("outs")), outs),
        *[p for kind in ("metrics", "plots")
          for p in _differ(kind, paths(stage.get(kind)), {f for f in seen.outputs if f.startswith(f"{kind}/")})],
        *[f"{entry} must say cache: false" for kind in ("metrics", "plots") for entry in stage.get(kind) or []
          if not isinstance(entry, dict) or (next(iter(entry.values())) or {}).get("cache") is not False],
        *[f"{path} has {sorted(settings)}, needs {sorted(PLOT_KEYS)}" for path, settings in _settings(stage)
          if settings.keys() != (PLOT_KEYS if path in seen.rows else set()) or not all(settings.values())],
        *[f"{key} is no key that is used here" for key in stage.keys() - {"desc", "cmd", "deps", "params", "outs"}
          - {"metrics", "plots"}],
    ]  # fmt: skip


def _modules(stage: dict[str, Any]) -> list[str]:
    """What a stage depends on, with the modules of a package where it is named as a whole."""
    named = paths(stage.get("deps"))
    within = {path: sorted((ROOT / path).glob("[!_]*.py")) for path in named if path.startswith("src/")}
    return [str(f.relative_to(ROOT)) for path in named for f in within.get(path) or [ROOT / path]]


def _settings(stage: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    entries = [entry for entry in stage.get("plots") or [] if isinstance(entry, dict)]
    pairs = [(path, settings or {}) for entry in entries for path, settings in entry.items()]
    return [(path, {key: value for key, value in settings.items() if key != "cache"}) for path, settings in pairs]


def _differ(what: str, declared: Any, real: Any) -> list[str]:
    declared, real = list(declared), set(real)
    twice = [f"{what} names {entry} twice" for entry in set(declared) if declared.count(entry) > 1]
    missing, extra = sorted(real - set(declared)), sorted(set(map(str, declared)) - set(map(str, real)))
    return twice + ([f"{what} lacks {missing} and has {extra} too many"] if missing or extra else [])


def _of_plots(dvc: dict[str, Any], named: dict[str, dict[str, Any]], curves: dict[str, list[str]]) -> list[str]:
    """What one chart joins: both classifiers under attack, and all the curves of every training."""
    found, drawn = [], set()
    for entry in dvc.get("plots") or []:
        ((title, settings),) = entry.items()
        settings = settings or {}
        if settings.keys() != PLOT_KEYS or not all(settings.values()):
            found.append(f"plot {title!r} has {sorted(settings)}, needs {sorted(PLOT_KEYS)}")
        ys = settings.get("y")
        for table, columns in (ys if isinstance(ys, dict) else {}).items():
            drawn.add(table)
            found += _differ(f"curves of {table}", columns or [], curves[table]) if table in curves else []
    joined = {path for stage in named.values() for path in paths(stage.get("plots")) if "fgsm_sweep" in path}
    joined = {path for path in joined if not path.endswith("details.json")}
    return found + _differ("plots at top level", drawn, joined | curves.keys())


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("observed")


@pytest.fixture(scope="module")
def seen(folder: Path) -> dict[str, observed.Seen]:
    return observed.all_stages(folder)


def test_dvc_yaml_says_what_the_stages_do(seen: dict[str, observed.Seen]) -> None:
    assert problems(parse(FILE.read_text()), seen) == []


def test_deleting_any_line_is_noticed(seen: dict[str, observed.Seen]) -> None:
    lines = FILE.read_text().splitlines()
    silent = []
    for number, line in enumerate(lines):
        if not line.strip() or line.strip().startswith(("#", "desc:")):
            continue
        try:
            parsed = parse("\n".join(lines[:number] + lines[number + 1 :]))
        except yaml.YAMLError:
            continue
        if not problems(parsed, seen):
            silent.append(f"{number + 1}: {line}")
    assert silent == []


def test_every_stage_has_a_caption() -> None:
    for name, stage in stages(parse(FILE.read_text())).items():
        assert len(stage["desc"]) > 20, name


def test_sections_stages_and_modules_correspond() -> None:
    shipped = tiny.study()
    modules = {path.stem for path in (ROOT / "stages").glob("*.py")} - {"__init__"}
    names = {name.partition("@")[0] for name in stages(parse(FILE.read_text()))}
    assert modules == names == set(dict(tiny.RUNS))
    assert set(shipped) == set(Study.model_fields)
    assert set(shipped) - {"runtime", "figures", "encoders", "families"} <= names


def test_every_parameter_is_read_by_the_stages_that_declare_it(folder: Path, seen: dict[str, observed.Seen]) -> None:
    read = observed.leaves_read(folder)
    assert sorted(observed.leaves(tiny.study()) - read) == []


def test_packages_hold_a_docstring_and_nothing_that_could_change_a_result() -> None:
    for file in ROOT.glob("src/**/__init__.py"):
        body = ast.parse(file.read_text()).body
        assert len(body) == 1, file
        assert isinstance(body[0], ast.Expr), file
    _, *waiting = ast.parse((ROOT / "stages/__init__.py").read_text()).body
    said = "import os\nos.environ.setdefault('GOMP_SPINCOUNT', '30000')\nPARENT = os.getppid()"
    assert ast.unparse(waiting) == said


TRAINING = {
    "train_cnn",
    "adv_train",
    "vicreg",
    "ablations",
    "no_generated_neighbors",
    "simclr",
    "simclr_ablations",
    "similarity",
}
NETWORKS = {*TRAINING, "fgsm_sweep", "floors", "embed", "factors"}
DRAWING = {"roc", *(name for name in dict(tiny.RUNS) if name.startswith("figures"))}


@pytest.mark.parametrize("stage", sorted(set(dict(tiny.RUNS)) - NETWORKS))
def test_stages_that_need_no_torch_do_not_import_it(stage: str) -> None:
    probe = f"import sys, stages.{stage}; sys.exit('torch' in sys.modules or 'torchvision' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", probe], cwd=ROOT).returncode == 0


@pytest.mark.parametrize("stage", sorted(set(dict(tiny.RUNS)) - DRAWING))
def test_only_stages_that_draw_import_drawing_code(stage: str) -> None:
    assert not [path for path in closure(ROOT / f"stages/{stage}.py") if "figures/" in path]
