"""Laplacian eigenmaps: the smoothest functions on the nearest neighbor graph of the pixels."""

from threadpoolctl import threadpool_limits

from stages import run
from visrep import files
from visrep.data import store
from visrep.representations import spectral
from visrep.representations.baselines import pixels
from visrep.settings.representations import LaplacianEigenmaps
from visrep.settings.runtime import Threads
from visrep.stage.job import Job


def main(job: Job) -> None:
    settings = job.read("laplacian_eigenmaps", LaplacianEigenmaps)
    threadpool_limits(job.read("runtime.threads", Threads).root)
    objects = store.load(job.input("data/objects"))
    points = pixels.features(objects.train.images)
    arrays, result = spectral.of_points(points, objects.source, settings.k, settings.dimensions, settings.seed)
    if result.pieces > 1:
        job.log(f"the graph falls into {result.pieces} pieces; each has coordinates of its own")

    files.write_weights(
        job.out("models/laplacian_eigenmaps.safetensors"), arrays, {"kind": spectral.KIND, "k": settings.k}
    )
    job.result("laplacian_eigenmaps", result)


if __name__ == "__main__":
    run(main)
