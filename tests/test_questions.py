"""Answers to what the reports left open, of numbers made by hand."""

from types import SimpleNamespace
from typing import Any

import pytest

from visrep.digits.results import ByClass, ClassUnderAttack
from visrep.records import Column
from visrep.report import questions

NUMBERS = {
    "anomaly": ("auroc_handwritten",),
    "clustering": ("silhouette", "nmi"),
    "probe": ("linear_accuracy",),
    "uniformity": ("neighbor_distance", "intrinsic_dimension"),
}
DIGITS = "0123456789"


def column(key: str) -> Column:
    return Column(key, key, read=lambda result: result[key])


def study(by: dict[str, float], runs: int = 5, noise: float = 0.1, digits: Any = None) -> Any:
    """Of two encoders, the second better ``by`` so much in each number; and of ten digits."""

    def value(file: str, key: str, run: int) -> float:
        evaluation, _, name = file.partition("/")
        if evaluation == "fgsm_by_class":
            return float(digits(name, int(key[-1]), run))
        own = by.get(key, 0.0) if name == questions.NEIGHBORS else 0.0
        return 50 + own + noise * run + noise * (-1) ** run * (name == questions.NEIGHBORS)

    class Replicates:
        def runs(self, file: str, key: str, main: float) -> dict[int, float]:
            return {run: value(file, key, run) for run in range(runs)}

    encoders = {questions.VIEWS: "VICReg", questions.NEIGHBORS: "neighbors"}
    evaluations = {
        name: SimpleNamespace(
            tabulated=SimpleNamespace(columns=[column(key) for key in keys]),
            results={encoder: dict.fromkeys(keys, 50.0) for encoder in encoders},
        )
        for name, keys in NUMBERS.items()
    }
    record = ByClass({}, 100, "nowhere", 0.1, tuple(ClassUnderAttack(k, 9, 50, int(k), 9 - int(k), 1) for k in DIGITS))
    return SimpleNamespace(
        encoders=encoders,
        evaluations=evaluations,
        replicates=Replicates(),
        parameters={"anomaly": {"sets": {"handwritten": "handwritten_digits"}}},
        record=lambda name, kind: record,
    )


def answers(of: Any) -> list[str]:
    return [answer for _, answer, _ in of]


def test_a_difference_beyond_the_spread_is_answered() -> None:
    more = {"auroc_handwritten": 5, "silhouette": 3, "nmi": -4, "linear_accuracy": -6}
    more |= {"neighbor_distance": -2, "intrinsic_dimension": -2}
    found = answers(questions._of_neighbors(study(more)))
    assert found[:3] == ["yes", "yes", "yes"]
    assert answers(questions._of_neighbors(study({name: -value for name, value in more.items()})))[:3] == ["no"] * 3
    mixed = more | {"linear_accuracy": 6}
    assert answers(questions._of_neighbors(study(mixed)))[1] == "no"  # neater, but classes no less apart


@pytest.mark.parametrize(("runs", "noise"), [(1, 0.0), (5, 30.0)])
def test_one_run_or_a_wide_spread_answers_nothing(runs: int, noise: float) -> None:
    found = questions._of_neighbors(study({"auroc_handwritten": 5}, runs, noise))
    assert answers(found) == ["not known"] * 4


def test_digits_that_withstand_alike_whatever_the_seed() -> None:
    alike = study({}, digits=lambda model, digit, run: digit + 0.1 * run)
    same, networks, frequency, contrast, contour = questions._of_digits(alike)
    assert (same[1], networks[1], frequency[1], contrast[1]) == ("yes",) * 4
    assert "-1.00" in contrast[2] and contour[1] == "not known"  # constant


def test_networks_in_which_opposite_digits_withstand() -> None:
    opposite = study({}, digits=lambda model, digit, run: (digit if model == "cnn" else 9 - digit) + 0.1 * run)
    assert answers(questions._of_digits(opposite))[:3] == ["yes", "no", "yes"]  # frequency explains both, if otherwise


def test_digits_that_withstand_by_chance() -> None:
    found = study({}, digits=lambda model, digit, run: (digit * (2 * run + 3) * (3 if model == "cnn" else 7)) % 11)
    assert answers(questions._of_digits(found))[1:] == ["not known"] * 4
