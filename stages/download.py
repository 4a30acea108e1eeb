"""Where the pixels come from: the official data set, an archive or folder of one's own, or images drawn on the spot."""

from visrep import run
from visrep.data import archive, official, store
from visrep.settings.download import Embedded, Shapes, Source

ITEMS = ("svhn", "cifar10", "mnist", "shapes")


def main(job: run.Job) -> None:
    store.save(_images(job), job.out(f"data/{job.item}"))


def _images(job: run.Job) -> store.ImageSet:
    if job.item == "shapes":
        return _drawn(job, job.read("download.shapes", Shapes).embedded)
    source = job.read(f"download.{job.item}", Source)
    match source.source:
        case "official":
            return official.load(job.item, job.scratch, job.log)
        case "archive":
            return archive.load(job.item, source, job.scratch, job.log)
        case "embedded":
            return _drawn(job, source.embedded)


def _drawn(job: run.Job, size: Embedded) -> store.ImageSet:
    images: store.ImageSet = job.module(f"visrep.data.embedded.{job.item}").draw(size.seed, size.train, size.test)
    return images


if __name__ == "__main__":
    run.main(main, items=ITEMS)
