"""Images of one's own: a folder, or a .zip, .tar or .tar.gz, in the layout ``<split>/<class>/<image>``.

An archive is not trusted: its members are read one by one in memory, within bounds, and nothing is ever unpacked
to disk. What is wrong ends in one line that names the archive and the member.

N images, H = W = 32 pixels.
"""

import gzip
import os
import re
import stat
import tarfile
import warnings
import zipfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from hashlib import file_digest
from io import BufferedIOBase, BytesIO, RawIOBase
from pathlib import Path, PurePosixPath
from typing import IO, NamedTuple, Self
from urllib.parse import urlsplit

import numpy as np
from PIL import Image, UnidentifiedImageError

from visrep.data import fetch, store
from visrep.data.store import SIZE
from visrep.errors import Failure
from visrep.settings.download import Source

SPLITS = ("train", "test")
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "PPM", "TIFF")
JUNK = ("__MACOSX", ".DS_Store", "Thumbs.db", "desktop.ini")  # what file managers leave behind; also "._*"
MEGABYTE = 10**6
MEMBERS = 1_000_000  # files and folders in one archive
MEMBER = 64 * MEGABYTE  # of one file
PIXELS = 64_000_000  # of one image; beyond 89 million Pillow refuses by itself
NAME = 1_000  # characters of a member's path

Log = Callable[[str], None]


class Member(NamedTuple):
    """A file or folder of an archive. ``read`` gives at most ``size`` + 1 bytes; a folder has none."""

    name: str
    size: int
    read: Callable[[], bytes] | None


class Key(NamedTuple):
    split: str
    label: str
    image: str


class Kind(NamedTuple):
    """What an image was before it became 32x32 RGB: its size as text, and Pillow's mode."""

    size: str
    mode: str


class Content(NamedTuple):
    """Pixels (32, 32, 3) uint8 by key, how many images there were of each kind, and all (split, class) folders."""

    images: dict[Key, np.ndarray]
    kinds: Counter[Kind]
    folders: set[tuple[str, str]]


def load(
    name: str, source: Source, scratch: Path, log: Log, *, patience: fetch.Patience = fetch.PATIENCE
) -> store.ImageSet:
    """The set that ``source.archive`` holds. Classes stand in the order of their names, or of their values where all
    are integers; images class by class in the order of theirs, whatever the order in the archive.

    ``scratch`` takes a download for as long as it is read. Raises `Failure`.
    """
    where, limit = source.archive, source.max_megabytes * MEGABYTE
    if not where:
        raise Failure(f"download.{name}.archive names no folder, file or address", 2)
    if "://" not in where:
        return _load(where, Path(where), source.sha256, limit, log)
    scratch.mkdir(parents=True, exist_ok=True)
    path = scratch / "archive"
    try:
        fetch.download(where, path, limit, log, patience=patience)
        return _load(fetch.shown(where), path, source.sha256, limit, log)
    finally:
        path.unlink(missing_ok=True)


