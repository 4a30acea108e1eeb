"""What docs/results.md says of real images is what was recorded there and then."""

import json

import pytest

from benchmarks import simclr_ablations
from oracles import ROOT

TEXT = (ROOT / "docs/results.md").read_text()
RECORDED = json.loads((ROOT / "benchmarks/results/real_cifar10.json").read_text())["encoders"]
ROWS = {
    "PCA of the pixels (baseline)": "pixels",
    "untrained network (baseline)": "random",
    "VICReg, 15 epochs": "vicreg",
    "VICReg on neighbors": "no_generated_neighbors",
    "VICReg without variance term, 4 epochs": "no_variance",
    "Laplacian eigenmaps, 10 nearest": "laplacian_eigenmaps",
    "SimCLR, 13 epochs": "simclr",
}


@pytest.mark.parametrize("label", ROWS)
def test_the_table_of_real_cifar10_is_the_record(label: str) -> None:
    told = RECORDED[ROWS[label]]
    lines = [line.split(" | ") for line in TEXT.splitlines() if line.startswith(f"| {label} | ")]
    (cells,) = [cells for cells in lines if len(cells) == 10]
    probe, anomaly, clusters = told["probe"], told["anomaly"], told["clustering"]
    assert cells[1].replace("*", "").startswith(f"{probe['linear_accuracy']:.2f} (")
    shown = [cell.strip(" |") for cell in cells[2:]]
    percents = (
        probe["unstandardised_accuracy"],
        probe["knn_accuracy"],
        told["retrieval"]["precision_at_5"],
        anomaly["auroc_mnist"],
        anomaly["auroc_svhn"],
    )
    assert [float(cell) for cell in shown[:5]] == pytest.approx(percents, abs=0.0501)
    assert [float(cell) for cell in shown[5:7]] == pytest.approx(
        [clusters[key] for key in ("silhouette", "nmi")], abs=0.000501
    )
    rank = told.get("training", {}).get("effective_rank")
    assert shown[7] in ((f"{rank:.1f}", f"{rank:.0f}") if rank else ("",))


def test_every_recorded_encoder_has_a_row() -> None:
    assert set(RECORDED) == set(ROWS.values())


@pytest.mark.parametrize("label", ROWS)
def test_the_table_of_the_reports_probe_is_the_record(label: str) -> None:
    told = RECORDED[ROWS[label]]
    lines = [line.split(" | ") for line in TEXT.splitlines() if line.startswith(f"| {label} | ")]
    (cells,) = [cells for cells in lines if len(cells) == 6]
    first, last = told["sgd_probe"]["first"], told["sgd_probe"]["last"]
    shown = [float(cell.strip(" |").split(" (")[0]) for cell in cells[1:]]
    expected = (
        first["train_accuracy"],
        last["train_accuracy"],
        first["test_accuracy"],
        last["test_accuracy"],
        told["probe"]["linear_accuracy"],
    )
    assert shown == pytest.approx(expected, abs=0.0501)


def test_the_table_of_simclrs_choices_is_the_record() -> None:
    assert simclr_ablations.table(json.loads(simclr_ablations.RECORD.read_text())) in TEXT


def row(label: str) -> list[str]:
    """The cells of the one row so called, without emphasis."""
    (line,) = [line for line in TEXT.splitlines() if line.startswith(f"| {label} | ")]
    return [cell.replace("*", "").strip() for cell in line.strip("|").split("|")]


GPU = {
    "untrained ResNet-18 (baseline)": "random",
    "VICReg, LARS": "vicreg_lars",
    "SimCLR, LARS": "simclr_lars",
    "VICReg, AdamW 2e-3, one cycle": "vicreg_adamw",
}


@pytest.mark.parametrize("label", GPU)
def test_the_table_of_the_gpu_is_the_record(label: str) -> None:
    told = json.loads((ROOT / "benchmarks/results/gpu.json").read_text())["real"]["encoders"][GPU[label]]
    cells = row(label)
    probe, knn = told["probe"]["linear"], told["probe"]["knn"]
    assert cells[3] == f"{probe['value']:.2f} ({probe['low']:.1f} to {probe['high']:.1f})"
    assert cells[4] == f"{knn['value']:.1f}"
    read = [
        told.get("retrieval", {}).get("precision_at_5"),
        *map(told.get("anomaly", {}).get, ("auroc_mnist", "auroc_svhn")),
    ]
    assert cells[5:8] == [f"{value:.1f}" if value else "" for value in read]
    nmi, rank = told.get("clustering", {}).get("nmi"), told.get("effective_rank")
    assert cells[8:] == [f"{nmi:.3f}" if nmi else "", f"{rank:.1f}" if rank else ""]
    spent = [str(told["epochs"]), f"{told['seconds']:.0f}"] if told["epochs"] else ["", ""]
    assert [cells[1], cells[2].partition(",")[0]] == spent


MACHINES = {
    "classifier, clean": ("fgsm_sweep/cnn", "clean"),
    "classifier under FGSM 0.1": ("fgsm_sweep/cnn", "fgsm_eps_0_1"),
    "classifier under PGD 0.1": ("fgsm_sweep/cnn", "pgd_eps_0_1"),
    "defended, clean": ("fgsm_sweep/adv_cnn", "clean"),
    "defended under FGSM 0.1": ("fgsm_sweep/adv_cnn", "fgsm_eps_0_1"),
    "defended under PGD 0.1": ("fgsm_sweep/adv_cnn", "pgd_eps_0_1"),
    "probe, PCA of the pixels": ("probe/pixels", "linear_accuracy"),
    "probe, untrained network": ("probe/random", "linear_accuracy"),
    "probe, VICReg": ("probe/vicreg", "linear_accuracy"),
    "probe, without variance term": ("probe/no_variance", "linear_accuracy"),
    "probe, neighbors": ("probe/no_generated_neighbors", "linear_accuracy"),
    "probe, Laplacian eigenmaps": ("probe/laplacian_eigenmaps", "linear_accuracy"),
    "probe, SimCLR": ("probe/simclr", "linear_accuracy"),
    "AUROC handwritten, VICReg": ("anomaly/vicreg", "auroc_mnist"),
    "AUROC handwritten, neighbors": ("anomaly/no_generated_neighbors", "auroc_mnist"),
    "AUROC handwritten, SimCLR": ("anomaly/simclr", "auroc_mnist"),
    "AUROC street, VICReg": ("anomaly/vicreg", "auroc_svhn"),
    "AUROC street, neighbors": ("anomaly/no_generated_neighbors", "auroc_svhn"),
    "AUROC street, SimCLR": ("anomaly/simclr", "auroc_svhn"),
    "effective rank, VICReg": ("vicreg", "effective_rank"),
    "effective rank, without variance term": ("ablations/no_variance", "effective_rank"),
}


@pytest.mark.parametrize("label", MACHINES)
def test_the_table_of_three_machines_is_the_record(label: str) -> None:
    told = json.loads((ROOT / "benchmarks/results/machines.json").read_text())["machines"]
    place, key = MACHINES[label]
    assert row(label)[1:] == [f"{told[name]['metrics'][place][key]:.1f}" for name in ("epyc", "xeon", "h200")]
