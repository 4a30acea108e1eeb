"""Which factors of drawn shapes an encoder keeps and which it lets go, beside what its training predicts."""

import numpy as np
from threadpoolctl import threadpool_limits

from visrep.data import redrawn, store
from visrep.machine import device
from visrep.models import autoencoder, weights
from visrep.readers import factors, invariance, scalings
from visrep.settings.factors import Factors
from visrep.settings.probe import Probe
from visrep.settings.runtime import Runtime
from visrep.settings.similarity import Family
from visrep.stage import artifacts, run

SHOWN = 5  # queries of a kind

ITEMS = "families"


def main(job: run.Job) -> None:
    settings, probe = job.read("factors", Factors), job.read("probe", Probe)
    varied = job.read(f"families.{job.item}", Family).root
    machine = device.prepare(job.read("runtime", Runtime))
    threadpool_limits(1)  # the products are small: more threads gain nothing, and wait for long on a busy machine
    shapes = store.load(job.input("data/shapes"))
    encoder = machine.place(weights.load(job.input(f"models/similarity_{job.item}.safetensors"), autoencoder.Encoder))

    def embed(images: np.ndarray) -> np.ndarray:
        return scalings.unit(autoencoder.encoded(encoder, images))

    found = invariance.seen(shapes, embed, settings)
    rows = invariance.table(found, embed, varied, settings, probe)
    sets = invariance.sets(found[invariance.NEW], embed, varied or (), settings)
    judged = {(row["factor"], row["reader"]): row["value"] for row in rows if row["images"] == invariance.NEW}
    artifacts.write_metrics(
        job.out(f"metrics/similarity/{job.item}.json"),
        {f"{name}_{reader}": judged[name, reader] for name in redrawn.NAMES for reader in ("agreement", "probe")}
        | {"margin": float(sets.margins.mean()), "diameter": float(sets.diameters.mean())},
    )
    artifacts.write_json(
        job.out(f"plots/factors/{job.item}/details.json"),
        {"n": {name: len(those.factors) for name, those in found.items()}, "source": shapes.source}
        | {"varied": varied, "k": settings.k, "definition": factors.__doc__, "rows": rows}
        | {"verdicts": {name: factors.counted([r for r in rows if r["images"] == name]) for name in found}}
        | {"sets": len(sets.diameters), "redrawn": settings.redrawn}
        | {"diameter": factors.told(sets.diameters), "margin": factors.told(sets.margins)}
        | {"separated": float(np.mean(sets.margins > sets.diameters) * 100)}
        | {"alignment": sets.alignment, "uniformity": sets.uniformity}
        | {
            "shown": {
                name: invariance.shown(found[name], SHOWN, settings) for name in (invariance.TRAINING, invariance.NEW)
            }
        },
    )


if __name__ == "__main__":
    run.main(main, ITEMS)
