"""Objects are normal, digits are not: does the distance to the training images tell?"""

import pandas as pd
from threadpoolctl import threadpool_limits

from visrep.data import store
from visrep.readers import anomaly, embeddings
from visrep.settings.anomaly import Anomaly
from visrep.settings.runtime import Threads
from visrep.stage import artifacts, run

SHOWN = 7  # most anomalous images, as in the reports

ITEMS = "encoders"


def main(job: run.Job) -> None:
    settings = job.read("anomaly", Anomaly)
    threadpool_limits(job.read("runtime.threads", Threads).root)
    sets = {"test": "cifar10", "mnist": "mnist", "svhn": "svhn"}
    sources = {key: store.load(job.input(f"data/{name}")).source for key, name in sets.items()}
    found = embeddings.load(job.input(f"embeddings/{job.item}"))

    ways = anomaly.every_way(found, settings)
    chosen = ways[anomaly.chosen(settings)]
    judged = [
        {"way": way, "anomalies": name, "scored": f"{way}, {name}"}
        | anomaly.judge(scores["test"], scores[name])._asdict()
        for way, scores in ways.items()
        for name in anomaly.FOREIGN
    ]
    artifacts.write_metrics(job.out(f"metrics/anomaly/{job.item}.json"), anomaly.metrics(chosen))
    curves = [
        {"encoder": job.item, "anomalies": name, **row}
        for name in anomaly.FOREIGN
        for row in anomaly.roc(chosen["test"], chosen[name])
    ]
    artifacts.write_table(job.out(f"plots/anomaly/{job.item}.json"), pd.DataFrame(curves))
    artifacts.write_json(
        job.out(f"plots/anomaly/{job.item}/details.json"),
        {"n": {name: len(scores) for name, scores in chosen.items()}, "sources": sources}
        | {"way": anomaly.chosen(settings), "scores": judged}
        | {"most_anomalous": anomaly.ranked(chosen, SHOWN)},
    )


if __name__ == "__main__":
    run.main(main, ITEMS)
