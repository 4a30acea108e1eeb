"""dvc.yaml says what the code does: dependencies, parameters, outputs, charts, names."""

import ast
import json
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
from visrep import registry
from visrep.stage import code
from visrep.study import Study
from visrep.tools import graph

CODE = ("src/", "stages/")
NOT_OBSERVED = ("#", "desc:", "meta:", "title:", "x_label:", "y_label:", "y:", *CODE)  # lines of dvc.yaml
KEYS = ("desc", "cmd", "deps", "params", "meta")  # besides outputs


def problems(dvc: dict[str, Any], seen: dict[str, observed.Seen]) -> list[str]:
    """What a parsed dvc.yaml gets wrong of data, parameters and outputs, given what each stage was seen to do."""
    try:
        named = stages(dvc)
    except (TypeError, AttributeError, KeyError) as error:
        return [f"no stages: {error!r}"]
    wrong = [f"stages differ: {sorted(named.keys() ^ seen.keys())}"] if named.keys() != seen.keys() else []
    return wrong + [
        f"{name}: {problem}"
        for name, stage in named.items()
        if name in seen
        for problem in _of(name, stage, seen[name])
    ]


def _of(name: str, stage: dict[str, Any], seen: observed.Seen) -> list[str]:
    module, _, item = name.partition("@")
    params = paths(stage.get("params"))
    data = {*seen.inputs, *({"data/params.ok"} if module == "download" else set())}
    declared = {path for path in paths(stage.get("deps")) if not path.startswith(CODE)}
    outs = {kind: {f for f in seen.outputs if f.startswith(f"{kind}/")} for kind in ("metrics", "plots")}
    outs["outs"] = seen.outputs - outs["metrics"] - outs["plots"]
    return [
        *_differ("cmd", [stage.get("cmd")], {f"exec python -m stages.{module} {item}".strip()}),
        *_differ("deps", declared, data),
        *_differ("params", params, _outermost(seen.sections - (seen.covered - set(params)))),
        *[problem for kind, real in outs.items() for problem in _differ(kind, paths(stage.get(kind)), real)],
        *[f"{entry} must say cache: false" for kind in ("metrics", "plots") for entry in stage.get(kind) or []
          if not isinstance(entry, dict) or (next(iter(entry.values())) or {}).get("cache") is not False],
        *[f"{key} is no key that is used here" for key in stage.keys() - {*KEYS, *outs}],
    ]  # fmt: skip


def _outermost(sections: set[str]) -> set[str]:
    """Without parts of other sections among them."""
    return {one for one in sections if not any(one.startswith(f"{other}.") for other in sections)}


def _differ(what: str, declared: Any, real: Any) -> list[str]:
    declared, real = list(map(str, declared)), set(real)
    twice = [f"{what} names {entry} twice" for entry in set(declared) if declared.count(entry) > 1]
    missing, extra = sorted(real - set(declared)), sorted(set(declared) - set(map(str, real)))
    return twice + ([f"{what} lacks {missing} and has {extra} too many"] if missing or extra else [])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("observed")


@pytest.fixture(scope="module")
def seen(folder: Path) -> dict[str, observed.Seen]:
    return observed.all_stages(folder)


def test_dvc_yaml_says_what_the_stages_do(seen: dict[str, observed.Seen]) -> None:
    assert problems(parse(FILE.read_text()), seen) == []


def test_make_graph_has_nothing_left_to_write() -> None:
    assert graph.written(FILE.read_text()) == FILE.read_text()


def test_make_graph_leaves_what_people_write() -> None:
    """Without any code dependency it writes the same again."""
    lines = FILE.read_text().splitlines()
    written = [line.strip(' "').startswith(CODE) for line in lines]
    assert written.count(False) <= 12 * len(parse(FILE.read_text())["stages"])
    ends = [now and not after for now, after in zip(written, [*written[1:], False], strict=True)]
    kept = [line if not now else "]" for line, now, end in zip(lines, written, ends, strict=True) if end or not now]
    assert graph.written("\n".join(kept) + "\n") == FILE.read_text()


def test_what_people_write_is_missed_where_a_line_is_lost(seen: dict[str, observed.Seen]) -> None:
    lines = FILE.read_text().splitlines()
    silent = []
    for number, line in enumerate(lines):
        words = line.strip(' "')
        if not words or words.startswith(NOT_OBSERVED):
            continue
        if number > lines.index("plots:"):
            break
        try:
            parsed = parse("\n".join(lines[:number] + lines[number + 1 :]))
        except yaml.YAMLError:
            continue
        if not problems(parsed, seen):
            silent.append(f"{number + 1}: {line}")
    assert silent == []


def test_code_dependencies_are_all_that_is_imported(seen: dict[str, observed.Seen]) -> None:
    """By another way to find imports; a folder stands for its modules."""
    # Of these an item depends on what any item imports; an ablation runs again as it ran at first.
    groups = {name: name for name in ("ablations", "baselines", "download")} | {"replicate_ablations": "ablations"}
    together = {
        group: closure(
            ROOT / f"stages/{group}.py",
            *(ROOT / module for name in seen if name.startswith((group, of)) for module in seen[name].modules),
        )
        for group, of in groups.items()
    }
    for name, stage in stages(parse(FILE.read_text())).items():
        module = ROOT / f"stages/{name.partition('@')[0]}.py"
        reached = closure(module, *(ROOT / extra for extra in seen[name].modules))
        named = [path for path in paths(stage["deps"]) if path.startswith(CODE)]
        folders = [path for path in named if (ROOT / path).is_dir()]
        missing = {
            path for path in reached if path not in named and not any(Path(path).is_relative_to(f) for f in folders)
        }
        assert missing == set(), name
        for below in folders:
            modules = {str(f.relative_to(ROOT)) for f in (ROOT / below).rglob("*.py") if f.name != "__init__.py"}
            assert modules <= reached, (name, below)
        reached = together.get(name.partition("@")[0], reached)
        extra = {path for path in named if path not in reached and path not in folders}
        assert extra == set(), name


