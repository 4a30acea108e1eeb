"""The files of a folder, a .zip, a .tar or a .tar.gz that nobody vouches for.

They are read one by one in memory, within bounds, and nothing is ever unpacked to disk, which is what tarfile's filters
guard; folders and zip files go through the same checks. What is wrong ends in one line that names the archive and the
member.
"""

import gzip
import os
import re
import stat
import tarfile
import zipfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from hashlib import file_digest
from io import BufferedIOBase, BytesIO, RawIOBase
from pathlib import Path
from typing import IO, NamedTuple, Self

from visrep.errors import Failure

JUNK = ("__MACOSX", ".DS_Store", "Thumbs.db", "desktop.ini")  # what file managers leave behind; also "._*"
MEGABYTE = 10**6
MEMBERS = 1_000_000  # files and folders in one archive
MEMBER = 64 * MEGABYTE  # of one file
NAME = 1_000  # characters of a member's path


class Member(NamedTuple):
    """A file or folder of an archive. ``read`` gives at most ``size`` + 1 bytes; a folder has none."""

    name: str
    size: int
    read: Callable[[], bytes] | None


def members(path: Path, title: str, sha256: str | None, limit: int) -> Iterator[Member]:
    """What ``path`` holds, without junk, under plain names; ``title`` is what the user calls it, ``limit`` its size in
    bytes, packed and unpacked. Raises `Failure` before anything is opened where it is missing, too large or not the
    expected one, and at the first member that is out of bounds."""
    if path.is_dir():
        if sha256:
            raise Failure(f"{title} is a folder, and a folder has no sha256", 2)
        return _folder(path, title, limit)
    if not path.is_file():
        raise Failure(f"{title}: no such file or folder")
    if path.stat().st_size > limit:
        raise Failure(f"{title} is larger than the {limit:,} bytes allowed")
    with named(title), open(path, "rb") as file:
        magic = file.read(2)
        file.seek(0)
        digest = file_digest(file, "sha256").hexdigest() if sha256 else None
    if digest != sha256:
        raise Failure(f"{title} has sha256 {digest}, expected {sha256}")
    return _zip(path, title, limit) if magic == b"PK" else _tar(path, title, limit, gzipped=magic == b"\x1f\x8b")


def _folder(root: Path, title: str, limit: int) -> Iterator[Member]:
    def walked() -> Iterator[Member]:
        for place, folders, files in os.walk(root, onerror=_raise):
            folders.sort()
            yield from (_entry(Path(place, name), root, title) for name in folders + sorted(files))

    with named(title):
        yield from list(_admitted(title, walked(), limit))


def _entry(path: Path, root: Path, title: str) -> Member:
    """A link to a file of the same folder counts as the file; other links are refused."""
    name = path.relative_to(root).as_posix()
    if path.is_symlink() and (path.is_dir() or not path.resolve().is_relative_to(root.resolve())):
        raise Failure(f"{title}: {quoted(name)} is a link to a folder, or out of this one")
    if path.is_dir():
        return Member(name, 0, None)
    if not path.is_file():
        raise Failure(f"{title}: {quoted(name)} is no plain file or folder")
    size = path.stat().st_size
    return Member(name, size, partial(_start, partial(_opened, path), size))


def _zip(path: Path, title: str, limit: int) -> Iterator[Member]:
    """All members are looked at before the first is read."""
    with named(title, "no readable zip archive"):
        if _count(path, b"PK\x01\x02") > MEMBERS:  # counted before zipfile makes an object of each
            raise Failure(f"{title} has more than {MEMBERS:,} members")
        with zipfile.ZipFile(path) as archive:
            yield from list(_admitted(title, (_zipped(archive, info, title) for info in archive.infolist()), limit))


def _zipped(archive: zipfile.ZipFile, info: zipfile.ZipInfo, title: str) -> Member:
    if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise Failure(f"{title}: {quoted(info.filename)} is no plain file or folder")
    if info.flag_bits & 1:
        raise Failure(f"{title}: {quoted(info.filename)} is encrypted")
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):  # zipfile unpacks others without bounds
        raise Failure(f"{title}: {quoted(info.filename)} is compressed by another method than deflate")
    read = partial(_start, partial(archive.open, info), info.file_size)
    return Member(info.filename, info.file_size, None if info.is_dir() else read)


def _tar(path: Path, title: str, limit: int, gzipped: bool) -> Iterator[Member]:
    """Members come as they are unpacked, so that the archive is read once, from its start to its end."""
    with named(title, "no readable .zip, .tar or .tar.gz archive"), _opened(path, gzipped) as raw:
        stream = _Bounded(raw, limit, title)
        with tarfile.open(fileobj=stream, mode="r|", tarinfo=_StrictTarInfo) as archive:
            yield from _admitted(title, (_tarred(archive, info, title) for info in archive), limit)
        while stream.read(2**16):  # gzip's own checksum comes last
            pass


def _tarred(archive: tarfile.TarFile, info: tarfile.TarInfo, title: str) -> Member:
    if info.type not in (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.DIRTYPE) or info.issparse() or info.size < 0:
        raise Failure(f"{title}: {quoted(info.name)} is no plain file or folder")
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


def _admitted(title: str, members: Iterable[Member], limit: int) -> Iterator[Member]:
    """The members without junk, under plain names. Raises `Failure` at the first that is out of bounds."""
    total, names = 0, set()
    for count, member in enumerate(members, start=1):
        name = _plain(title, member.name)
        total += member.size
        if count > MEMBERS:
            raise Failure(f"{title} has more than {MEMBERS:,} members")
        if member.size > MEMBER:
            raise Failure(f"{title}: {quoted(name)} has {member.size:,} bytes, more than the {MEMBER:,} allowed")
        if total > limit:
            raise Failure(f"{title} unpacks to more than the {limit:,} bytes allowed, at {quoted(name)}")
        if member.read and name in names:
            raise Failure(f"{title}: {quoted(name)} is there twice")
        names.add(name)
        if not any(part in JUNK or part.startswith("._") for part in name.split("/")):
            yield member._replace(name=name)


def _plain(title: str, name: str) -> str:
    r"""``a/b/c`` for ``./a//b\c``. Raises `Failure` where a name leads out of the archive or has no end."""
    parts = name.replace("\\", "/").split("/")
    if not parts[0] or ".." in parts or re.match(r"[A-Za-z]:[\\/]", name):
        raise Failure(f"{title}: {quoted(name)} leads out of the archive")
    if len(name) > NAME:
        raise Failure(f"{title}: {quoted(name)} has a name of {len(name):,} characters")
    return "/".join(part for part in parts if part not in ("", "."))


@contextmanager
def named(title: str, what: str = "cannot be read") -> Iterator[None]:
    """Whatever a hostile file makes a parser raise, as one line about ``title``."""
    try:
        yield
    except Failure:
        raise
    except Exception as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise Failure(f"{title}: {what}: {reason}") from error


def quoted(name: str) -> str:
    return repr(name if len(name) <= 120 else f"{name[:60]}...{name[-60:]}")


def _raise(error: OSError) -> None:
    raise error
