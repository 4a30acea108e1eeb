"""A replicate is the study with its seeds moved, content in one file; runs are counted together where that is fair."""

import json
import shutil
import statistics as oracle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from scipy import stats

import runs
import tiny
from oracles import digests
from runs import KILL, Moment
from visrep import records, registry
from visrep.errors import Failure
from visrep.measures import choosing
from visrep.replicates import replicate, results
from visrep.representations import learning
from visrep.settings.replicates import Replicates
from visrep.stage import params, pipeline

INPUTS = ("data", "models", "replicates")
EVALUATED = [name for name in tiny.EVALUATIONS if name in registry.every("visrep.evaluations")]
# Each group's stage with its item, the file it writes, and the stages of the main study in which the same happens.
GROUPS = {
    "digits": (
        ("replicate_digits", "1"),
        "digits/1.json",
        [
            ("train_cnn", ""),
            ("adv_train", ""),
            *((stage, name) for name in ("cnn", "adv_cnn") for stage in ("fgsm_sweep", "audit")),
        ],
    ),
    "vicreg": (
        ("replicate_vicreg", "1"),
        "vicreg/1.json",
        [
            ("vicreg", ""),
            ("embed", "vicreg"),
            *((name, "vicreg") for name in EVALUATED),
            ("neighbors", ""),
            ("no_generated_neighbors", ""),
            ("embed", "no_generated_neighbors"),
            *((name, "no_generated_neighbors") for name in EVALUATED),
        ],
    ),
    "methods": (
        ("replicate_methods", "simclr-1"),
        "methods/simclr/1.json",
        [("methods", "simclr"), ("embed", "simclr"), *((name, "simclr") for name in EVALUATED)],
    ),
    "ablations": (
        ("replicate_ablations", "no_variance-1"),
        "ablations/no_variance/1.json",
        [("ablations", "no_variance"), ("embed", "no_variance"), *((name, "no_variance") for name in EVALUATED)],
    ),
    "shapes": (
        ("replicate_shapes", "vary_color-1"),
        "similarity/vary_color/1.json",
        [("similarity", "vary_color"), ("factors", "vary_color")],
    ),
}
TRAINED = "epoch 1/"  # in what a stage says that trains


def seeds_moved(values: Any) -> Any:
    """Every seed of params.yaml one more, but for those of images and of what is not trained."""
    if isinstance(values, dict):
        return {key: value + 1 if key == "seed" else seeds_moved(value) for key, value in values.items()}
    return values


def workspace(finished: Path, folder: Path) -> Path:
    return runs.copy(finished, folder, *INPUTS)


def ran(folder: Path, stage: str, item: str = "") -> str:
    done = runs.run(folder, stage, item)
    assert done.code == 0, done.said
    return done.said


def edited(folder: Path, change: dict[str, Any]) -> None:
    tiny.write(folder, change)


@pytest.mark.parametrize("group", GROUPS)
def test_a_replicate_is_the_study_with_its_seeds_moved(finished: Path, tmp_path: Path, group: str) -> None:
    """The same stages, one by one, under parameters in which a person moved the seeds."""
    _, file, stages = GROUPS[group]
    folder = workspace(finished, tmp_path)
    kept = ("download", "baselines")
    study = {name: part if name in kept else seeds_moved(part) for name, part in tiny.study().items()}
    (folder / "params.yaml").write_text(yaml.safe_dump(study, sort_keys=False))
    for stage, item in stages:
        ran(folder, stage, item)
    written = {
        str(path.relative_to(folder / "metrics").with_suffix("")): json.loads(path.read_text())
        for path in (folder / "metrics").rglob("*.json")
    }
    content = json.loads((finished / "replicates" / file).read_text())
    assert content["metrics"] == written
    assert content["seed"] == 1
    main = {name: json.loads((finished / f"metrics/{name}.json").read_text()) for name in written}
    assert main != written


def test_every_evaluation_is_made_again() -> None:
    from stages import _evaluated

    names = [module.__name__.removeprefix("stages.") for module in _evaluated.EVALUATIONS]
    assert names == sorted(registry.every("visrep.evaluations"))


@pytest.mark.parametrize("group", ["digits", "vicreg", "shapes"])
def test_a_killed_replicate_goes_on_to_the_same_bytes(finished: Path, tmp_path: Path, group: str) -> None:
    (stage, item), file, _ = GROUPS[group]
    folder = workspace(finished, tmp_path)
    shutil.rmtree(folder / "replicates")
    last = {"digits": 6, "vicreg": 5, "shapes": 3}[group]  # epoch of all that are trained
    died = runs.run(folder, stage, item, die=(Moment("visrep.training.loop:_epoch", last), KILL))
    assert died.code == -KILL, died.said
    said = ran(folder, stage, item)
    assert said.count(TRAINED) == 0
    assert (folder / "replicates" / file).read_bytes() == (finished / "replicates" / file).read_bytes()