def test_what_is_looked_up_by_name_counts_as_imported(tmp_path: Path) -> None:
    report = {str(path) for path in code.closure(ROOT / "stages/report.py")}
    assert {f"src/visrep/evaluations/{name}.py" for name in registry.every("visrep.evaluations")} <= report
    asking = tmp_path / "asking.py"
    asking.write_text("from visrep import registry\nregistry.every('visrep.representations.methods')\n")
    assert "src/visrep/representations/methods/simclr.py" in {str(path) for path in code.closure(asking)}
    elsewhere = [
        str(file.relative_to(ROOT))
        for file in (ROOT / "src").rglob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module")
        and not (isinstance(node.args[0], ast.Constant) and node.args[0].value in ("openTSNE", "umap"))
    ]  # fmt: skip
    libraries = {"src/visrep/threads.py", "src/visrep/engine/forkserver.py"}
    assert set(elsewhere) == {"src/visrep/registry.py"} | libraries


def test_what_beside_modules_is_none_counts_too() -> None:
    assert "src/visrep/report/style.css" in {str(path) for path in code.closure(ROOT / "stages/report.py")}


def test_charts_draw_what_is_there(folder: Path, seen: dict[str, observed.Seen]) -> None:
    """Each x and y is a field of the rows in its file, and there is no other table in that file: `dvc plots` would
    join them."""
    dvc, drawn = parse(FILE.read_text()), 0
    entries = [entry for stage in stages(dvc).values() for entry in stage.get("plots") or []] + dvc["plots"]
    for entry in entries:
        ((name, chart),) = entry.items()
        if "template" not in chart:
            assert chart == {"cache": False}, name
            continue
        assert (ROOT / f".dvc/plots/{chart['template']}.json").exists(), name
        files = chart["y"] if isinstance(chart["y"], dict) else {name: chart["y"]}
        for file, columns in files.items():
            content = json.loads((folder / file).read_text())
            tables = _tables(content)
            assert len(tables) == 1, (name, file)
            for field in [chart["x"], *(columns if isinstance(columns, list) else [columns])]:
                assert all(field in row for row in tables[0]), (name, field)
            drawn += 1
    assert drawn > 60


def _tables(content: Any) -> list[list[Any]]:
    """As `dvc plots` finds them: lists of rows, which must not be empty."""
    if isinstance(content, list):
        assert content
        return [content] if isinstance(content[0], dict) else []
    inner = content.values() if isinstance(content, dict) else ()
    return [table for value in inner for table in _tables(value)]


def test_every_stage_has_a_caption() -> None:
    for name, stage in stages(parse(FILE.read_text())).items():
        assert len(stage["desc"]) > 20, name


def test_sections_stages_and_modules_correspond() -> None:
    shipped = tiny.study()
    modules = {path.stem for path in (ROOT / "stages").glob("[!_]*.py")}
    names = {name.partition("@")[0] for name in stages(parse(FILE.read_text()))}
    assert modules == names == set(dict(tiny.RUNS))
    assert set(shipped) <= set(Study.model_fields)
    of_many = {"runtime", "processes", "pretraining", "replicates", "figures", "classifiers", "encoders", "families"}
    assert set(shipped) - of_many - {*shipped["methods"]} <= names


def test_every_parameter_is_read_by_the_stages_that_declare_it(folder: Path, seen: dict[str, observed.Seen]) -> None:
    read = observed.leaves_read(folder)
    assert sorted(observed.leaves(tiny.study()) - read) == []


def test_packages_hold_a_docstring_and_nothing_that_could_change_a_result() -> None:
    for file in ROOT.glob("src/**/__init__.py"):
        body = ast.parse(file.read_text()).body
        assert len(body) == 1, file
        assert isinstance(body[0], ast.Expr), file
    _, *waiting = ast.parse((ROOT / "stages/__init__.py").read_text()).body
    said = [ast.unparse(line) for line in waiting if not isinstance(line, ast.Import | ast.ImportFrom)]
    assert said[:2] == ["os.environ.setdefault('GOMP_SPINCOUNT', '30000')", "PARENT = os.getppid()"]
    assert [line.partition("(")[0] for line in said[2:]] == ["def run"]


# Whoever reads where networks run, runs one; and one of the baselines is a network.
NETWORKS = {name.partition("@")[0] for name, stage in stages(parse(FILE.read_text())).items()
            if "runtime" in paths(stage.get("params"))} | {"baselines"}  # fmt: skip
DRAWING = {"roc", *(name for name in dict(tiny.RUNS) if name.startswith("figures"))}


@pytest.mark.parametrize("stage", sorted(set(dict(tiny.RUNS)) - NETWORKS))
def test_stages_that_need_no_torch_do_not_import_it(stage: str) -> None:
    probe = f"import sys, stages.{stage}; sys.exit('torch' in sys.modules or 'torchvision' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", probe], cwd=ROOT).returncode == 0


@pytest.mark.parametrize("stage", sorted(set(dict(tiny.RUNS)) - DRAWING))
def test_only_stages_that_draw_import_drawing_code(stage: str) -> None:
    assert not [path for path in closure(ROOT / f"stages/{stage}.py") if "figures/" in path]
