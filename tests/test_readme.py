"""What README.md says is what the committed files hold."""

import json
import re

import pytest
from dvc.repo import Repo

import observed
from oracles import ROOT
from visrep.errors import Failure
from visrep.tools import readme

TEXT = (ROOT / "README.md").read_text()


def test_the_result_table_is_the_committed_metrics() -> None:
    rows = dict(re.findall(r"^\| (Classifier[^|]*|Defended[^|]*) \| \*\*([\d.]+)\*\*", TEXT, re.MULTILINE))
    keys = {
        "clean images": ("fgsm_sweep", "clean"),
        "under FGSM, ε 0.1": ("fgsm_sweep", "fgsm_eps_0_1"),
        "under PGD, ε 0.1": ("fgsm_sweep", "pgd_eps_0_1"),
        "robust at ε 0.1": ("audit", "worst"),
    }
    assert len(rows) == 8
    for name, shown in rows.items():
        model = "adv_cnn" if name.startswith("Defended") else "cnn"
        stage, key = next(place for words, place in keys.items() if name.endswith(words))
        exact = json.loads((ROOT / f"plots/{stage}/{model}/details.json").read_text())["metrics"][key]["value"]
        assert shown == f"{exact:.1f}", name
        assert exact == pytest.approx(json.loads((ROOT / f"metrics/{stage}/{model}.json").read_text())[key], rel=1e-5)


def test_writing_it_again_changes_nothing() -> None:
    with observed.inside(ROOT):
        assert readme.written(TEXT) == TEXT


def test_a_missing_mark_is_one_line() -> None:
    with observed.inside(ROOT), pytest.raises(Failure, match="lacks the marks around its table of classifiers"):
        readme.written("# visrep\n")


def test_the_graph_is_dvcs() -> None:
    names = dict(re.findall(r'^\t(node\d+)\["(\w+)"\]$', TEXT, re.MULTILINE))
    drawn = {(names[a], names[b]) for a, b in re.findall(r"^\t(node\d+)-->(node\d+)$", TEXT, re.MULTILINE)}
    with observed.inside(ROOT), Repo() as repo:
        pairs = [(before.addressing, after.addressing) for after, before in repo.index.graph.edges]
    groups = {tuple(name.partition("@")[0] for name in pair) for pair in pairs}
    assert drawn == {(before, after) for before, after in groups if before != after}


def test_files_that_the_readme_names_exist() -> None:
    for path in re.findall(r"\]\(([\w/.]+)\)", TEXT):
        assert (ROOT / path).exists(), path
