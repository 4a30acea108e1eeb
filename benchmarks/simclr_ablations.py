"""What each choice of SimCLR is worth: a chart and a Markdown table of a study's probes.

    python -m benchmarks.simclr_ablations <folder of the study> <what its images are called>

keeps what `simclr`, every one of `simclr_ablations` and both floors came to in `results/simclr_ablations.json`, draws
`docs/simclr_ablations.png` and prints the table. docs/results.md says which study it was.
"""

import sys
from pathlib import Path
from typing import Any

from visrep.figures import compared, style
from visrep.settings.encoders import FLOORS
from visrep.stage import artifacts, params

RECORD = Path(__file__).parent / "results/simclr_ablations.json"
CHART = Path(__file__).parents[1] / "docs/simclr_ablations.png"
READERS = {"linear": "linear probe", "knn": "nearest neighbours"}


def main() -> None:
    study, source = Path(sys.argv[1]), sys.argv[2]
    values = params.load(study / "params.yaml")
    names = [*FLOORS, "simclr", *values["simclr_ablations"]]
    rows = [_row(study, name, values["encoders"][name]) for name in names]
    probed = artifacts.read_json(study / "plots/probe/simclr/details.json")
    record = {key: probed[key] for key in ("n", "labelled", "chance")}
    record |= {"source": source, "epochs": values["simclr"]["epochs"], "rows": rows}
    artifacts.write_json(RECORD, record)
    draw(record)
    print(table(record))


def _row(study: Path, name: str, label: str) -> dict[str, Any]:
    row = {"name": name, "label": label}
    row |= artifacts.read_json(study / f"plots/probe/{name}/details.json")["accuracies"]
    if name not in FLOORS:
        place = "simclr" if name == "simclr" else f"ablations/{name}"
        row |= artifacts.read_json(study / f"metrics/{place}.json")
    return row


def draw(record: dict[str, Any]) -> None:
    rows = record["rows"]
    readings = {
        said: [(row[key]["value"], row[key]["low"], row[key]["high"]) for row in rows] for key, said in READERS.items()
    }
    trained = f"{record['labelled']:,} training images, {record['epochs']} epochs, one training each."
    footer = f"{trained} Lines: 95 % intervals. Floors in italics."
    figure = compared.rows(
        "What each choice of SimCLR is worth",
        [row["label"] for row in rows],
        [row["label"] for row in rows if row["name"] in FLOORS],
        [compared.Panel("Test images named rightly, %", readings, record["chance"])],
        style.foot(record["source"], record["n"], "test images", footer),
        style.PALETTES["okabe_ito"],
    )
    style.save(figure, CHART, 150)


def table(record: dict[str, Any]) -> str:
    lines = ["| encoder | linear probe | 200-NN | finds its other view | effective rank |", "|---|---|---|---|---|"]
    for row in record["rows"]:
        linear, knn = (f"{row[k]['value']:.1f} ({row[k]['low']:.1f} to {row[k]['high']:.1f})" for k in READERS)
        trained = [f"{row[key]:.1f}" if key in row else "" for key in ("positive_top1", "effective_rank")]
        lines.append("| " + " | ".join([row["label"], linear, knn, *trained]) + " |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
