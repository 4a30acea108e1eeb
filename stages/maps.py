"""Maps of an embedding in two dimensions: PCA, t-SNE and UMAP."""

from threadpoolctl import threadpool_limits

from stages import run
from visrep import files
from visrep.data import store
from visrep.evaluations import maps
from visrep.settings.runtime import Threads
from visrep.stage.job import Job

ITEMS = "encoders"


def main(job: Job) -> None:
    settings = job.read("maps", maps.Settings)
    threads = job.read("runtime.threads", Threads).root
    threadpool_limits(threads)
    objects = store.load(job.input("data/objects"))
    train, test = (files.read_array(job.input(f"embeddings/{job.item}/{part}.npy")) for part in ("train", "test"))
    result = maps.evaluate(train, test, objects, settings, threads)
    job.result(f"maps/{job.item}", result)
    files.write_table(job.out(f"plots/maps/{job.item}.json"), maps.charted(result, objects))


if __name__ == "__main__":
    run(main, ITEMS)
