"""A stage as a process: every error is one line, one copy runs at a time, and it ends with its parent."""

import errno
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from visrep.errors import Failure, Missing
from visrep.machine.lifetime import die_with_parent
from visrep.stage import locks, params, pipeline
from visrep.stage.job import Job

NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}
WAIT = "VISREP_WAIT"  # seconds that a stage waits for another process of itself to end
NO_ACCESS = {errno.EACCES, errno.EPERM, errno.EROFS}


def main(stage: Callable[[Job], None], items: tuple[str, ...] | str, parent: int) -> NoReturn:
    """Run a stage module as a program: ``python -m stages.<name> [item]``. ``items`` are what it can be run for, or
    the sections of params.yaml that name them, joined as their names are: "methods-replicates.seeds" for simclr-1. The
    process ends with its ``parent``."""
    module = sys.modules[stage.__module__]
    script = Path(str(module.__file__)).resolve()
    name = script.stem
    try:
        _live(Job(name, script, _item(name, module.__doc__ or "", items)), stage, parent)
    except Missing as missing:
        _end(f"{name}: {missing}; {pipeline.remedy(missing.path)}")
    except Failure as failure:
        _end(f"{name}: {failure}", failure.status)
    except OSError as error:
        if error.errno not in NO_ROOM | NO_ACCESS:
            raise
        what = "no room left to write" if error.errno in NO_ROOM else "no access to"
        _end(f"{name}: {what} {error.filename or 'its outputs'}: {error.strerror}; nothing was written")
    except KeyboardInterrupt:
        _end(f"{name}: interrupted; run it again and it goes on from here", 130)
    sys.exit(0)


def _live(job: Job, stage: Callable[[Job], None], parent: int) -> None:
    die_with_parent(parent)
    job.folder.mkdir(parents=True, exist_ok=True)
    lock = locks.only_one(job.folder / "lock", job.name, wait=float(os.environ.get(WAIT, "0")))
    try:
        stage(job)
        job.publish()
    except BaseException:
        job.discard()
        raise
    finally:
        os.close(lock)


def _item(name: str, doc: str, items: tuple[str, ...] | str) -> str:
    words = sys.argv[1:]
    known = params.combinations(items.split("-")) if isinstance(items, str) else items
    usage = f"python -m stages.{name}" + (f" {{{','.join(known)}}}" if known else "")
    if words in (["-h"], ["--help"]):
        print(f"usage: {usage}\n\n{doc.strip()}\n\n{pipeline.described(name)}")
        sys.exit(0)
    if not items and words:
        raise Failure(f"takes no item, got {' '.join(words)!r}; usage: {usage}", 2)
    if items and (len(words) != 1 or words[0] not in known):
        raise Failure(f"no item {' '.join(words)!r}; one of {', '.join(known) or 'none: params.yaml names none'}", 2)
    return words[0] if words else ""


def _end(line: str, status: int = 1) -> NoReturn:
    print(line, file=sys.stderr, flush=True)
    sys.exit(status)
