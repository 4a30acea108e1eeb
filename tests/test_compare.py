"""Two branches on one page: what differs, what is beyond chance, and which pictures changed."""

import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, astuple, replace
from io import BytesIO
from pathlib import Path

import pytest
from dvc.repo import Repo
from PIL import Image

import observed
from pages import Parsed
from test_report import sound
from visrep.measures import statistics
from visrep.records import Interval
from visrep.tools import compare

N = 1000
ONE = "one run each: not known"


def git(*words: str) -> None:
    subprocess.run(["git", "-c", "user.name=t", "-c", "user.email=t@t", *words], check=True, capture_output=True)


def lay_out(right: dict[str, int], rank: float, color: str, k: int) -> None:
    """Results as stages leave them: ``right`` of N test images, a number without interval, a picture, a parameter."""
    accuracies = {f"{name}_accuracy": asdict(statistics.wilson(count, N)) for name, count in right.items()}
    files = {
        "metrics/probe/a.json": {name: spread["value"] for name, spread in accuracies.items()},
        "metrics/vicreg.json": {"effective_rank": rank},
        "plots/probe/a/details.json": {"metrics": accuracies, "n": N, "chance": 10.0, "source": "drawn"},
        "plots/vicreg/details.json": {"metrics": {"effective_rank": rank}, "n": N, "source": "drawn"},
    }
    for name, content in files.items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(json.dumps(content))
    for name, shade in (("changed", color), ("same", "blue")):
        buffer = BytesIO()
        Image.new("RGB", (4, 4), shade).save(buffer, "png")
        Path(f"plots/{name}.png").write_bytes(buffer.getvalue())
    Path("params.yaml").write_text(f"probe:\n  k: {k}\n  same: 1\n")


DVC = """
stages:
  probe:
    cmd: "true"
    params: [probe]
    metrics:
      - metrics/probe/a.json: {cache: false}
      - metrics/vicreg.json: {cache: false}
    plots:
      - plots/probe: {cache: false}
"""


@pytest.fixture
def project(tmp_path: Path) -> Iterator[Path]:
    with observed.inside(tmp_path):
        git("init", "-q", "-b", "main")
        Repo.init().close()
        Path("dvc.yaml").write_text(DVC)
        Path(".gitignore").write_text("/report\n")
        lay_out({"linear": 500, "knn": 400}, 30.0, "red", 3)
        git("add", "-A")
        git("commit", "-qm", "start")
        git("switch", "-qc", "other")
        lay_out({"linear": 600, "knn": 410}, 20.0, "green", 5)
        git("commit", "-qam", "other")
        yield tmp_path


def run(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "visrep.tools.compare", *words], capture_output=True, text=True)


def page(*words: str) -> Parsed:
    done = run(*words)
    assert (done.returncode, done.stdout) == (0, "report/compare.html\n"), done.stderr
    return sound(Path("report/compare.html").read_text())


def cells(parsed: Parsed, name: str) -> list[str]:
    return next(row[1:] for row in parsed.rows if row and row[0] == name)


def test_numbers_stand_side_by_side_with_their_intervals(project: Path) -> None:
    parsed = page("main", "other")
    _, low, high = astuple(statistics.wilson(500, N))
    sure = cells(parsed, "probe/a: linear accuracy")
    assert sure[0] == f"50.00{low:.1f} to {high:.1f}"
    assert sure[2:] == ["+10.00", "beyond both intervals", ONE]
    assert cells(parsed, "probe/a: knn accuracy")[2:] == ["+1.00", "within", ONE]
    assert cells(parsed, "vicreg: effective rank") == ["30", "20", "-10", "no interval", ONE]
    assert "Numbers that differ: 3; beyond both intervals: 1." in parsed.text


def replicated(by_seed: dict[int, float], processor: str = "abacus") -> None:
    """VICReg's effective rank in further runs, as their stages leave it; the main run was made on an abacus."""
    parameters = {"replicates": {"seeds": list(by_seed)}, "methods": [], "ablations": {}, "families": {}}
    Path("params.yaml").write_text(json.dumps(parameters))
    for place in ("vicreg", "no_generated_neighbors", "train_cnn", "adv_train"):
        Path(f"plots/{place}").mkdir(parents=True, exist_ok=True)
        Path(f"plots/{place}/details.json").write_text(json.dumps({"processor": "abacus"}))
    for group in ("vicreg", "digits"):
        Path(f"replicates/{group}").mkdir(parents=True, exist_ok=True)
        for seed, rank in by_seed.items():
            one = {"seed": seed, "processor": processor, "metrics": {"vicreg": {"effective_rank": rank}}}
            Path(f"replicates/{group}/{seed}.json").write_text(
                json.dumps(one if group == "vicreg" else one | {"metrics": {}})
            )
    git("add", "-A")
    git("commit", "-qm", "replicates")


@pytest.mark.parametrize(
    ("after", "said"),
    [
        # main 30 to 20; t of 2 degrees of freedom at 97.5 % is 4.302653, half widths 2.48 and 38.0
        ({1: 21.0, 2: 19.0}, "beyond the chance of training (-12.5 to -7.52, 3 seeds)"),
        ({1: 21.0, 2: 47.0}, "within (-38.7 to +37.4, 3 seeds)"),
        ({3: 21.0, 4: 19.0}, ONE),
    ],
)
def test_trainings_are_compared_seed_by_seed(project: Path, after: dict[int, float], said: str) -> None:
    git("switch", "-q", "main")
    replicated({1: 30.0, 2: 30.0})
    git("switch", "-q", "other")
    replicated(after)
    assert cells(page("main", "other"), "vicreg: effective rank")[-1] == said


