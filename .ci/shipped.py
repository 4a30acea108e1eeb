"""The numbers that the shipped parameters must reach, read from the metrics that `dvc repro` just wrote."""

import json
from pathlib import Path

METRICS = Path("metrics")


def read(name: str) -> dict[str, float]:
    values: dict[str, float] = json.loads((METRICS / f"{name}.json").read_text())
    return values


def test_the_classifier_reads_digits() -> None:
    assert read("train_cnn")["test_accuracy"] >= 90


def test_fgsm_halves_it() -> None:
    undefended = read("fgsm_sweep/cnn")
    assert undefended["fgsm_eps_0_1"] < undefended["clean"] / 2


def test_the_defence_is_real() -> None:
    undefended, defended = read("fgsm_sweep/cnn"), read("fgsm_sweep/adv_cnn")
    for attack in ("fgsm_eps_0_1", "pgd_eps_0_1"):
        assert defended[attack] >= undefended[attack] + 25, attack


def test_no_gate_but_one_fails_for_the_defended_model() -> None:
    """FGSM leaves about 15 points above PGD, where `no_masking` begins to fail; more steps and the attacks of another
    network find no masking."""
    told = read("gates/adv_cnn")
    gates = {name: value for name, value in told.items() if name not in ("pgd_more_steps", "no_masking")}
    assert set(gates.values()) == {1}, gates


def test_learning_without_labels_beats_both_floors() -> None:
    for encoder in ("vicreg", "simclr"):
        for floor in ("pixels", "whitened_pixels", "random"):
            learned, unlearned = (read(f"probe/{name}")["linear_accuracy"] for name in (encoder, floor))
            assert learned >= unlearned + 8, (encoder, floor)


def test_patches_are_a_baseline_that_bites() -> None:
    """Without any gradient they are read far better than pixels, and in closed form VICReg adds to them."""
    accuracy = {name: read(f"probe/{name}")["linear_accuracy"] for name in ("pixels", "patches", "linear_vicreg")}
    assert accuracy["patches"] >= accuracy["pixels"] + 30
    assert accuracy["linear_vicreg"] >= accuracy["patches"] + 2


def test_simclr_finds_the_other_view() -> None:
    told = read("methods/simclr")
    assert told["loss_floor"] < told["loss"] < told["loss_chance"] - 0.7
    assert told["positive_top1"] >= 5  # of some 500 views; by chance 0.2


def test_without_the_variance_term_it_learns_little() -> None:
    whole, ablated = read("probe/vicreg"), read("probe/no_variance")
    assert ablated["linear_accuracy"] <= whole["linear_accuracy"] - 10
    assert read("ablations/no_variance")["effective_rank"] < min(3, read("vicreg")["effective_rank"] / 2)


def test_encoders_of_shapes_lose_what_their_family_varies_and_keep_the_rest() -> None:
    color, location, only = (read(f"factors/{name}") for name in ("vary_color", "vary_location", "keep_color"))
    assert color["color_agreement"] <= 25 and location["location_agreement"] <= 40
    assert min(color[f"{name}_agreement"] for name in ("shape", "location", "size")) >= 90
    assert min(location[f"{name}_agreement"] for name in ("color", "shape", "size")) >= 80
    assert only["color_agreement"] >= 95 and only["margin"] > only["diameter"]
