"""Archives: honest ones in every form, and hostile ones, each of which must end in one line and leave nothing."""

import gzip
import io
import os
import random
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.test_fetch import QUICK, serving, status, whole
from visrep.data import archive, members
from visrep.data.store import ImageSet
from visrep.errors import Failure
from visrep.settings.data import Archive

Files = Mapping[str, bytes]


def png(pixels: np.ndarray, form: str = "PNG", **options: Any) -> bytes:
    return encoded(Image.fromarray(pixels), form, **options)


def encoded(image: Image.Image, form: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def noise(seed: int, *shape: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, shape or (32, 32, 3), np.uint8)


PICTURES = {
    f"{split}/{label}/{name}.png": noise(7 * i + 3 * j + k)
    for i, split in enumerate(("train", "test"))
    for j, label in enumerate(("cat", "ant"))
    for k, name in enumerate(("b", "a", "c")[: 3 - i])
}
GOOD = {name: png(pixels) for name, pixels in PICTURES.items()}
ONE = "train/cat/a.png"


def make_folder(files: Files, path: Path) -> Path:
    for name, content in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    return path


def make_zip(files: Files, path: Path) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in files.items():
            file.writestr(name, content)
    return path


def make_tar(files: Files, path: Path) -> Path:
    with tarfile.open(path, "w:gz" if path.suffix == ".tgz" else "w") as file:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            file.addfile(info, io.BytesIO(content))
    return path


MAKERS = {"set": make_folder, "set.zip": make_zip, "set.tar": make_tar, "set.tgz": make_tar}


def source(address: Path | str, sha: str | None = None, megabytes: int = 1) -> Archive:
    return Archive(source="archive", archive=str(address), sha256=sha, max_megabytes=megabytes)


def loaded(
    address: Path | str, scratch: Path, log: Callable[[str], None] = lambda line: None, **options: Any
) -> ImageSet:
    return archive.load(source(address, **options), scratch, log, patience=QUICK)


def tree(folder: Path) -> list[tuple[str, int]]:
    return sorted((str(path), path.lstat().st_size) for path in folder.rglob("*"))


def refused(address: Path | str, folder: Path, *words: str, **options: Any) -> None:
    """Loading fails with one line that holds ``words``, and nothing appears in ``folder``."""
    before = tree(folder)
    with pytest.raises(Failure) as caught:
        loaded(address, folder, **options)
    line = str(caught.value)
    assert "\n" not in line and len(line) < 400
    assert line.isprintable()
    for word in (Path(address).name, *words):
        assert word in line, line
    assert tree(folder) == before


# --- honest archives --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("form", MAKERS)
def test_the_same_set_in_any_form_and_order(form: str, seed: int, tmp_path: Path) -> None:
    names = list(GOOD)
    random.Random(seed).shuffle(names)
    path = MAKERS[form]({name: GOOD[name] for name in names}, tmp_path / form)
    before = tree(tmp_path)
    found = loaded(path, tmp_path)
    assert tree(tmp_path) == before
    assert found.classes == ("ant", "cat")
    assert found.source == f"{form} (archive)"
    assert not found.factors
    for split, part in (("train", found.train), ("test", found.test)):
        expected = sorted(name for name in PICTURES if name.startswith(split))
        assert np.array_equal(part.images, [PICTURES[name] for name in expected])
        assert part.labels.tolist() == [found.classes.index(name.split("/")[1]) for name in expected]


def test_a_path_may_begin_at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    make_zip(GOOD, tmp_path / "set.zip")
    assert loaded("~/set.zip", tmp_path).source == "set.zip (archive)"


@pytest.mark.parametrize("form", MAKERS)
def test_a_top_folder_and_what_file_managers_leave(form: str, tmp_path: Path) -> None:
    wrapped = {f"mine/{name}": content for name, content in GOOD.items()}
    junk = (
        "mine/.DS_Store",
        "__MACOSX/mine/train/._a.png",
        "mine/train/cat/._a.png",
        "mine/train/ant/Thumbs.db",
        ".DS_Store",
    )
    path = MAKERS[form](dict.fromkeys(junk, b"junk") | wrapped, tmp_path / form)
    plain = loaded(MAKERS[form](GOOD, tmp_path / f"plain-{form}"), tmp_path)
    assert all(np.array_equal(a, b) for a, b in zip(loaded(path, tmp_path).train, plain.train, strict=True))


@pytest.mark.parametrize("spell", ["./{}", "{}", ".//{}"])
def test_names_as_tools_spell_them(spell: str, tmp_path: Path) -> None:
    path = make_tar({spell.format(name): content for name, content in GOOD.items()}, tmp_path / "set.tar")
    assert len(loaded(path, tmp_path).train.labels) == 6


def test_backslashes_as_some_windows_tools_write_them(tmp_path: Path) -> None:
    path = make_zip({name.replace("/", "\\"): content for name, content in GOOD.items()}, tmp_path / "set.zip")
    assert loaded(path, tmp_path).classes == ("ant", "cat")


@pytest.mark.parametrize(
    ("labels", "expected"),
    [(("10", "9", "1"), ("1", "9", "10")), (("10", "9", "x"), ("10", "9", "x")), (("07", "6", "7"), ("6", "07", "7"))],
)
def test_integers_are_ordered_by_value(labels: tuple[str, ...], expected: tuple[str, ...], tmp_path: Path) -> None:
    files = {f"{split}/{label}/a.png": GOOD[ONE] for split in ("train", "test") for label in labels}
    assert loaded(make_zip(files, tmp_path / "set.zip"), tmp_path).classes == expected


def test_a_folder_may_link_to_its_own_files(tmp_path: Path) -> None:
    folder = make_folder(GOOD, tmp_path / "set")
    (folder / "train/cat/d.png").symlink_to("a.png")
    assert len(loaded(folder, tmp_path).train.labels) == 7


def test_the_log_says_what_was_changed(tmp_path: Path) -> None:
    grey = {"train/cat/d.png": png(noise(1, 28, 28)), "train/cat/e.png": png(noise(2, 28, 28))}
    lines: list[str] = []
    loaded(make_zip({**GOOD, **grey}, tmp_path / "set.zip"), tmp_path, lines.append)
    assert lines == [
        "8 train and 4 test images of 2 classes",
        "2 images resized to 32x32 (from 28x28), 2 images converted to RGB (from L)",
    ]


# --- pixels -----------------------------------------------------------------------------------------------------------


def palette(transparent: bool) -> bytes:
    image = Image.fromarray(noise(3, 20, 20, 3)).quantize(16)
    return encoded(image, transparency=bytes(range(0, 256, 16))) if transparent else encoded(image)


def turned() -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6
    return png(noise(4, 40, 20, 3), "JPEG", exif=exif)


FORMS = {
    "same": png(noise(0)),
    "grey": png(noise(1, 28, 28)),
    "grey with alpha": png(noise(2, 40, 33, 2)),
    "alpha": png(noise(3, 64, 48, 4)),
    "large": png(noise(4, 200, 311, 3)),
    "tiny": png(noise(5, 1, 2, 3)),
    "palette": palette(False),
    "palette with alpha": palette(True),
    "bits": encoded(Image.fromarray(noise(6, 50, 50)).convert("1")),
    "cmyk": encoded(Image.fromarray(noise(7, 30, 36, 3)).convert("CMYK"), "JPEG"),
    "turned": turned(),
    "gif": png(noise(8, 31, 32), "GIF"),
    "bmp": png(noise(9, 33, 32, 3), "BMP"),
    "webp": png(noise(10, 33, 32, 3), "WEBP"),
    "tiff": png(noise(11, 33, 32, 3), "TIFF"),
}


@pytest.mark.filterwarnings("ignore:Palette images with Transparency")  # torchvision's own
@pytest.mark.parametrize("form", FORMS)
def test_pixels_are_those_of_torchvision(form: str, tmp_path: Path) -> None:
    from torchvision.datasets.folder import default_loader
    from torchvision.transforms import Resize

    (tmp_path / "image").write_bytes(FORMS[form])
    expected = np.asarray(Resize((32, 32))(default_loader(tmp_path / "image")))
    found = loaded(make_zip({**GOOD, ONE: FORMS[form]}, tmp_path / "set.zip"), tmp_path)
    assert np.array_equal(found.train.images[3], expected)


def test_transparent_palettes_make_no_noise(tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
    loaded(make_zip({**GOOD, ONE: palette(True)}, tmp_path / "set.zip"), tmp_path)
    assert not recwarn.list


@pytest.mark.parametrize("form", ["PNG", "PPM", "TIFF"])
def test_sixteen_bits_keep_their_upper_eight(form: str, tmp_path: Path) -> None:
    grey = np.arange(32 * 32, dtype=np.uint16).reshape(32, 32) * 64
    found = loaded(make_zip({**GOOD, ONE: png(grey, form)}, tmp_path / "set.zip"), tmp_path)
    assert np.array_equal(found.train.images[3], np.repeat(grey[..., None] // 256, 3, 2))


# --- what is no set ---------------------------------------------------------------------------------------------------


def without(prefix: str) -> dict[str, bytes]:
    return {name: content for name, content in GOOD.items() if not name.startswith(prefix)}


UNFIT: dict[str, tuple[Files, tuple[str, ...]]] = {
    "no test": (without("test/"), ("test",)),
    "no train": (without("train/"), ("train",)),
    "class missing": (without("test/cat"), ("'test/cat'",)),
    "class untrained": (without("train/cat"), ("'train/cat'",)),
    "nothing": ({}, ("no images",)),
    "other split": ({**GOOD, "valid/cat/a.png": GOOD[ONE]}, ("'valid/cat/a.png'", "<split>/<class>/<image>")),
    "too deep": ({**GOOD, "train/cat/x/a.png": GOOD[ONE]}, ("'train/cat/x/a.png'",)),
    "deeper": ({**GOOD, "a/b/train/cat/a.png": GOOD[ONE]}, ("'a/b/train/cat/a.png'",)),
    "too flat": ({**GOOD, "train/a.png": GOOD[ONE]}, ("'train/a.png'",)),
    "two tops": ({**GOOD, "x/train/cat/a.png": GOOD[ONE]}, ("'x/train/cat/a.png'", "top folder")),
    "no image": ({**GOOD, "train/cat/notes.txt": b"read me"}, ("'train/cat/notes.txt'", "no image")),
    "empty image": ({**GOOD, ONE: b""}, (f"'{ONE}'", "no image")),
    "cut image": ({**GOOD, ONE: GOOD[ONE][:1500]}, (f"'{ONE}'", "cannot be decoded")),
    "cut jpeg": ({**GOOD, ONE: png(noise(1, 64, 64, 3), "JPEG")[:1500]}, (f"'{ONE}'", "cannot be decoded")),
    "script": ({**GOOD, ONE: b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n"}, (f"'{ONE}'", "no image")),
    "fractions": ({**GOOD, ONE: png(np.ones((9, 9), np.float32), "TIFF")}, (f"'{ONE}'", "range")),
}


@pytest.mark.parametrize("form", MAKERS)
@pytest.mark.parametrize("case", UNFIT)
def test_what_is_no_set(case: str, form: str, tmp_path: Path) -> None:
    files, words = UNFIT[case]
    path = tmp_path / form
    if form == "set":
        path.mkdir()
    refused(MAKERS[form](files, path), tmp_path, *words)


@pytest.mark.parametrize("form", ["set", "set.zip", "set.tar"])
@pytest.mark.parametrize("top", ["", "mine/"])
def test_an_empty_class(form: str, top: str, tmp_path: Path) -> None:
    path = MAKERS[form]({f"{top}{name}": content for name, content in GOOD.items()}, tmp_path / form)
    empty = f"{top}train/yak"
    if form == "set":
        (path / empty).mkdir()
    elif form == "set.zip":
        with zipfile.ZipFile(path, "a") as file:
            file.writestr(f"{empty}/", b"")
    else:
        with tarfile.open(path, "a") as tar:
            info = tarfile.TarInfo(empty)
            info.type = tarfile.DIRTYPE
            tar.addfile(info)
    refused(path, tmp_path, "'train/yak' holds no image")


@pytest.mark.parametrize("form", MAKERS)
def test_too_many_pixels(form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "PIXELS", 10_000)
    path = MAKERS[form]({**GOOD, ONE: png(np.zeros((101, 100), np.uint8))}, tmp_path / form)
    refused(path, tmp_path, f"'{ONE}'", "100 x 101 pixels")


@pytest.mark.parametrize("side", [10_000, 60_000])
def test_pixels_declared_beyond_pillows_own_limit(side: int, tmp_path: Path, recwarn: pytest.WarningsRecorder) -> None:
    bomb = bytearray(GOOD[ONE])
    bomb[16:24] = struct.pack(">II", side, side)
    bomb[29:33] = struct.pack(">I", zlib.crc32(bomb[12:29]))
    refused(make_zip({**GOOD, ONE: bytes(bomb)}, tmp_path / "set.zip"), tmp_path, f"'{ONE}'")
    assert not recwarn.list


@pytest.mark.parametrize("form", MAKERS)
def test_a_member_too_large(form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(members, "MEMBER", 5000)
    path = MAKERS[form]({**GOOD, "train/cat/d.png": bytes(5001)}, tmp_path / form)
    refused(path, tmp_path, "'train/cat/d.png' has 5,001 bytes")


@pytest.mark.parametrize("form", MAKERS)
@pytest.mark.parametrize("name", ["train/cat/d.png", "train/cat/._d.png"])
def test_too_much_in_all(form: str, name: str, tmp_path: Path) -> None:
    path = MAKERS[form]({**GOOD, name: bytes(1_100_000)}, tmp_path / form)
    refused(path, tmp_path, "larger than" if form == "set.tar" else "unpacks to more than", "1,000,000")


@pytest.mark.parametrize("form", MAKERS)
def test_too_many_members(form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(members, "MEMBERS", 5)
    path = MAKERS[form](GOOD, tmp_path / form)
    monkeypatch.setattr("zipfile.ZipFile", None)  # it would make an object of each
    refused(path, tmp_path, "more than 5 members")


# --- names and kinds of members ---------------------------------------------------------------------------------------

ESCAPES = [
    "../train/cat/d.png",
    "train/cat/../../../d.png",
    "/train/cat/d.png",
    "..\\train\\d.png",
    "C:\\train\\cat\\d.png",
    "..",
]


@pytest.mark.parametrize("form", ["set.zip", "set.tar", "set.tgz"])
@pytest.mark.parametrize("name", ESCAPES)
@pytest.mark.parametrize("top", ["", "__MACOSX"])
def test_names_that_lead_out(form: str, name: str, top: str, tmp_path: Path) -> None:
    name = name.replace("train", top) if top else name
    path = MAKERS[form]({**GOOD, name: GOOD[ONE]}, tmp_path / form)
    refused(path, tmp_path, repr(name), "leads out of the archive")


@pytest.mark.parametrize("form", ["set.zip", "set.tar"])
def test_a_name_without_end(form: str, tmp_path: Path) -> None:
    path = MAKERS[form]({**GOOD, f"train/cat/{'x' * 5000}": GOOD[ONE]}, tmp_path / form)
    refused(path, tmp_path, "a name of 5,010 characters")


@pytest.mark.parametrize("label", ["c\nat", "c\x1b[2Jat", "c\u202eat", "c\udcffat"])
def test_a_class_that_cannot_be_printed(label: str, tmp_path: Path) -> None:
    path = make_tar({name.replace("cat", label): content for name, content in GOOD.items()}, tmp_path / "set.tar")
    refused(path, tmp_path, ascii(label)[1:-1], "cannot be printed")


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("again", [ONE, f"./{ONE}", ONE.replace("/", "//")])
def test_the_same_member_twice(again: str, tmp_path: Path) -> None:
    with zipfile.ZipFile(make_zip(GOOD, tmp_path / "set.zip"), "a") as file:
        file.writestr(again, GOOD[ONE])
    refused(tmp_path / "set.zip", tmp_path, f"'{ONE}' is there twice")
    with tarfile.open(make_tar(GOOD, tmp_path / "set.tar"), "a") as tar:
        tar.addfile(tarfile.TarInfo(again))
    refused(tmp_path / "set.tar", tmp_path, f"'{ONE}' is there twice")


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFBLK, stat.S_IFSOCK])
@pytest.mark.parametrize("name", ["train/cat/d.png", "train/cat/._d.png", "link"])
def test_zip_members_that_are_no_files(kind: int, name: str, tmp_path: Path) -> None:
    info = zipfile.ZipInfo(name)
    info.external_attr = (kind | 0o777) << 16
    with zipfile.ZipFile(make_zip(GOOD, tmp_path / "set.zip"), "a") as file:
        file.writestr(info, "/etc/hostname")
    refused(tmp_path / "set.zip", tmp_path, repr(name), "no plain file")


@pytest.mark.parametrize(
    "kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.FIFOTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.CONTTYPE]
)
@pytest.mark.parametrize("name", ["train/cat/d.png", "train/cat/._d.png", "link"])
def test_tar_members_that_are_no_files(kind: bytes, name: str, tmp_path: Path) -> None:
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, "../../a.png"
    with tarfile.open(make_tar(GOOD, tmp_path / "set.tar"), "a") as tar:
        tar.addfile(info)
    refused(tmp_path / "set.tar", tmp_path, repr(name), "no plain file")


def test_a_sparse_tar_member(tmp_path: Path) -> None:
    info = tarfile.TarInfo("train/cat/d.png")
    info.pax_headers = {"GNU.sparse.size": "9" * 6, "GNU.sparse.map": "0,0"}
    with tarfile.open(make_tar(GOOD, tmp_path / "set.tar"), "a", format=tarfile.PAX_FORMAT) as tar:
        tar.addfile(info)
    refused(tmp_path / "set.tar", tmp_path, "no plain file")


@pytest.mark.parametrize("target", ["../outside.png", "/etc/hostname", "nowhere", "train/ant"])
def test_links_that_leave_a_folder(target: str, tmp_path: Path) -> None:
    folder = make_folder(GOOD, tmp_path / "set")
    (tmp_path / "outside.png").write_bytes(GOOD[ONE])
    (folder / "d.png").symlink_to(target)
    refused(folder, tmp_path, "'d.png'")


def test_links_to_folders(tmp_path: Path) -> None:
    folder = make_folder(GOOD, tmp_path / "set")
    (folder / "train/dog").symlink_to(folder / "train/cat")
    refused(folder, tmp_path, "'train/dog' is a link")


def test_a_pipe_in_a_folder(tmp_path: Path) -> None:
    folder = make_folder(GOOD, tmp_path / "set")
    os.mkfifo(folder / "train/cat/d.png")
    refused(folder, tmp_path, "'train/cat/d.png' is no plain file")


# --- broken containers ------------------------------------------------------------------------------------------------


def patched(path: Path, old: bytes, new: bytes) -> Path:
    content = path.read_bytes()
    assert old in content
    path.write_bytes(content.replace(old, new))
    return path


@pytest.mark.parametrize(
    "content", [b"", b"P", b"PK", b"\x1f\x8b", b"dear diary\n" * 100, GOOD[ONE], b"PK\x03\x04" * 99]
)
@pytest.mark.parametrize("name", ["set.zip", "set.tar", "set.tar.gz"])
def test_what_is_no_archive(name: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    refused(tmp_path / name, tmp_path, "no readable")


@pytest.mark.parametrize("form", ["set.zip", "set.tar", "set.tgz"])
def test_an_archive_cut_anywhere(form: str, tmp_path: Path) -> None:
    content = MAKERS[form](GOOD, tmp_path / form).read_bytes()
    end = len(content.rstrip(b"\0")) // 512 * 512 + 512  # a tar's trailing zeros may go
    for length in [*range(0, min(end, len(content)), 509), *range(512, min(end, len(content)), 512 * 7), end - 8, end]:
        (tmp_path / form).write_bytes(content[: min(length, len(content) - 1)])
        refused(tmp_path / form, tmp_path)


def test_a_broken_header_does_not_end_a_tar(tmp_path: Path) -> None:
    path = make_tar(GOOD, tmp_path / "set.tar")
    refused(patched(path, b"train/cat/c.png", b"train/cat/X.png"), tmp_path, "no readable", "checksum")


def test_a_flipped_bit(tmp_path: Path) -> None:
    stored = tmp_path / "set.zip"
    with zipfile.ZipFile(stored, "w") as file:
        for name, content in GOOD.items():
            file.writestr(name, content)
    broken = bytearray(GOOD[ONE])
    broken[1000] ^= 1
    refused(patched(stored, GOOD[ONE], bytes(broken)), tmp_path, f"'{ONE}'", "CRC")
    packed = bytearray(make_tar(GOOD, tmp_path / "set.tgz").read_bytes())
    packed[-8] ^= 1  # of gzip's own checksum
    (tmp_path / "set.tgz").write_bytes(packed)
    refused(tmp_path / "set.tgz", tmp_path, "CRC")


@pytest.mark.parametrize("declared", [10, 5_000, 2**31])
def test_a_zip_that_lies_about_a_size(declared: int, tmp_path: Path) -> None:
    size = len(GOOD[ONE])
    path = make_zip({**GOOD, ONE: GOOD[ONE] + bytes(100)}, tmp_path / "set.zip")
    refused(patched(path, struct.pack("<I", size + 100), struct.pack("<I", declared)), tmp_path)


def test_an_encrypted_zip(tmp_path: Path) -> None:
    content = bytearray(make_zip(GOOD, tmp_path / "set.zip").read_bytes())
    content[content.index(b"PK\x01\x02") + 8] |= 1
    (tmp_path / "set.zip").write_bytes(content)
    refused(tmp_path / "set.zip", tmp_path, f"set.zip: {next(iter(GOOD))!r} is encrypted")


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_methods_that_unpack_without_bounds(method: int, tmp_path: Path) -> None:
    with zipfile.ZipFile(make_zip(without(ONE), tmp_path / "set.zip"), "a", method) as file:
        file.writestr(ONE, bytes(10**6))
    refused(tmp_path / "set.zip", tmp_path, f"'{ONE}'", "deflate")


def test_members_that_share_their_bytes(tmp_path: Path) -> None:
    """Many names for one compressed block: small as a file, and honest about each size."""
    path = make_zip({**GOOD, "train/cat/d.png": bytes(400_000)}, tmp_path / "set.zip")
    with zipfile.ZipFile(path, "a") as file:
        first = file.getinfo("train/cat/d.png")
        for name in ("e", "f"):
            again = zipfile.ZipInfo(f"train/cat/{name}.png")
            for field in ("header_offset", "CRC", "compress_size", "file_size", "compress_type"):
                setattr(again, field, getattr(first, field))
            file.filelist.append(again)
        file.writestr("train/cat/g.png", b"")
    refused(path, tmp_path, "unpacks to more than")


def test_a_tar_header_that_unpacks_to_more(tmp_path: Path) -> None:
    info = tarfile.TarInfo("train/cat/d.png")
    info.pax_headers = {"comment": "x" * 2_000_000}
    with tarfile.open(tmp_path / "set.tgz", "w:gz", format=tarfile.PAX_FORMAT) as tar:
        tar.addfile(info)
    refused(tmp_path / "set.tgz", tmp_path, "unpacks to more than")


def test_a_tar_whose_zeros_never_end(tmp_path: Path) -> None:
    packed = gzip.compress(gzip.decompress(make_tar(GOOD, tmp_path / "set.tgz").read_bytes()) + bytes(5_000_000))
    (tmp_path / "set.tgz").write_bytes(packed)
    refused(tmp_path / "set.tgz", tmp_path, "unpacks to more than")


@pytest.mark.parametrize("size", [-1, -512])
def test_a_tar_of_negative_size(size: int, tmp_path: Path) -> None:
    info = tarfile.TarInfo("train/cat/d.png")
    info.size = size
    (tmp_path / "set.tar").write_bytes(info.tobuf(tarfile.GNU_FORMAT) + bytes(1024))
    refused(tmp_path / "set.tar", tmp_path, "'train/cat/d.png' is no plain file")


def test_larger_than_allowed(tmp_path: Path) -> None:
    (tmp_path / "set.zip").write_bytes(bytes(1_000_001))
    refused(tmp_path / "set.zip", tmp_path, "larger than the 1,000,000 bytes")


def test_checksums(tmp_path: Path) -> None:
    path = make_zip(GOOD, tmp_path / "set.zip")
    found = sha256(path.read_bytes()).hexdigest()
    assert loaded(path, tmp_path, sha=found).classes == ("ant", "cat")
    refused(path, tmp_path, found, "0" * 64, sha="0" * 64)
    refused(make_folder(GOOD, tmp_path / "set"), tmp_path, "a folder has no sha256", sha=found)
    (tmp_path / "text.zip").write_bytes(b"no archive")
    refused(tmp_path / "text.zip", tmp_path, "expected", sha="0" * 64)


@pytest.mark.parametrize("name", ["nowhere.zip", "pipe"])
def test_what_is_not_there(name: str, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    refused(tmp_path / name, tmp_path, "no such file")


def test_a_folder_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = make_folder(GOOD, tmp_path / "set")
    monkeypatch.setattr("os.walk", lambda top, onerror: onerror(PermissionError(13, "Permission denied", "x")))
    refused(folder, tmp_path, "Permission denied")


# --- addresses --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["set.zip", "set.tar", "set.tgz"])
def test_an_address(form: str, tmp_path: Path) -> None:
    content = MAKERS[form](GOOD, tmp_path / form).read_bytes()
    scratch = tmp_path / "scratch"
    with serving(
        a=[status(503), whole(content, etag='"1"', cut=99), whole(content, etag='"1"', ranges="fair")]
    ) as site:
        found = loaded(f"{site.address}/a?token=secret", scratch, sha=sha256(content).hexdigest())
    assert found.source == "a (archive)"
    assert len(found.train.labels) == 6
    assert not list(scratch.iterdir())


@pytest.mark.parametrize("content", [b"<html>sign in</html>", make_tar])
def test_an_address_of_something_else(content: Any, tmp_path: Path) -> None:
    body = content if isinstance(content, bytes) else content({"x": b"x"}, tmp_path / "set.tar").read_bytes()
    with serving(a=[whole(body)], b=[whole(bytes(1_000_001))], c=[status(404)]) as site:
        for page in "abc":
            refused(f"{site.address}/{page}", tmp_path, f"{site.address}/{page}")
        refused(f"{site.address}/a", tmp_path, "expected", sha="0" * 64)


@pytest.mark.parametrize("address", ["moon://host/set.zip", "memory://host/set.zip"])
def test_other_schemes(address: str, tmp_path: Path) -> None:
    refused(address, tmp_path, "cannot be read" if address.startswith("memory") else "is read by nothing")