def _load(title: str, path: Path, sha256: str | None, limit: int, log: Log) -> store.ImageSet:
    """``title`` is what the user calls ``path``."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        content = _content(title, _members(path, title, sha256, limit))
    classes = _classes(title, content)
    train, test = (_split(split, content.images, classes) for split in SPLITS)
    log(f"{len(train.labels):,} train and {len(test.labels):,} test images of {len(classes)} classes")
    if line := changes(content.kinds):
        log(line)
    return store.ImageSet(train, test, classes, f"archive: {_basename(title)}", {})


def pixels(image: Image.Image) -> np.ndarray:
    """``image`` as (32, 32, 3) uint8, as torchvision's ImageFolder and Resize((32, 32)) bring it there: bilinear with
    antialiasing, transparency and EXIF orientation ignored. One departure: of 16-bit grey, which they saturate, the
    upper eight bits are taken. Raises `ValueError` on grey levels that have no known range."""
    image.load()
    if image.mode == "F":
        raise ValueError("grey levels with a fraction have no known range")
    if image.mode.startswith("I"):
        image = Image.fromarray(np.clip(np.asarray(image).astype(np.int64) >> 8, 0, 255).astype(np.uint8))
    if image.mode != "RGB":
        image.info.pop("transparency", None)  # it is dropped in any case; for palettes Pillow would warn
        image = image.convert("RGB")
    if image.size != (SIZE, SIZE):
        image = image.resize((SIZE, SIZE), Image.Resampling.BILINEAR)
    return np.asarray(image)


def changes(kinds: Mapping[Kind, int]) -> str:
    """How many images had another size or mode, and which; empty where none had."""
    sizes: Counter[str] = Counter()
    modes: Counter[str] = Counter()
    for kind, count in kinds.items():
        sizes[kind.size] += count
        modes[kind.mode] += count
    del sizes[f"{SIZE}x{SIZE}"], modes["RGB"]
    done = ((f"resized to {SIZE}x{SIZE}", sizes), ("converted to RGB", modes))
    return ", ".join(f"{found.total():,} images {what} (from {_most(found)})" for what, found in done if found)


def kind(image: Image.Image) -> Kind:
    return Kind(f"{image.width}x{image.height}", image.mode)


def _most(found: Counter[str], shown: int = 3) -> str:
    rest = len(found) - shown
    return ", ".join(name for name, _ in found.most_common(shown)) + f" and {rest:,} others" * (rest > 0)


def _basename(title: str) -> str:
    if "://" in title:
        parts = urlsplit(title)
        return PurePosixPath(parts.path).name or parts.netloc
    return Path(os.path.abspath(title)).name


# --- the members of a folder, a zip, a tar ----------------------------------------------------------------------------


def _members(path: Path, title: str, sha256: str | None, limit: int) -> Iterator[Member]:
    """Raises `Failure` before anything is opened where ``path`` is missing, too large or not the expected one."""
    if path.is_dir():
        if sha256:
            raise Failure(f"{title} is a folder, and a folder has no sha256", 2)
        return _folder(path, title, limit)
    if not path.is_file():
        raise Failure(f"{title}: no such file or folder")
    if path.stat().st_size > limit:
        raise Failure(f"{title} is larger than the {limit:,} bytes allowed")
    with _named(title), open(path, "rb") as file:
        magic = file.read(2)
        file.seek(0)
        found = file_digest(file, "sha256").hexdigest() if sha256 else None
    if found != sha256:
        raise Failure(f"{title} has sha256 {found}, expected {sha256}")
    return _zip(path, title, limit) if magic == b"PK" else _tar(path, title, limit, gzipped=magic == b"\x1f\x8b")


def _folder(root: Path, title: str, limit: int) -> Iterator[Member]:
    def found() -> Iterator[Member]:
        for place, folders, files in os.walk(root, onerror=_raise):
            folders.sort()
            yield from (_entry(Path(place, name), root, title) for name in folders + sorted(files))

    with _named(title):
        yield from list(_admitted(title, found(), limit))


def _entry(path: Path, root: Path, title: str) -> Member:
    """A link to a file of the same folder counts as the file; other links are refused."""
    name = path.relative_to(root).as_posix()
    if path.is_symlink() and (path.is_dir() or not path.resolve().is_relative_to(root.resolve())):
        raise Failure(f"{title}: {_quoted(name)} is a link to a folder, or out of this one")
    if path.is_dir():
        return Member(name, 0, None)
    if not path.is_file():
        raise Failure(f"{title}: {_quoted(name)} is no plain file or folder")
    size = path.stat().st_size
    return Member(name, size, partial(_start, partial(_opened, path), size))


def _zip(path: Path, title: str, limit: int) -> Iterator[Member]:
    """All members are looked at before the first is read."""
    with _named(title, "no readable zip archive"):
        if _count(path, b"PK\x01\x02") > MEMBERS:  # counted before zipfile makes an object of each
            raise Failure(f"{title} has more than {MEMBERS:,} members")
        with zipfile.ZipFile(path) as archive:
            yield from list(_admitted(title, (_zipped(archive, info, title) for info in archive.infolist()), limit))


def _zipped(archive: zipfile.ZipFile, info: zipfile.ZipInfo, title: str) -> Member:
    if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise Failure(f"{title}: {_quoted(info.filename)} is no plain file or folder")
    if info.flag_bits & 1:
        raise Failure(f"{title}: {_quoted(info.filename)} is encrypted")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):  # zipfile unpacks others without bounds
        raise Failure(f"{title}: {_quoted(info.filename)} is compressed by another method than deflate")
    read = partial(_start, partial(archive.open, info), info.file_size)
    return Member(info.filename, info.file_size, None if info.is_dir() else read)


def _tar(path: Path, title: str, limit: int, gzipped: bool) -> Iterator[Member]:
    """Members come as they are unpacked, so that the archive is read once, from its start to its end."""
    with _named(title, "no readable .zip, .tar or .tar.gz archive"), _opened(path, gzipped) as raw:
        stream = _Bounded(raw, limit, title)
        with tarfile.open(fileobj=stream, mode="r|", tarinfo=_StrictTarInfo) as archive:
            yield from _admitted(title, (_tarred(archive, info, title) for info in archive), limit)
        while stream.read(2**16):  # gzip's own checksum comes last
            pass


def _tarred(archive: tarfile.TarFile, info: tarfile.TarInfo, title: str) -> Member:
    if info.type not in (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.DIRTYPE) or info.issparse() or info.size < 0:
        raise Failure(f"{title}: {_quoted(info.name)} is no plain file or folder")
    read = partial(_start, partial(_extracted, archive, info), info.size)
    return Member(info.name, info.size, None if info.isdir() else read)


def _extracted(archive: tarfile.TarFile, info: tarfile.TarInfo) -> IO[bytes]:
    return archive.extractfile(info) or BytesIO()  # None only for what is no file


def _opened(path: Path, gzipped: bool = False) -> BufferedIOBase:
    return gzip.open(path, "rb") if gzipped else open(path, "rb")


class _StrictTarInfo(tarfile.TarInfo):
    """tarfile takes a broken header for the end of the archive, and drops what follows without a word."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        try:
            return super().frombuf(buf, encoding, errors)
        except tarfile.HeaderError as error:
            if len(buf) == tarfile.BLOCKSIZE and not any(buf):
                raise  # a block of zeros is the end
            raise tarfile.ReadError(str(error)) from error


