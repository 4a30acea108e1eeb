"""Numbers beside what they are held against: intervals, baselines, and what the reports say."""

import json
from dataclasses import astuple
from typing import Any

import pytest

from oracles import ROOT
from visrep.measures import statistics
from visrep.records import Interval
from visrep.report import results
from visrep.report.results import StudyResults
from visrep.stage import params

REPORTED = params.load(ROOT / results.REPORTED)


def numbers(name: str) -> dict[str, float]:
    """The committed metrics."""
    content: dict[str, float] = json.loads((ROOT / f"metrics/{name}.json").read_text())
    return content


def details(name: str) -> dict[str, Any]:
    """What was committed beside them."""
    content: dict[str, Any] = json.loads((ROOT / f"plots/{name}/details.json").read_text())
    return content


@pytest.fixture
def study(monkeypatch: pytest.MonkeyPatch) -> StudyResults:
    monkeypatch.chdir(ROOT)
    return results.here()


def test_reported_numbers_are_complete_and_belong_to_known_reports() -> None:
    for name, keys in REPORTED["numbers"].items():
        for key, entry in keys.items():
            assert set(entry) == {"setting", "values"}, (name, key)
            assert entry["setting"]
            assert entry["values"]
            assert set(entry["values"]) <= set(REPORTED["reports"]), (name, key)
            assert all(type(value) in (int, float) for value in entry["values"].values()), (name, key)


def test_reported_numbers_stand_beside_a_number_of_ours() -> None:
    for name, keys in REPORTED["numbers"].items():
        assert set(keys) <= set(numbers(name)), name


def test_a_quote_says_which_report_and_which_setting(study: StudyResults) -> None:
    quotes = study.quotes("probe/vicreg", "linear_accuracy")
    assert [(quote.report, quote.value) for quote in quotes] == [("2", 61.79), ("3", 75.32), ("5", 72.4)]
    assert {quote.setting for quote in quotes} == {"CIFAR-10, 128 dimensions"}
    assert study.quotes("probe/vicreg", "knn_accuracy") == study.quotes("nothing", "at all") == ()


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("train_cnn", "test_accuracy"),
        ("fgsm_sweep/cnn", "clean"),
        ("fgsm_sweep/cnn", "fgsm_eps_0_05"),
        ("fgsm_sweep/adv_cnn", "pgd_eps_0_1"),
        ("audit/adv_cnn", "worst"),
        ("audit/cnn", "apgd_ce"),
        ("probe/vicreg", "linear_accuracy"),
        ("probe/vicreg", "knn_accuracy"),
        ("probe/pixels", "unstandardised_accuracy"),
        ("adv_train", "val_pgd"),
        ("train_cnn", "val_accuracy"),
        ("train_cnn", "train_accuracy"),
    ],
)
def test_shares_of_images_have_wilsons_interval(study: StudyResults, name: str, key: str) -> None:
    images = {"val_accuracy": "validation", "train_accuracy": "trained"}.get(key, "n")
    value, n = numbers(name)[key], details(name)[images]
    expected = statistics.wilson(round(value * n / 100), n)
    interval = results.interval(study.plots, name, key)
    assert interval is not None
    assert astuple(interval) == pytest.approx(astuple(expected), abs=1e-4)


def test_areas_have_an_interval_of_their_own_anomalies(study: StudyResults) -> None:
    content = details("anomaly/vicreg")
    columns = content["anomalous"]["columns"]
    counts = dict(zip(columns["key"], columns["n"], strict=True))
    assert list(counts) == list(study.parameters["anomaly"]["sets"])
    for kind, n in counts.items():
        interval = results.interval(study.plots, "anomaly/vicreg", f"auroc_{kind}")
        assert interval is not None
        assert interval.value == pytest.approx(numbers("anomaly/vicreg")[f"auroc_{kind}"], rel=1e-5)
        assert interval == statistics.auroc(interval.value, n, content["n"])


def test_readings_of_factors_have_the_interval_of_new_images(study: StudyResults) -> None:
    rows = details("factors/vary_color")["rows"]
    new = {(row["factor"], row["evaluation"]): row for row in rows if row["images"] == "new images"}
    for factor, evaluation in (("color", "agreement"), ("shape", "probe")):
        row = new[factor, evaluation]
        expected = Interval(row["value"], row["low"], row["high"])
        assert results.interval(study.plots, "factors/vary_color", f"{factor}_{evaluation}") == expected
    assert "margin" in numbers("factors/vary_color")
    assert results.interval(study.plots, "factors/vary_color", "margin") is None


def test_findings_in_words_are_of_encoders_of_shapes(study: StudyResults) -> None:
    assert set(REPORTED["findings"]) == set(study.parameters["families"])
    assert all(set(said) == {"expected", "found"} for said in REPORTED["findings"].values())
    assert all(len(values) == 10 for values in REPORTED["epochs"].values())
    assert all(len(values) == 3 for values in REPORTED["digits"].values())


def test_other_numbers_have_none(study: StudyResults) -> None:
    others = [
        ("train_cnn", "test_loss"),
        ("audit/cnn", "median_radius"),
        ("probe/vicreg", "macro_f1"),
        ("anomaly/vicreg", "aupr_handwritten"),
        ("adv_train", "epochs"),
        ("clustering/vicreg", "silhouette"),
        ("vicreg", "effective_rank"),
    ]
    assert [pair for pair in others if pair[1] not in numbers(pair[0])] == []
    assert [pair for pair in others if results.interval(study.plots, *pair) is not None] == []


def test_rows_of_every_attack_are_the_metrics(study: StudyResults) -> None:
    rows = {row.name: row for row in results.attacked(study, "cnn")}
    metrics = numbers("fgsm_sweep/cnn")
    assert len(rows) == 1 + len(details("fgsm_sweep/cnn")["attacks"]["columns"]["accuracy"]["columns"]["value"])
    for radius in ("0.01", "0.05", "0.1", "0.2", "0.3"):
        key = f"fgsm_eps_{radius.replace('.', '_')}"
        assert rows[f"FGSM, ε {radius}"].value == pytest.approx(metrics[key], abs=1e-3)
        assert [quote.value for quote in rows[f"FGSM, ε {radius}"].reported] == [
            REPORTED["numbers"]["fgsm_sweep/cnn"][key]["values"][1]
        ]
    assert [name for name in rows if name.startswith("FGSM")] == [
        f"FGSM, ε {radius}" for radius in ("0.01", "0.05", "0.1", "0.2", "0.3", "1")
    ]
    assert next(iter(rows)) == "clean images"


def test_readings_cover_every_encoder_baselines_first(study: StudyResults) -> None:
    rows = {column.key: rows for column, rows in results.readings(study)}
    for each in rows.values():
        assert [row.name for row in each] == list(study.encoders.values())
    assert list(study.encoders)[:4] == study.baselines == ["pixels", "whitened_pixels", "random", "patches"]
    assert [row.baseline for row in rows["auroc_street"]] == [50.0] * len(study.encoders)
    assert rows["silhouette"][0].baseline is None
    assert rows["linear_accuracy"][0].baseline == pytest.approx(11.1333, abs=1e-3)