def test_a_changed_evaluation_trains_nothing_again(finished: Path, tmp_path: Path) -> None:
    (stage, item), file, _ = GROUPS["methods"]
    folder = workspace(finished, tmp_path)
    assert ran(folder, stage, item).count(TRAINED) == 1
    first = (folder / "replicates" / file).read_bytes()
    edited(folder, {"anomaly": {"k": [3, 1]}})
    assert TRAINED not in ran(folder, stage, item)
    changed = json.loads((folder / "replicates" / file).read_text())["metrics"]
    before = json.loads(first)["metrics"]
    assert {name for name in changed if changed[name] != before[name]} == {"anomaly/simclr"}
    edited(folder, {})
    assert TRAINED not in ran(folder, stage, item)
    assert (folder / "replicates" / file).read_bytes() == first


def test_a_number_put_back_trains_nothing_again_and_only_the_latest_are_kept(finished: Path, tmp_path: Path) -> None:
    (stage, item), file, _ = GROUPS["shapes"]
    folder = workspace(finished, tmp_path)
    first = (finished / "replicates" / file).read_bytes()
    trained = []
    for temperature in (0.1, 0.2, 0.1, 0.3, 0.1, 0.4, 0.2):
        edited(folder, {"similarity": {"temperature": temperature}})
        trained.append(ran(folder, stage, item).count(TRAINED))
        same = (folder / "replicates" / file).read_bytes() == first
        assert same == (temperature == 0.1)
    assert trained == [1, 1, 0, 1, 0, 1, 1]  # 0.2 has gone by then
    assert len(list((folder / replicate.FOLDER).rglob(replicate.DONE))) == replicate.KEPT


def test_nothing_but_trainings_is_left_in_its_folder(finished: Path, tmp_path: Path) -> None:
    (stage, item), _, _ = GROUPS["methods"]
    folder = workspace(finished, tmp_path)
    ran(folder, stage, item)
    left = {path.parents[1].name for path in folder.rglob(replicate.DONE)}
    assert left == {"methods@simclr"}
    assert not list((folder / replicate.FOLDER).rglob("*.npy"))


def test_what_changes_during_a_replicate_fails_it(finished: Path, tmp_path: Path) -> None:
    (stage, item), file, _ = GROUPS["shapes"]
    folder = workspace(finished, tmp_path)
    before = digests(folder)
    moment = Moment("visrep.shapes.invariance:evaluate", 1)
    done = runs.run(folder, stage, item, do=(moment, edited, folder, {"factors": {"k": 4}}))
    assert done.code == 1
    assert "params.yaml: factors changed while this ran" in done.said.splitlines()[-1]
    name = f"replicates/{file}"
    assert digests(folder)[name] == before[name]


def test_neighbors_of_another_encoder_are_left_to_the_main_run(finished: Path, tmp_path: Path) -> None:
    (stage, item), file, _ = GROUPS["vicreg"]
    folder = workspace(finished, tmp_path)
    edited(folder, {"neighbors": {"from": "pixels"}})
    assert "neighbors are those of pixels" in ran(folder, stage, item)
    content = json.loads((folder / "replicates" / file).read_text())["metrics"]
    assert "probe/vicreg" in content
    assert not [name for name in content if "no_generated_neighbors" in name]


# All runs of a training together


def laid_out(
    folder: Path, by_seed: dict[int, float], seeds: list[int], processors: dict[int, str] | None = None
) -> Any:
    """A study of one method whose probe found so much in further runs; the main run found 10."""
    (folder / "plots/methods/a").mkdir(parents=True)
    (folder / "plots/methods/a/details.json").write_text('{"processor": "abacus"}')
    for seed, value in by_seed.items():
        one = results.Replicate(seed, (processors or {}).get(seed, "abacus"), {"probe/a": {"accuracy": value}})
        results.write(folder / f"replicates/methods/a/{seed}.json", one)
    return {"replicates": {"seeds": seeds}, "methods": ["a"], "ablations": {}, "families": {}}


def read(folder: Path, parameters: Any, monkeypatch: pytest.MonkeyPatch) -> results.AllRuns:
    group = results.Group("methods/a", ("methods/a",))
    monkeypatch.setattr(results, "groups", lambda _: iter([group]))
    return results.AllRuns(folder / "replicates", folder / "plots", parameters)