class _Bounded(RawIOBase):
    """What ``raw`` holds, up to ``limit`` bytes; `Failure` beyond."""

    def __init__(self, raw: BufferedIOBase, limit: int, title: str) -> None:
        self.raw, self.left, self.line = raw, limit, f"{title} unpacks to more than the {limit:,} bytes allowed"

    def read(self, size: int = -1, /) -> bytes:
        content = self.raw.read(size if size >= 0 else self.left + 1)
        self.left -= len(content)
        if self.left < 0:
            raise Failure(self.line)
        return content


def _start(opened: Callable[[], IO[bytes] | BufferedIOBase], size: int) -> bytes:
    """The first ``size`` bytes, and one more where there is one."""
    with opened() as file:
        return file.read(size + 1)


def _count(path: Path, mark: bytes) -> int:
    with open(path, "rb") as file:
        return sum(chunk.count(mark) for chunk in iter(partial(file.read, 2**20), b""))


# --- what is admitted -------------------------------------------------------------------------------------------------


def _admitted(title: str, members: Iterable[Member], limit: int) -> Iterator[Member]:
    """The members without junk, under plain names. Raises `Failure` at the first that is out of bounds."""
    total, seen = 0, set()
    for count, member in enumerate(members, start=1):
        name = _plain(title, member.name)
        total += member.size
        if count > MEMBERS:
            raise Failure(f"{title} has more than {MEMBERS:,} members")
        if member.size > MEMBER:
            raise Failure(f"{title}: {_quoted(name)} has {member.size:,} bytes, more than the {MEMBER:,} allowed")
        if total > limit:
            raise Failure(f"{title} unpacks to more than the {limit:,} bytes allowed, at {_quoted(name)}")
        if member.read and name in seen:
            raise Failure(f"{title}: {_quoted(name)} is there twice")
        seen.add(name)
        if not any(part in JUNK or part.startswith("._") for part in name.split("/")):
            yield member._replace(name=name)


