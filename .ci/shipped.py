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
    assert read("audit/adv_cnn")["worst"] >= max(45, read("audit/cnn")["worst"] + 30)


def test_the_audit_leaves_less_than_pgd_and_no_gate_fails() -> None:
    for model in ("cnn", "adv_cnn"):
        audit = read(f"audit/{model}")
        assert audit["worst"] <= audit["fmn"] <= audit["apgd_t"] <= audit["apgd_ce"] <= audit["clean"]
        assert audit["n"] >= 500
        assert set(read(f"gates/{model}").values()) == {1}, model


TRAINED = ("vicreg", "simclr", "no_generated_neighbors")  # encoders; two runs of one differ by up to 6 points


def test_learning_without_labels_beats_weak_baselines_by_far() -> None:
    for encoder in TRAINED:
        for baseline in ("pixels", "random"):
            for reading in ("linear_accuracy", "knn_accuracy"):
                learned, unlearned = (read(f"probe/{name}")[reading] for name in (encoder, baseline))
                assert learned >= unlearned + 20, (encoder, baseline, reading)


def test_learning_without_labels_against_strong_baselines() -> None:
    """Nearest neighbours in whitened pixels are as good as in any network, though a linear probe finds nothing there;
    patches are reached in both."""
    for encoder in TRAINED:
        learned, whitened, patches = (read(f"probe/{name}") for name in (encoder, "whitened_pixels", "patches"))
        assert learned["linear_accuracy"] >= whitened["linear_accuracy"] + 40, encoder
        assert learned["knn_accuracy"] >= whitened["knn_accuracy"] - 8, encoder
        for reading in ("linear_accuracy", "knn_accuracy"):
            assert learned[reading] >= patches[reading] - 6, (encoder, reading)


def test_maps_of_trained_encoders_show_classes() -> None:
    assert read("maps/vicreg")["tsne_knn_accuracy"] >= 55
    assert read("maps/vicreg")["tsne_knn_accuracy"] >= read("maps/patches")["tsne_knn_accuracy"] + 15


def test_neighbours_share_classes() -> None:
    assert read("neighbors")["same_class"] >= 55


def test_patches_are_a_baseline_that_bites() -> None:
    """Without any gradient they are read far better than pixels, and in closed form VICReg adds to them."""
    accuracy = {name: read(f"probe/{name}")["linear_accuracy"] for name in ("pixels", "patches", "linear_vicreg")}
    assert accuracy["patches"] >= accuracy["pixels"] + 30
    assert accuracy["linear_vicreg"] >= accuracy["patches"] + 2


def test_simclr_finds_the_other_view() -> None:
    told = read("methods/simclr")
    assert told["loss_bound"] < told["loss"] < told["loss_chance"] - 1.5
    assert told["positive_top1"] >= 50  # of some 60 views; by chance 2


def test_without_the_variance_term_it_learns_little() -> None:
    whole, ablated = read("probe/vicreg"), read("probe/no_variance")
    assert ablated["linear_accuracy"] <= whole["linear_accuracy"] - 40
    assert read("ablations/no_variance")["effective_rank"] < min(3, read("vicreg")["effective_rank"] / 2)


def test_encoders_of_shapes_lose_what_their_family_varies_and_keep_the_rest() -> None:
    color, location, only = (read(f"factors/{name}") for name in ("vary_color", "vary_location", "keep_color"))
    assert color["color_agreement"] <= 25 and location["location_agreement"] <= 40
    assert min(color[f"{name}_agreement"] for name in ("shape", "location", "size")) >= 90
    assert min(location[f"{name}_agreement"] for name in ("color", "shape", "size")) >= 80
    assert only["color_agreement"] >= 95 and only["margin"] > only["diameter"]
