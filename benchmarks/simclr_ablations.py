"""What each choice of SimCLR is worth: a chart and a Markdown table of a study's probes.

    python -m benchmarks.simclr_ablations <folder of the study> <what its images are called>

keeps what `simclr`, every ablation of it and both floors came to in `results/simclr_ablations.json`, draws
`docs/simclr_ablations.png` and prints the table. docs/results.md says which study it was.
"""

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from visrep import files, records
from visrep.evaluations import probe
from visrep.figures import evaluations, style
from visrep.records import Interval
from visrep.stage import params

BASELINES = ("pixels", "random")  # of those that the record holds
RECORD = Path(__file__).parent / "results/simclr_ablations.json"
CHART = Path(__file__).parents[1] / "docs/simclr_ablations.png"
READERS = {"linear": "linear probe", "knn": "nearest neighbors"}


def main() -> None:
    study, source = Path(sys.argv[1]), sys.argv[2]
    values = params.load(study / "params.yaml")
    varied = [name for name, ablation in values["ablations"].items() if ablation["of"] == "simclr"]
    names = [*BASELINES, "simclr", *varied]
    rows = [_row(study, name, values["encoders"][name]) for name in names]
    probed = _probed(study, "simclr")
    record: dict[str, Any] = {"n": probed.n, "labelled": probed.labelled, "chance": probed.chance}
    record |= {"source": source, "epochs": values["simclr"]["epochs"], "rows": rows}
    files.write_json(RECORD, record)
    plot(record)
    print(table(record))


def _row(study: Path, name: str, label: str) -> dict[str, Any]:
    row: dict[str, Any] = {"name": name, "label": label}
    metrics = _probed(study, name).metrics
    for reader in (*READERS, "unstandardised"):
        row[reader] = asdict(getattr(metrics, f"{reader}_accuracy"))
    if name not in BASELINES:
        place = "methods/simclr" if name == "simclr" else f"ablations/{name}"
        row |= files.read_json(study / f"metrics/{place}.json")
    return row


def _probed(study: Path, name: str) -> probe.Result:
    return records.read(study / f"plots/probe/{name}/details.json", probe.Result)


def plot(record: dict[str, Any]) -> None:
    rows = record["rows"]
    readings = {said: [Interval(**row[key]) for row in rows] for key, said in READERS.items()}
    trained = f"{record['labelled']:,} training images, {record['epochs']} epochs, one training each."
    footer = f"{trained} Lines: 95 % intervals. Floors in italics."
    figure = evaluations.rows(
        "What each choice of SimCLR is worth",
        [row["label"] for row in rows],
        [row["label"] for row in rows if row["name"] in BASELINES],
        [evaluations.Panel("Test images named rightly, %", readings, record["chance"])],
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