def _plain(title: str, name: str) -> str:
    r"""``a/b/c`` for ``./a//b\c``. Raises `Failure` where a name leads out of the archive or has no end."""
    parts = name.replace("\\", "/").split("/")
    if not parts[0] or ".." in parts or re.match(r"[A-Za-z]:[\\/]", name):
        raise Failure(f"{title}: {_quoted(name)} leads out of the archive")
    if len(name) > NAME:
        raise Failure(f"{title}: {_quoted(name)} has a name of {len(name):,} characters")
    return "/".join(part for part in parts if part not in ("", "."))


def _content(title: str, members: Iterable[Member]) -> Content:
    """Every image decoded. Raises `Failure` at the first that is out of place or is none."""
    content = Content({}, Counter(), set())
    folders, tops = set(), set()
    for member in members:
        if not member.read:
            folders.add(tuple(member.name.split("/")))
            continue
        top, key = _key(title, member.name)
        tops.add(top)
        if len(tops) > 1:
            raise Failure(f"{title}: {_quoted(member.name)} stands in another top folder than the images before it")
        content.images[key], found = _decoded(f"{title}: {_quoted(member.name)}", member.size, member.read)
        content.kinds[found] += 1
    content.folders.update((name[-2], name[-1]) for name in folders if len(name) > 1 and name[:-2] in tops)
    return content


def _key(title: str, name: str) -> tuple[tuple[str, ...], Key]:
    """The one folder around all, which a user may have packed along, and what stands below it."""
    parts = name.split("/")
    if len(parts) not in (3, 4) or parts[-3] not in SPLITS:
        raise Failure(f"{title}: {_quoted(name)} is not in the layout <split>/<class>/<image>, splits train and test")
    if not parts[-2].isprintable():
        raise Failure(f"{title}: {_quoted(name)} is of a class whose name cannot be printed")
    return tuple(parts[:-3]), Key(*parts[-3:])


def _decoded(title: str, size: int, read: Callable[[], bytes]) -> tuple[np.ndarray, Kind]:
    with _named(title):
        data = read()
    if len(data) != size:
        raise Failure(f"{title} is not of the size it declares")
    with _named(title, "cannot be decoded"):
        try:
            image = Image.open(BytesIO(data), formats=FORMATS)
        except UnidentifiedImageError:
            raise Failure(f"{title} is no image") from None
        if image.width * image.height > PIXELS:
            raise Failure(f"{title} has {image.width:,} x {image.height:,} pixels, more than the {PIXELS:,} allowed")
        return pixels(image), kind(image)


def _classes(title: str, content: Content) -> tuple[str, ...]:
    """The names of the classes in order. Raises `Failure` unless both splits hold images of each."""
    held = {split: {key.label for key in content.images if key.split == split} for split in SPLITS}
    for split, labels in held.items():
        if not labels:
            raise Failure(f"{title} has no images in {split}/<class>/")
    for split in SPLITS:
        empty = {label for where, label in content.folders if where == split} | held["train"] | held["test"]
        if empty := empty - held[split]:
            raise Failure(
                f"{title}: {_quoted(f'{split}/{min(empty)}')} holds no image; a class needs some in each split"
            )
    numbers = all(label.isascii() and label.isdigit() for label in held["train"])
    return tuple(sorted(held["train"], key=lambda label: (int(label) if numbers else 0, label)))


def _split(split: str, images: Mapping[Key, np.ndarray], classes: tuple[str, ...]) -> store.Split:
    order = {label: index for index, label in enumerate(classes)}
    keys = sorted((key for key in images if key.split == split), key=lambda key: (order[key.label], key.image))
    return store.split(np.stack([images[key] for key in keys]), np.array([order[key.label] for key in keys]))


# --- one line ---------------------------------------------------------------------------------------------------------


@contextmanager
def _named(title: str, what: str = "cannot be read") -> Iterator[None]:
    """Whatever a hostile file makes a parser raise, as one line about ``title``."""
    try:
        yield
    except Failure:
        raise
    except Exception as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise Failure(f"{title}: {what}: {reason}") from error


def _quoted(name: str) -> str:
    return repr(name if len(name) <= 120 else f"{name[:60]}...{name[-60:]}")


def _raise(error: OSError) -> None:
    raise error
