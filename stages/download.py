"""An image set: the official one, an archive or folder of one's own, or generated images, in one format."""

from stages import run
from visrep.data import archive, official, store
from visrep.settings.data import Archive, Embedded, Official, OneSource
from visrep.stage.job import Job

ITEMS = "download"


def main(job: Job) -> None:
    source = job.read(f"download.{job.item}", OneSource).root
    match source:
        case Embedded():
            images = job.module("visrep.data.embedded", job.item).generate(source.seed, source.train, source.test)
        case Archive():
            images = archive.load(source, job.scratch, job.log)
        case Official():
            images = official.load(source.official, job.scratch, job.log)
    store.save(images, job.out(f"data/{job.item}"))


if __name__ == "__main__":
    run(main, ITEMS)
