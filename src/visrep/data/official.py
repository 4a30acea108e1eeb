"""The data sets themselves, from the addresses and against the checksums that torchvision knows.

N images, H = W = 32 pixels.
"""

from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from visrep.data import archive, fetch, store
from visrep.errors import Failure

SETS = {"svhn": "SVHN", "cifar10": "CIFAR10", "mnist": "MNIST"}  # torchvision.datasets' names
DIGITS = tuple("0123456789")
MAX_BYTES = 10**9  # of one file; the largest has 182 MB

Log = Callable[[str], None]


class File(NamedTuple):
    """Where torchvision looks for a file below its root, the addresses it may come from, and its MD5."""

    path: str
    addresses: tuple[str, ...]
    md5: str


def load(name: str, scratch: Path, log: Log, *, patience: fetch.Patience = fetch.PATIENCE) -> store.ImageSet:
    """The set ``name``, downloaded to ``scratch``; what is there and intact from an earlier run is not loaded again.

    SVHN labels the digit 0 as 10, torchvision as 0. Raises `Failure`.
    """
    if name not in SETS:
        raise Failure(f"{name} has no official source; {', '.join(SETS)} have one", 2)
    from torchvision import datasets

    kind = getattr(datasets, SETS[name])
    for file in _files(name, kind):
        _bring(name, file, scratch, log, patience)
    kinds: Counter[archive.Kind] = Counter()
    try:
        dataset, held_out = (kind(scratch, download=True, **_part(name, part)) for part in ("train", "test"))
        train, test = _split(dataset, kinds), _split(held_out, kinds)
    except Exception as error:
        raise Failure(f"{name}: torchvision.datasets.{SETS[name]} cannot read what it expects: {error}") from error
    log(f"{len(train.labels):,} train and {len(test.labels):,} test images")
    if line := archive.changes(kinds):
        log(line)
    classes = tuple(dataset.classes) if name == "cifar10" else DIGITS
    return store.ImageSet(train, test, classes, f"torchvision.datasets.{SETS[name]} (official)", {})


def _files(name: str, kind: Any) -> list[File]:
    if name == "svhn":
        return [File(path, (url,), md5) for url, path, md5 in (kind.split_list[part] for part in ("train", "test"))]
    if name == "cifar10":
        return [File(kind.filename, (kind.url,), kind.tgz_md5)]
    return [
        File(f"MNIST/raw/{path}", tuple(f"{mirror}{path}" for mirror in kind.mirrors), md5)
        for path, md5 in kind.resources
    ]


def _bring(name: str, file: File, scratch: Path, log: Log, patience: fetch.Patience) -> None:
    """One file from the first address that has it intact. torchvision would download it too, but waits forever on a
    server that stalls and starts over after every cut; of what is there it verifies the checksum, and unpacks."""
    from torchvision.datasets.utils import check_integrity

    path = scratch / file.path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.with_suffix("").unlink(missing_ok=True)  # half unpacked, maybe: torchvision looks at MNIST's names only
    problems = []
    if check_integrity(path, file.md5):
        return
    for address in file.addresses:
        try:
            fetch.download(address, path, MAX_BYTES, log, patience=patience)
        except Failure as failure:
            problems.append(str(failure))
            continue
        if check_integrity(path, file.md5):
            return
        path.unlink()
        problems.append(f"{fetch.printable(address)}: its MD5 is not {file.md5}")
    raise Failure(f"{name}: {'; '.join(problems)}")


def _part(name: str, part: str) -> dict[str, Any]:
    return {"split": part} if name == "svhn" else {"train": part == "train"}


def _split(dataset: Any, kinds: Counter[archive.Kind]) -> store.Split:
    """(N, 32, 32, 3) and (N,) of a torchvision data set, which yields Pillow images and labels."""
    images, labels = np.empty((len(dataset), store.SIZE, store.SIZE, 3), np.uint8), np.empty(len(dataset), np.int64)
    for index in range(len(dataset)):
        image, labels[index] = dataset[index]
        images[index] = archive.pixels(image)
        kinds[archive.kind(image)] += 1
    return store.split(images, labels)
