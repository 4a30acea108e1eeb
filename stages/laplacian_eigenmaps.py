"""Coordinates without a network: the smoothest functions on a graph that ties each image to its look-alikes."""

import numpy as np
from threadpoolctl import threadpool_limits

from visrep.data import store
from visrep.models import floors, spectral
from visrep.readers import collapse, neighbors
from visrep.settings.laplacian_eigenmaps import LaplacianEigenmaps
from visrep.settings.runtime import Threads
from visrep.stage import artifacts, run


def main(job: run.Job) -> None:
    settings = job.read("laplacian_eigenmaps", LaplacianEigenmaps)
    threadpool_limits(job.read("runtime.threads", Threads).root)
    cifar10 = store.load(job.input("data/cifar10"))
    pixels = floors.flat(cifar10.train.images)
    graph = spectral.graph(neighbors.nearest(pixels, pixels, settings.k, itself=True).index)
    found = spectral.eigenmaps(graph, settings.dimensions, settings.seed)
    spectral.check_extensible(found.eigenvalues)  # here rather than in all that build on it
    if found.pieces > 1:
        job.log(f"the graph falls into {found.pieces} pieces; each has coordinates of its own")

    artifacts.write_weights(
        job.out("models/laplacian_eigenmaps.safetensors"),
        {"coordinates": found.coordinates.astype(np.float32), "eigenvalues": found.eigenvalues},
        {"kind": spectral.KIND, "k": settings.k},
    )
    artifacts.write_metrics(
        job.out("metrics/laplacian_eigenmaps.json"),
        {"effective_rank": collapse.effective_rank(collapse.spectrum(found.coordinates)), "residual": found.residual},
    )
    artifacts.write_json(
        job.out("plots/laplacian_eigenmaps/details.json"),
        {"n": len(pixels), "source": cifar10.source, "pieces": found.pieces}
        | {"spectrum": [{"place": place, "eigenvalue": value} for place, value in enumerate(found.eigenvalues, 1)]},
    )


if __name__ == "__main__":
    run.main(main)
