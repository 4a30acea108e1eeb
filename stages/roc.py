"""How well each embedding tells digits from objects, in one chart, with the floors among them."""

from typing import Any

import pandas as pd

from visrep.figures import anomalies, style
from visrep.settings.encoders import FLOORS, Labels
from visrep.settings.figures import Figures
from visrep.stage import artifacts, run


def main(job: run.Job) -> None:
    labels = job.read("encoders", Labels).root
    settings = job.read("figures", Figures)
    folder = job.input("plots/anomaly")
    curves = pd.DataFrame([row for name in labels for row in artifacts.read_json(folder / f"{name}.json")])
    details = {name: artifacts.read_json(folder / name / "details.json") for name in labels}
    areas: dict[str, dict[str, float]] = {}
    for name, told in details.items():
        for row in told["scores"]:
            if row["way"] == told["way"]:
                areas.setdefault(row["anomalies"], {})[labels[name]] = row["auroc"]

    artifacts.write_table(job.out("plots/roc.json"), curves)
    title = "How well embeddings tell digits from objects"
    floors = [labels[name] for name in FLOORS if name in labels]
    shown = curves.assign(encoder=curves["encoder"].map(labels))
    palette = style.PALETTES[settings.palette]
    figure = anomalies.roc(title, shown, areas, floors, _footer(next(iter(details.values()))), palette)
    style.save(figure, job.out("plots/roc") / "roc.png", settings.dpi)


def _footer(told: dict[str, Any]) -> str:
    counts = ", ".join(f"{source} (n = {told['n'][key]:,})" for key, source in told["sources"].items())
    return f"Data: {counts}. Score: distance from the training images ({told['way']})."


if __name__ == "__main__":
    run.main(main)
