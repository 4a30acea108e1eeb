"""Laplacian eigenmaps of the nearest neighbor graph of the patch features."""

from stages import run
from visrep import files, threads
from visrep.data import store
from visrep.representations import spectral
from visrep.settings.representations import LaplacianEigenmaps
from visrep.settings.runtime import Threads
from visrep.stage.job import Job


def main(job: Job) -> None:
    settings = job.read("laplacian_eigenmaps", LaplacianEigenmaps)
    threads.limit(job.read("runtime.threads", Threads).root)
    source = store.load(job.input("data/objects")).source
    points = files.read_array(job.input("embeddings/patches/train.npy"))
    patches, on = files.read_weights(job.input("models/patches.safetensors"))
    arrays, result = spectral.of_points(points, source, settings.k, settings.dimensions, settings.seed)
    if result.pieces > 1:
        job.log(f"the graph falls into {result.pieces} pieces; each has coordinates of its own")

    config = {"kind": spectral.KIND, "k": settings.k, "on": on}
    files.write_weights(job.out("models/patch_eigenmaps.safetensors"), patches | arrays | {"points": points}, config)
    job.result("patch_eigenmaps", result)


if __name__ == "__main__":
    run(main)
