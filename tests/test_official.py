"""Official data sets, in tiny: files in their formats, written byte by byte and served under torchvision's names."""

import gzip
import io
import pickle
import struct
import tarfile
from collections.abc import Callable, Iterator
from hashlib import md5
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.io
from PIL import Image
from torchvision import datasets

from tests.test_fetch import QUICK, Answer, Site, serving, status, whole
from visrep.data import official
from visrep.data.store import ImageSet
from visrep.errors import Failure

NAMES = ["svhn", "cifar10", "mnist"]
LABELS = {"train": np.array([3, 0, 9, 1, 0, 5, 7]), "test": np.array([2, 0, 8])}
SOME = np.random.default_rng(0)
COLOR = {split: SOME.integers(0, 256, (len(labels), 32, 32, 3), np.uint8) for split, labels in LABELS.items()}
GREY = {split: SOME.integers(0, 256, (len(labels), 28, 28), np.uint8) for split, labels in LABELS.items()}
ANIMALS = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]


def mat(split: str) -> bytes:
    """SVHN: (32, 32, 3, N) and labels from 1 to 10, where 10 is the digit 0."""
    buffer = io.BytesIO()
    labels = np.where(LABELS[split] == 0, 10, LABELS[split]).astype(np.uint8)[:, None]
    scipy.io.savemat(buffer, {"X": np.moveaxis(COLOR[split], 0, 3), "y": labels})
    return buffer.getvalue()


def batches() -> dict[str, bytes]:
    """CIFAR-10: pickles of (N, 3072) rows, channel by channel; the training set comes in five."""
    parts = {"test_batch": (COLOR["test"], LABELS["test"])}
    for index, chosen in enumerate(np.array_split(np.arange(len(LABELS["train"])), 5), start=1):
        parts[f"data_batch_{index}"] = COLOR["train"][chosen], LABELS["train"][chosen]
    rows = {
        name: {"data": np.moveaxis(x, 3, 1).reshape(len(x), -1), "labels": y.tolist()} for name, (x, y) in parts.items()
    }
    return {name: pickle.dumps(part) for name, part in {**rows, "batches.meta": {"label_names": ANIMALS}}.items()}


def tgz(files: dict[str, bytes], folder: str) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(f"{folder}/{name}")
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


def idx(array: np.ndarray) -> bytes:
    return gzip.compress(
        struct.pack(f">HBB{array.ndim}I", 0, 8, array.ndim, *array.shape) + array.astype(np.uint8).tobytes()
    )


def digest(content: bytes) -> str:
    return md5(content, usedforsecurity=False).hexdigest()


CIFAR = batches()
FILES = {
    "train_32x32.mat": mat("train"),
    "test_32x32.mat": mat("test"),
    "cifar-10-python.tar.gz": tgz(CIFAR, "cifar-10-batches-py"),
    "train-images-idx3-ubyte.gz": idx(GREY["train"]),
    "train-labels-idx1-ubyte.gz": idx(LABELS["train"]),
    "t10k-images-idx3-ubyte.gz": idx(GREY["test"]),
    "t10k-labels-idx1-ubyte.gz": idx(LABELS["test"]),
}


@pytest.fixture
def pages() -> dict[str, list[Answer]]:
    """What the server answers; tests put trouble in front."""
    return {name: [whole(content, etag='"1"', ranges="fair")] for name, content in FILES.items()}


@pytest.fixture
def site(pages: dict[str, list[Answer]], monkeypatch: pytest.MonkeyPatch) -> Iterator[Site]:
    """torchvision's data sets, pointed at a server on this machine and at the checksums of the tiny files."""
    with serving(**pages) as served:
        splits = {
            split: [f"{served.address}/{split}_32x32.mat", f"{split}_32x32.mat", digest(FILES[f"{split}_32x32.mat"])]
            for split in ("train", "test")
        }
        monkeypatch.setattr(datasets.SVHN, "split_list", splits)
        monkeypatch.setattr(datasets.CIFAR10, "url", f"{served.address}/cifar-10-python.tar.gz")
        monkeypatch.setattr(datasets.CIFAR10, "tgz_md5", digest(FILES["cifar-10-python.tar.gz"]))
        known = [[name, digest(content)] for name, content in CIFAR.items()]
        monkeypatch.setattr(datasets.CIFAR10, "train_list", [entry for entry in known if "data" in entry[0]])
        monkeypatch.setattr(datasets.CIFAR10, "test_list", [entry for entry in known if "test" in entry[0]])
        meta = {"filename": "batches.meta", "key": "label_names", "md5": digest(CIFAR["batches.meta"])}
        monkeypatch.setattr(datasets.CIFAR10, "meta", meta)
        monkeypatch.setattr(datasets.MNIST, "mirrors", [f"{served.address}/"])
        gz = [(name, digest(content)) for name, content in FILES.items() if "ubyte" in name]
        monkeypatch.setattr(datasets.MNIST, "resources", gz)
        yield served