def test_runs_of_another_processor_are_not_compared(project: Path) -> None:
    git("switch", "-q", "main")
    replicated({1: 30.0, 2: 30.0})
    git("switch", "-q", "other")
    replicated({1: 21.0, 2: 19.0}, "slide rule")
    assert cells(page("main", "other"), "vicreg: effective rank")[-1] == ONE


def test_a_gate_that_turned_is_named_first(project: Path) -> None:
    Path("metrics/gates").mkdir()
    Path("dvc.yaml").write_text(DVC.replace("    plots:", "      - metrics/gates/cnn.json: {cache: false}\n    plots:"))
    gates = Path("metrics/gates/cnn.json")
    gates.write_text('{"order": 1, "steps_suffice": 1, "pgd_more_steps": 1}')
    git("add", "-A")
    git("commit", "-qm", "gates")
    gates.write_text('{"order": 1, "steps_suffice": 0, "pgd_more_steps": 0.5}')
    parsed = page("other")
    assert cells(parsed, "gates/cnn: steps suffice") == ["passed", "failed", "-", "another verdict", "-"]
    assert cells(parsed, "gates/cnn: pgd more steps")[-2] == "no interval"
    assert "Numbers that differ: 2; beyond both intervals: 0; gates with another verdict: 1." in parsed.text
    assert parsed.text.index("Gates with another verdict.") < parsed.text.index("Differences within intervals")


def test_the_order_of_the_two_counts(project: Path) -> None:
    assert cells(page("other", "main"), "probe/a: linear accuracy")[2:] == ["-10.00", "beyond both intervals", ONE]


def test_only_parameters_and_pictures_that_changed_are_shown(project: Path) -> None:
    parsed = page("main", "other")
    assert cells(parsed, "probe.k") == ["3", "5"]
    assert "probe.same" not in parsed.text
    assert "plots/changed.png" in parsed.text
    assert "plots/same.png" not in parsed.text
    assert len(parsed.all("src")) == 2


def test_pictures_stand_in_the_order_of_the_stages(project: Path) -> None:
    """What comes first in dvc.yaml, whatever it is called."""
    Path("dvc.yaml").write_text(
        "stages:\n"
        '  early:\n    cmd: "true"\n    plots: [{plots/z_early.png: {cache: false}}]\n'
        '  late:\n    cmd: "true"\n    plots: [{plots/a_late.png: {cache: false}}]\n'
    )
    for name in ("a_late", "z_early"):
        Image.new("RGB", (4, 4), "black").save(f"plots/{name}.png")
    parsed = page("main")
    places = [parsed.text.index(name) for name in ("plots/z_early.png", "plots/a_late.png", "plots/changed.png")]
    assert places == sorted(places)


def test_both_commits_are_named(project: Path) -> None:
    commits = [
        subprocess.run(["git", "rev-parse", "--short", name], capture_output=True, text=True).stdout.strip()
        for name in ("main", "other")
    ]
    assert f"Before: main, commit {commits[0]}. After: other, commit {commits[1]}." in page("main", "other").text


def test_with_one_name_it_is_compared_with_the_working_tree(project: Path) -> None:
    Path("metrics/vicreg.json").write_text('{"effective_rank": 25}')
    parsed = page("main")
    assert cells(parsed, "vicreg: effective rank")[:2] == ["30", "25"]
    assert "working tree on commit" in parsed.text
    assert "edited" in parsed.text


def test_what_only_one_of_them_has_is_shown_as_such(project: Path) -> None:
    Path("metrics/vicreg.json").write_text('{"effective_rank": 20, "new": 7}')
    Path("plots/changed.png").unlink()
    git("commit", "-qam", "one picture less")
    parsed = page("main", "other")
    assert cells(parsed, "vicreg: new") == ["-", "7", "-", "no interval", ONE]
    assert len(parsed.all("src")) == 1


def test_results_of_another_form_have_no_interval(project: Path) -> None:
    """Those of a branch that wrote them otherwise."""
    for told in ({"accuracies": {"linear": {"value": 60.0, "low": 57.0, "high": 63.0}}}, [1, 2], {"metrics": [3]}):
        Path("plots/probe/a/details.json").write_text(json.dumps(told))
        assert cells(page("main"), "probe/a: linear accuracy")[1:] == ["60", "+10", "no interval", ONE]


def test_a_branch_equals_itself(project: Path) -> None:
    parsed = page("main", "main")
    assert "Numbers that differ: 0" in parsed.text
    assert "Parameters that differ: 0" in parsed.text
    assert parsed.all("src") == []


@pytest.mark.parametrize("words", [("mian",), ("main", "mian"), ("mian", "main")])
def test_an_unknown_branch_is_one_line(project: Path, words: tuple[str, ...]) -> None:
    done = run(*words)
    assert done.returncode == 2
    assert done.stderr == "compare: no branch, tag or commit 'mian'; `git branch --all` lists them\n"
    assert not Path("report").exists()


@pytest.mark.parametrize(
    ("key", "words"),
    [("fgsm_eps_0_05", "fgsm at ε 0.05"), ("pgd_eps_1", "pgd at ε 1"), ("linear_accuracy", "linear accuracy")],
)
def test_keys_are_told_in_words(key: str, words: str) -> None:
    assert compare._called(key) == words


def test_intervals_that_touch_are_no_difference() -> None:
    low, high = Interval(5, 0, 10), Interval(15, 10, 20)
    assert compare._verdict(low, high) == compare._verdict(high, low) == "within"
    above = replace(high, low=10.1)
    assert compare._verdict(low, above) == compare._verdict(above, low) == compare.BEYOND