def test_runs_are_those_of_the_seeds_in_params(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of another seed is stale."""
    study = read(tmp_path, laid_out(tmp_path, {1: 11.0, 2: 12.0, 9: 99.0}, [1, 2]), monkeypatch)
    assert study.runs("probe/a", "accuracy", 10.0) == {0: 10.0, 1: 11.0, 2: 12.0}
    assert study.runs("probe/b", "accuracy", 10.0) == {0: 10.0}
    assert study.runs("probe/a", "other", 10.0) == {0: 10.0}


def test_without_seeds_there_is_the_main_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    study = read(tmp_path, laid_out(tmp_path, {1: 11.0}, []), monkeypatch)
    assert study.runs("probe/a", "accuracy", 10.0) == {0: 10.0}


def test_runs_of_another_processor_are_counted_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    parameters = laid_out(tmp_path, {1: 11.0, 2: 12.0}, [1, 2], {2: "slide rule"})
    study = read(tmp_path, parameters, monkeypatch)
    assert study.runs("probe/a", "accuracy", 10.0) == {0: 10.0, 1: 11.0}
    assert study.apart == {"methods/a": 1}


def test_a_missing_replicate_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Failure, match=r"replicates/methods/a/2\.json is missing"):
        read(tmp_path, laid_out(tmp_path, {1: 11.0}, [1, 2]), monkeypatch)


def test_summaries_hold_mean_deviation_and_count(finished: Path) -> None:
    main = json.loads((finished / "metrics/probe/simclr.json").read_text())
    again = json.loads((finished / "replicates/methods/simclr/1.json").read_text())["metrics"]["probe/simclr"]
    pair = [main["knn_accuracy"], again["knn_accuracy"]]
    content = json.loads((finished / "metrics/spread/simclr.json").read_text())
    assert content["n"] == 2
    assert content["knn_accuracy_mean"] == pytest.approx(oracle.mean(pair), rel=1e-5)
    assert content["knn_accuracy_sd"] == pytest.approx(oracle.stdev(pair), rel=1e-5)
    trained = {"vicreg", "no_generated_neighbors", *tiny.study()["methods"], *tiny.study()["ablations"]}
    names = {"cnn", "adv_cnn", *trained, *(f"similarity_{name}" for name in tiny.study()["families"])}
    assert {path.stem for path in (finished / "metrics/spread").iterdir()} == names


def test_criteria_are_compared_with_the_probe_over_all_runs(finished: Path) -> None:
    found = records.read(finished / "plots/choosing/details.json", choosing.Choosing)
    trained = {"vicreg", "no_generated_neighbors", *tiny.study()["methods"], *tiny.study()["ablations"]}
    assert {(run.training, run.seed) for run in found.runs} == {(name, seed) for name in trained for seed in (0, 1)}
    again = json.loads((finished / "replicates/methods/simclr/1.json").read_text())["metrics"]
    simclr = next(run for run in found.runs if (run.training, run.seed) == ("simclr", 1))
    assert simclr.accuracy == again["probe/simclr"]["linear_accuracy"]
    assert simclr.values == {key: again["methods/simclr"][key] for key in choosing.CRITERIA}
    assert simclr.values.keys() == set(learning.CRITERIA)
    for row, said in zip(found.criteria, choosing.CRITERIA.values(), strict=True):
        score = said.score(np.array([run.values[row.key] for run in found.runs]))
        expected = stats.spearmanr(score, [run.accuracy for run in found.runs]).statistic
        assert row.correlation.value == pytest.approx(expected, abs=1e-5)


def test_with_no_seeds_all_works_and_no_deviation_is_told(finished: Path, tmp_path: Path) -> None:
    folder = runs.copy(finished, tmp_path, "metrics", "plots", "replicates", "docs", "presets")
    edited(folder, {"replicates": {"seeds": []}})
    for stage in ("spread", "choosing", "figures_spread", "report"):
        ran(folder, stage)
    content = json.loads((folder / "metrics/spread/simclr.json").read_text())
    assert content["n"] == 1
    assert not [key for key in content if key.endswith("_sd")]
    assert "±" not in (folder / "report/index.html").read_text()
    assert "±" in (finished / "report/index.html").read_text()


@pytest.mark.parametrize(
    ("seeds", "fault"), [([1, 1], "names a seed twice"), ([0], "is not positive"), (["1"], "valid integer")]
)
def test_seeds_are_positive_and_different(seeds: list[Any], fault: str) -> None:
    with pytest.raises(Failure, match=rf"params\.yaml: replicates\.seeds.*{fault}"):
        params.check({"seeds": seeds}, Replicates, key="replicates")


def test_a_matrix_is_named_as_dvc_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dvc.repo import Repo

    monkeypatch.chdir(tmp_path)
    Repo.init(no_scm=True).close()
    (tmp_path / "dvc.yaml").write_text(
        "stages:\n  a:\n    matrix: {name: '${names}', seed: '${replicates.seeds}'}\n    cmd: run ${key}\n"
        "    outs: ['out/${item.name}/${item.seed}']\n"
    )
    for seeds in ([1, 2], []):
        values = {"names": {"x": {"of": 1}, "y": {"of": 2}}, "replicates": {"seeds": seeds}}
        (tmp_path / "params.yaml").write_text(yaml.safe_dump(values))
        with Repo() as repo:
            theirs = {stage.addressing: [str(out) for out in stage.outs] for stage in repo.index.stages}
        ours = {stage.name: list(stage.writes) for stage in pipeline.stages()}
        assert ours == theirs
        assert len(ours) == 2 * len(seeds)