def loaded(name: str, scratch: Path, log: Callable[[str], None] = print) -> ImageSet:
    return official.load(name, scratch, log, patience=QUICK)


def refused(name: str, scratch: Path, *words: str) -> None:
    with pytest.raises(Failure) as caught:
        loaded(name, scratch)
    line = str(caught.value)
    assert "\n" not in line
    for word in (name, *words):
        assert word in line, line


def expected(name: str, split: str) -> np.ndarray:
    if name != "mnist":
        return COLOR[split]
    large = [Image.fromarray(grey).convert("RGB").resize((32, 32), Image.Resampling.BILINEAR) for grey in GREY[split]]
    return np.stack([np.asarray(image) for image in large])


@pytest.mark.parametrize("name", NAMES)
def test_images_labels_and_names(name: str, tmp_path: Path, site: Site) -> None:
    lines: list[str] = []
    found = loaded(name, tmp_path, lines.append)
    for split, part in (("train", found.train), ("test", found.test)):
        assert np.array_equal(part.images, expected(name, split))
        assert part.labels.tolist() == LABELS[split].tolist()
    assert found.classes == (tuple(ANIMALS) if name == "cifar10" else tuple("0123456789"))
    assert found.source == f"torchvision.datasets.{official.SETS[name]} (official)"
    assert not found.factors
    assert lines[0] == "7 train and 3 test images"
    assert len(lines) == 1 + (name == "mnist")


@pytest.mark.parametrize("name", NAMES)
def test_trouble_on_the_way(name: str, tmp_path: Path, site: Site, pages: dict[str, list[Answer]]) -> None:
    for page, content in FILES.items():
        pages[page][:0] = [status(503), whole(content, etag='"1"', cut=20)]
    assert loaded(name, tmp_path).train.labels.tolist() == LABELS["train"].tolist()


@pytest.mark.parametrize("name", NAMES)
def test_lasting_trouble_names_set_and_address(name: str, tmp_path: Path, site: Site, pages: Any) -> None:
    for answers in pages.values():
        answers[:] = [status(500)]
    refused(name, tmp_path, site.address, "500")
    assert len(site.asked) == QUICK.tries


@pytest.mark.parametrize("name", NAMES)
def test_another_checksum(name: str, tmp_path: Path, site: Site, pages: dict[str, list[Answer]]) -> None:
    for page, content in FILES.items():
        pages[page][:] = [whole(content + b"x")]
    refused(name, tmp_path, site.address, "MD5")
    assert not [path for path in tmp_path.rglob("*") if path.is_file()]


@pytest.mark.parametrize("name", NAMES)
def test_what_is_there_is_not_loaded_again(name: str, tmp_path: Path, site: Site) -> None:
    loaded(name, tmp_path)
    before = len(site.asked)
    assert loaded(name, tmp_path).test.labels.tolist() == LABELS["test"].tolist()
    assert len(site.asked) == before


def test_a_kill_while_unpacking(tmp_path: Path, site: Site) -> None:
    """torchvision takes any file of the right name for unpacked."""
    raw = tmp_path / "MNIST/raw"
    raw.mkdir(parents=True)
    for name in FILES:
        (raw / name.removesuffix(".gz")).write_bytes(b"half")
    assert np.array_equal(loaded("mnist", tmp_path).train.images, expected("mnist", "train"))


def test_the_next_mirror(tmp_path: Path, site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(**{name: [status(404)] for name in FILES}) as gone:
        monkeypatch.setattr(datasets.MNIST, "mirrors", [f"{gone.address}/", f"{site.address}/"])
        assert loaded("mnist", tmp_path).train.labels.tolist() == LABELS["train"].tolist()
        monkeypatch.setattr(datasets.MNIST, "mirrors", [f"{gone.address}/", f"{gone.address}//"])
        refused("mnist", tmp_path / "new", f"{gone.address}/train", "404", ";")


def test_files_of_another_format(tmp_path: Path, site: Site, pages: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    pages["cifar-10-python.tar.gz"][:] = [whole(b"no archive")]
    monkeypatch.setattr(datasets.CIFAR10, "tgz_md5", digest(b"no archive"))
    refused("cifar10", tmp_path, "torchvision.datasets.CIFAR10")


def test_shapes_are_not_official(tmp_path: Path) -> None:
    refused("shapes", tmp_path, "no official source")
