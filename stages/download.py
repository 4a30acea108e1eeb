"""Where the pixels come from: the official data set, an archive or folder of one's own, or images drawn on the spot."""

from visrep.data import archive, official, store
from visrep.settings.download import Shapes, Source
from visrep.stage import run

ITEMS = ("svhn", "cifar10", "mnist", "shapes")


def main(job: run.Job) -> None:
    key = f"download.{job.item}"
    source = job.read(key, Shapes) if job.item == "shapes" else job.read(key, Source)
    store.save(_images(job, source), job.out(f"data/{job.item}"))


def _images(job: run.Job, source: Source | Shapes) -> store.ImageSet:
    if source.source == "embedded" or isinstance(source, Shapes):
        size = source.embedded
        images: store.ImageSet = job.module(f"visrep.data.embedded.{job.item}").draw(size.seed, size.train, size.test)
        return images
    if source.source == "official":
        return official.load(job.item, job.scratch, job.log)
    return archive.load(job.item, source, job.scratch, job.log)


if __name__ == "__main__":
    run.main(main, ITEMS)
