"""Images of one's own: a folder, or a .zip, .tar or .tar.gz, in the layout ``<split>/<class>/<image>``.

N images, H = W = 32 pixels.
"""

import os
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import NamedTuple
from urllib.parse import urlsplit

import numpy as np
from PIL import Image, UnidentifiedImageError

from visrep import files
from visrep.data import fetch, store
from visrep.data.members import MEGABYTE, Member, members, named, quoted
from visrep.data.store import SIZE
from visrep.errors import Failure
from visrep.settings.data import Archive

SPLITS = ("train", "test")
FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "PPM", "TIFF")
PIXELS = 64_000_000  # of one image; beyond 89 million Pillow refuses by itself

Log = Callable[[str], None]


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


def load(source: Archive, scratch: Path, log: Log, *, patience: fetch.Patience = fetch.PATIENCE) -> store.ImageSet:
    """The set that ``source.archive`` holds. Classes stand in the order of their names, or of their values where all
    are integers; images class by class in the order of theirs, whatever the order in the archive.

    ``scratch`` takes a download for as long as it is read. Raises `Failure`.
    """
    where, limit = source.archive, source.max_megabytes * MEGABYTE
    if "://" not in where:
        return _load(where, files.at_home(where), source.sha256, limit, log)
    scratch.mkdir(parents=True, exist_ok=True)
    path = scratch / "archive"
    try:
        fetch.download(where, path, limit, log, patience=patience)
        return _load(fetch.printable(where), path, source.sha256, limit, log)
    finally:
        path.unlink(missing_ok=True)


def _load(title: str, path: Path, sha256: str | None, limit: int, log: Log) -> store.ImageSet:
    """``title`` is what the user calls ``path``."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        content = _content(title, members(path, title, sha256, limit))
    classes = _classes(title, content)
    train, test = (_split(split, content.images, classes) for split in SPLITS)
    log(f"{len(train.labels):,} train and {len(test.labels):,} test images of {len(classes)} classes")
    if line := changes(content.kinds):
        log(line)
    return store.ImageSet(train, test, classes, f"{_basename(title)} (archive)", {})


def pixels(image: Image.Image) -> np.ndarray:
    """``image`` as (32, 32, 3) uint8, as torchvision's ImageFolder and Resize((32, 32)) bring it there: bilinear with
    antialiasing, transparency and EXIF orientation ignored. One departure: of 16-bit grey, which they saturate, the
    upper eight bits are taken. Raises `ValueError` on grey levels that have no known range."""
    image.load()
    if image.mode == "F" or (image.mode == "I" and image.format != "PPM"):  # those are brought to 16 bits on opening
        raise ValueError("grey levels of 32 bits have no known range")
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
    return ", ".join(f"{counts.total():,} images {what} (from {_most(counts)})" for what, counts in done if counts)


def kind(image: Image.Image) -> Kind:
    return Kind(f"{image.width}x{image.height}", image.mode)


def _most(counts: Counter[str], most: int = 3) -> str:
    rest = len(counts) - most
    return ", ".join(name for name, _ in counts.most_common(most)) + f" and {rest:,} others" * (rest > 0)


def _basename(title: str) -> str:
    if "://" in title:
        parts = urlsplit(title)
        return PurePosixPath(parts.path).name or parts.netloc
    return Path(os.path.abspath(title)).name


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
            raise Failure(f"{title}: {quoted(member.name)} stands in another top folder than the images before it")
        content.images[key], kind = _decoded(f"{title}: {quoted(member.name)}", member.size, member.read)
        content.kinds[kind] += 1
    content.folders.update((name[-2], name[-1]) for name in folders if len(name) > 1 and name[:-2] in tops)
    return content


def _key(title: str, name: str) -> tuple[tuple[str, ...], Key]:
    """The one folder around all, which a user may have packed along, and what stands below it."""
    parts = name.split("/")
    if len(parts) not in (3, 4) or parts[-3] not in SPLITS:
        raise Failure(f"{title}: {quoted(name)} is not in the layout <split>/<class>/<image>, splits train and test")
    if not parts[-2].isprintable():
        raise Failure(f"{title}: {quoted(name)} is of a class whose name cannot be printed")
    return tuple(parts[:-3]), Key(*parts[-3:])


def _decoded(title: str, size: int, read: Callable[[], bytes]) -> tuple[np.ndarray, Kind]:
    with named(title):
        data = read()
    if len(data) != size:
        raise Failure(f"{title} is not of the size it declares")
    with named(title, "cannot be decoded"):
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
                f"{title}: {quoted(f'{split}/{min(empty)}')} holds no image; a class needs some in each split"
            )
    numbers = all(label.isascii() and label.isdigit() for label in held["train"])
    return tuple(sorted(held["train"], key=lambda label: (int(label) if numbers else 0, label)))


def _split(split: str, images: Mapping[Key, np.ndarray], classes: tuple[str, ...]) -> store.Split:
    order = {label: index for index, label in enumerate(classes)}
    keys = sorted((key for key in images if key.split == split), key=lambda key: (order[key.label], key.image))
    return store.split(np.stack([images[key] for key in keys]), np.array([order[key.label] for key in keys]))
