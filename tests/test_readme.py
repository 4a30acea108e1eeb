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
    places = {model: f"fgsm_sweep/{model}" for model in ("cnn", "adv_cnn")}
    metrics = {model: json.loads((ROOT / f"metrics/{place}.json").read_text()) for model, place in places.items()}
    details = {model: json.loads((ROOT / f"plots/{place}/details.json").read_text()) for model, place in places.items()}
    keys = {"clean images": "clean", "under FGSM, ε 0.1": "fgsm_eps_0_1", "under PGD, ε 0.1": "pgd_eps_0_1"}
    assert len(rows) == 6
    for name, shown in rows.items():
        model = "adv_cnn" if name.startswith("Defended") else "cnn"
        key = next(key for words, key in keys.items() if name.endswith(words))
        exact = details[model]["metrics"][key]["value"]
        assert shown == f"{exact:.1f}", name
        assert exact == pytest.approx(metrics[model][key], rel=1e-5), name


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
