"""The result tables of README.md, written from the committed metrics: ``python -m visrep.readme``."""

import sys
from pathlib import Path
from typing import Any

from visrep import artifacts, params
from visrep.errors import Failure
from visrep.settings.encoders import Labels

README = Path("README.md")
START, END = "<!-- results: `make readme` writes these lines -->", "<!-- end of results -->"
ROWS = (
    ("Classifier, clean images", "cnn", "clean"),
    ("Classifier under FGSM, ε 0.1", "cnn", "fgsm_eps_0_1"),
    ("Classifier under PGD, ε 0.1", "cnn", "pgd_eps_0_1"),
    ("Defended classifier, clean images", "adv_cnn", "clean"),
    ("Defended classifier under FGSM, ε 0.1", "adv_cnn", "fgsm_eps_0_1"),
    ("Defended classifier under PGD, ε 0.1", "adv_cnn", "pgd_eps_0_1"),
)
READINGS = (  # stage, metric, decimals
    ("probe", "linear_accuracy", 1),
    ("probe", "knn_accuracy", 1),
    ("retrieval", "precision_at_5", 1),
    ("anomaly", "auroc_mnist", 1),
    ("anomaly", "auroc_svhn", 1),
    ("clustering", "silhouette", 3),
    ("clustering", "nmi", 3),
)
READ = ("probe", "retrieval", "anomaly", "clustering")


def table() -> str:
    """Markdown: ours with 95 % interval, the floor, and what the reports say of other images."""
    reported = params.load(Path("docs/reported.yaml"))
    lines = ["| accuracy on test images, % | ours | 95 % interval | floor | reported (SVHN) |", "|---|---|---|---|---|"]
    for name, model, key in ROWS:
        details = artifacts.read_json(Path(f"plots/fgsm_sweep/{model}/details.json"))
        value = artifacts.read_json(Path(f"metrics/fgsm_sweep/{model}.json"))[key]
        interval = details["accuracies"][_column(key)]
        other = reported.get(f"fgsm_sweep/{model}", {}).get(key, {}).get("value")
        spread = f"{interval['low']:.1f} to {interval['high']:.1f}"
        lines.append(f"| {name} | **{value:.1f}** | {spread} | {details['chance']:.1f} | {_shown(other)} |")
    return "\n".join([*lines, "", _caption(details)])


def encoders() -> str:
    """Markdown: what each encoder is good for; floors first, as params.yaml lists them."""
    labels = params.read("encoders", Labels).root
    reported = params.load(Path("docs/reported.yaml"))
    columns = ("linear probe", "k-NN", "precision at 5", "AUROC digits", "AUROC street digits", "silhouette", "NMI")
    lines = [f"| encoder | {' | '.join(columns)} | reported probe (CIFAR-10) |", "|---" * (len(columns) + 2) + "|"]
    for name, label in labels.items():
        found = {stage: artifacts.read_json(Path(f"metrics/{stage}/{name}.json")) for stage in READ}
        values = [f"{found[stage][key]:.{digits}f}" for stage, key, digits in READINGS]
        others = reported.get(f"probe/{name}", {}).get("linear_accuracy", {}).get("values", [])
        lines.append(
            f"| {label} | **{values[0]}** | {' | '.join(values[1:])} | {' / '.join(map(_shown, others)) or '-'} |"
        )
    details = artifacts.read_json(Path("plots/probe/vicreg/details.json"))
    width = max(details["accuracy"]["high"] - details["accuracy"]["value"], 0)
    return "\n".join([*lines, "", _encoders_caption(details, width)])


def _encoders_caption(details: dict[str, Any], width: float) -> str:
    return (
        f"Ours: {details['source']}, n = {details['n']:,} test images, so a probe is sure to about {width:.0f} points; "
        f"the best constant answer gets {details['chance']:.1f}. The first two rows are floors: no training has made "
        "them. Anomalies are digits among objects, found by the distance to the training images."
    )


def _column(key: str) -> str:
    attack, _, radius = key.partition("_eps_")
    return f"{attack} {radius.replace('_', '.', 1)}" if radius else attack


def _shown(value: Any) -> str:
    return "-" if value is None else f"{value:.2f}"


def _caption(details: dict[str, Any]) -> str:
    gates = {
        model: [
            g for g in artifacts.read_json(Path(f"plots/fgsm_sweep/{model}/details.json"))["gates"] if not g["passed"]
        ]
        for model in ("cnn", "adv_cnn")
    }
    said = {model: f"{len(failed)} fail" if failed else "all pass" for model, failed in gates.items()}
    return (
        f"Ours: {details['source']}, n = {details['n']:,}. Floor: the best constant answer on these images. "
        f"The honesty gates: {said['cnn']} for the undefended classifier, {said['adv_cnn']} for the defended one. "
        "The reports' images are others, so their column is for orientation, not for comparison."
    )


def written(text: str) -> str:
    """``text`` with the lines between the two marks made anew. Raises `Failure` where a mark is missing."""
    if START not in text or END not in text:
        raise Failure(f"{README} lacks the marks around its results")
    head, rest = text.split(START)
    return head + START + "\n" + table() + "\n\n" + encoders() + "\n" + END + rest.split(END)[1]


def main() -> None:
    try:
        artifacts.write_bytes(README, written(README.read_text()).encode())
    except Failure as failure:
        print(f"readme: {failure}", file=sys.stderr)
        sys.exit(failure.status)


if __name__ == "__main__":
    main()
