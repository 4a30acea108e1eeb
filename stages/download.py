"""Where the pixels come from: the official data set, an archive or folder of one's own, or images drawn on the spot."""

from stages import run
from visrep.data import archive, official, store
from visrep.settings.data import Drawn, Source
from visrep.stage.job import Job

ITEMS = "download"


def main(job: Job) -> None:
    key = f"download.{job.item}"
    source = job.read(key, Drawn) if job.item == "shapes" else job.read(key, Source)
    store.save(_images(job, source), job.out(f"data/{job.item}"))


def _images(job: Job, source: Source | Drawn) -> store.ImageSet:
    if source.source == "embedded":
        size = source.embedded
        images: store.ImageSet = job.module("visrep.data.embedded", job.item).draw(size.seed, size.train, size.test)
        return images
    if source.source == "official":
        return official.load(str(source.official), job.scratch, job.log)
    return archive.load(job.item, source, job.scratch, job.log)


if __name__ == "__main__":
    run(main, ITEMS)
