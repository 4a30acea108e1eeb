"""Street digits: house numbers in real typefaces over the grain of a photograph, neighbors at the sides.

Made to stand in for SVHN (Netzer et al., 2011): its crop, its class frequencies, digits lighter or darker than the
ground. Most differ from their ground by 80 to 200 grey levels, so that at 12.75 levels a robust classifier can exist.
Training and test images share no typeface, not even one of the same family, and no photograph.
N images, H = W = 32 pixels, C = 3 channels.
"""

from collections.abc import Sequence
from functools import cache, partial
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from visrep.data.embedded import canvas
from visrep.data.embedded.canvas import Chance, Floats
from visrep.data.store import SIZE, ImageSet

CLASSES = tuple("0123456789")
FREQUENCIES = (6.8, 18.9, 14.4, 11.6, 10.2, 9.4, 7.8, 7.6, 6.9, 6.4)  # percent, of SVHN's training set
Faces = dict[str, dict[str, tuple[int, ...]]]
# Typefaces by family, each with outlines (pixels) that make its strokes fit for 20 pixels of height: files of
# matplotlib, and in lower case the codes of pymupdf-fonts.
TRAIN_FACES: Faces = {
    "DejaVu": {
        "DejaVuSans": (1, 2),
        "DejaVuSans-Bold": (0,),
        "DejaVuSansMono": (1, 2),
        "DejaVuSansMono-Bold": (0,),
        "DejaVuSerif": (2,),
        "DejaVuSerif-Bold": (0,),
    },
    "Computer Modern": {"cmr10": (2,), "cmss10": (2,), "cmb10": (1,), "cmtt10": (2,)},
    "Cascadia Mono": {"cascadia": (1,), "cascadiab": (0,), "cascadiabi": (0,)},
    "Noto Sans": {"notos": (1, 2), "notosbo": (0,), "notosbi": (0,)},
    "Space Mono": {"spacemo": (1,), "spacembo": (0,)},
    "Ubuntu": {"ubuntu": (1, 2), "ubuntubo": (0,), "ubuntubi": (0,), "ubuntm": (2,), "ubuntmbo": (1,)},
}
# Chosen once: a serif and a sans whose families training does not show.
TEST_FACES: Faces = {
    "STIX": {"STIXGeneral": (2,), "STIXGeneralBol": (1,), "STIXGeneralBolIta": (0,)},
    "Fira": {"figo": (1, 2), "figbo": (0,), "figbi": (0,), "fimo": (2,), "fimbo": (0,)},
}
GLYPH = 48  # pixels: the height of a digit before it is set into the scene
STRIP = (176, 64)  # pixels: a line of three digits, the labelled one in the middle
FINE = 2  # the line is drawn this many times finer than the image
CHANCES = 64 + SIZE * SIZE  # random numbers an image takes, at most: its scene and its noise


class Scene(NamedTuple):
    """Where the digits are: ``ink`` (N, H, W) in 0..1; ``across`` and ``down`` (N, H, W), a pixel's place on the line
    in units of `GLYPH` pixels from the middle of the digit."""

    ink: Floats
    across: Floats
    down: Floats


def generate(seed: int, train: int, test: int) -> ImageSet:
    """``train`` and ``test`` images; more of them leave the first ones as they are."""
    parts = canvas.paint(partial(_block, seed), train, test)
    return ImageSet(*parts, CLASSES, "digits in typefaces over photographs (embedded)", {})


def _block(seed: int, stream: int, images: range) -> tuple[np.ndarray, np.ndarray]:
    chance = Chance(seed, stream, images, CHANCES)
    edges = np.cumsum(FREQUENCIES) / np.sum(FREQUENCIES)
    labels = np.searchsorted(edges[:-1], chance.take(1)[:, 0], side="right")
    scene = _scene(chance, labels, stream)
    picture = _color(chance, scene, _ground(chance, stream))
    return canvas.to_bytes(_camera(chance, _weather(chance, picture))), labels


def _scene(chance: Chance, labels: np.ndarray, stream: int) -> Scene:
    """The line of digits, seen from a slight angle."""
    lines = _lines(chance, labels, glyphs(stream))
    matrices = _views(chance)
    fine = (SIZE * FINE, SIZE * FINE)
    tilted = [
        line.transform(fine, Image.Transform.PERSPECTIVE, list(matrix[:8]), Image.Resampling.BILINEAR).reduce(FINE)
        for line, matrix in zip(lines, matrices.tolist(), strict=True)
    ]
    ink = np.array([np.asarray(image) for image in tilted], np.float32).reshape(-1, SIZE, SIZE) / 255
    y, x = (canvas.GRID + 1) * (SIZE * FINE / 2)
    a, b, c, d, e, f, g, h, _ = (canvas.over(entry) for entry in matrices.T)
    depth = g * x + h * y + 1
    across = ((a * x + b * y + c) / depth - STRIP[0] / 2) / GLYPH
    down = ((d * x + e * y + f) / depth - STRIP[1] / 2) / GLYPH
    return Scene(ink, across, down)


def _lines(chance: Chance, labels: np.ndarray, faces: Sequence[Sequence[np.ndarray]]) -> list[Image.Image]:
    """The labelled digit in the middle of its line, often with a neighbor at either side."""
    face = chance.below(len(faces))
    others, present = (chance.take(2) * 10).astype(int), chance.take(2) < (0.6, 0.5)
    gaps = (1 + 8 * chance.take(1)[:, 0]).astype(int)
    lines = []
    for index, label, sides, present_sides, gap in zip(face, labels, others, present, gaps, strict=True):
        glyphs = faces[index]
        line, middle = np.zeros(STRIP[::-1], np.uint8), glyphs[label]
        left = (STRIP[0] - middle.shape[1]) // 2
        line[:, left : left + middle.shape[1]] = middle
        if present_sides[0]:
            before = glyphs[sides[0]]
            line[:, left - gap - before.shape[1] : left - gap] = before
        if present_sides[1]:
            after, start = glyphs[sides[1]], left + middle.shape[1] + gap
            line[:, start : start + after.shape[1]] = after
        lines.append(Image.fromarray(line))
    return lines


def _views(chance: Chance) -> Floats:
    """From a fine pixel to its place on the line: projective maps, row by row, (N, 9), the last entry 1."""
    height, stretch = chance.between(19, 28), chance.between(0.78, 1.12)
    angle, slant = chance.between(-0.18, 0.18), chance.between(-0.24, 0.24)
    shift = (chance.take(2) * 2 - 1) * (2.6, 2.2) * FINE
    tilt = (chance.take(2) * 2 - 1) * 0.005 / FINE
    scale = GLYPH / (height * FINE)
    cos, sin = np.cos(angle) * scale, np.sin(angle) * scale
    a, b = cos / stretch + slant * sin, -sin / stretch + slant * cos
    middle = SIZE * FINE / 2
    x, y = middle + shift[:, 0], middle + shift[:, 1]
    linear = np.stack([a, b, -(a * x + b * y), sin, cos, -(sin * x + cos * y)], axis=1).reshape(-1, 2, 3)
    row = np.stack([tilt[:, 0], tilt[:, 1], 1 - tilt[:, 0] * x - tilt[:, 1] * y], axis=1)  # depth 1 at the middle
    center = np.array(STRIP)[None, :, None] / 2
    matrices = np.concatenate([linear + center * row[:, None], row[:, None]], axis=1)  # (N, 3, 3)
    return np.reshape(matrices / matrices[:, 2:, 2:], (-1, 9))


def _ground(chance: Chance, stream: int) -> Floats:
    """The grain of a photograph: mean 0, (N, H, W, C)."""
    return canvas.grain(chance, canvas.photograph(stream)) * canvas.over(3 + 24 * chance.take(1) ** 1.5, 3)


def _color(chance: Chance, scene: Scene, grain: Floats) -> Floats:
    """Ink and ground in two colors whose brightness differs, on a plate or straight on the wall."""
    contrast = 110 + 110 * chance.take(1)[:, 0]  # grey levels
    dark = 12 + chance.take(1)[:, 0] * (232 - contrast)
    lighter = chance.happens(0.5)
    ink = _tinted(chance, np.where(lighter, dark + contrast, dark))
    ground = _tinted(chance, np.where(lighter, dark, dark + contrast))
    wall = np.where(chance.happens(0.3)[:, None], _tinted(chance, chance.between(25, 225)), ground)
    plate = _plate(chance, scene)[..., None]
    picture = canvas.flat(wall) * (1 - plate) + canvas.flat(ground) * plate + grain * (1 - plate / 2)
    relief = canvas.over(np.where(chance.happens(0.35), chance.between(-45, 30), 0), 3)
    picture = picture + relief * _shadow(chance, scene.ink)[..., None]
    mask = _worn(chance, scene.ink, grain)[..., None]
    return picture * (1 - mask) + (canvas.flat(ink) + 0.3 * grain) * mask


def _worn(chance: Chance, ink: Floats, grain: Floats) -> Floats:
    """Paint that has come off where the grain is bright."""
    wear = canvas.over(np.where(chance.happens(0.3), chance.between(0.01, 0.04), 0))
    return ink * np.clip(1 - wear * np.maximum(canvas.luma(grain), 0), 0.25, 1)


def _tinted(chance: Chance, level: Floats) -> Floats:
    """Colors (N, C) of the brightness ``level`` (N,): most near grey, some strong."""
    warm, red = chance.between(-0.6, 1), chance.between(-0.4, 0.4)
    hue = np.stack([warm + red, -red, -warm], axis=1)
    hue -= canvas.luma(hue)[:, None]
    strength = 6 + 90 * chance.take(1) ** 2.5
    return np.asarray(level[:, None] + hue * strength)


def _plate(chance: Chance, scene: Scene) -> Floats:
    """A panel behind the whole line of digits, as coverage in 0..1, (N, H, W); its edges need not be in sight."""
    half_width, half_height = canvas.over(chance.between(0.55, 1.3)), canvas.over(chance.between(0.62, 0.85))
    outside = np.maximum(np.abs(scene.across) - half_width, np.abs(scene.down) - half_height)
    return np.asarray(np.clip(0.5 - outside * 24, 0, 1))


def _shadow(chance: Chance, ink: Floats) -> Floats:
    """The ink moved by one pixel down, left or right."""
    right = chance.happens(0.5)[:, None, None]
    shifted = np.where(right, np.roll(ink, (1, 1), (1, 2)), np.roll(ink, (1, -1), (1, 2)))
    shifted[:, 0], shifted[:, :, 0], shifted[:, :, -1] = 0, 0, 0  # what went around
    return shifted


def _weather(chance: Chance, picture: Floats) -> Floats:
    """Light from one side, the edge of a cast shadow, now and then a wire or a twig in front."""
    picture = canvas.light(picture, chance.between(0, 0.3), chance.between(0, 2 * np.pi))
    shade = canvas.over(np.where(chance.happens(0.35), chance.between(0.2, 0.5), 0))
    picture = picture * (1 - shade * np.clip(_beyond(chance, 0.9) * 4 + 0.5, 0, 1))[..., None]
    color = canvas.flat(_tinted(chance, chance.between(20, 235)))
    width = canvas.over(np.where(chance.happens(0.2), chance.between(0.03, 0.09), -1))
    wire = np.clip((width - np.abs(_beyond(chance, 0.7))) * 16 + 0.5, 0, 1)[..., None]
    return np.asarray(picture * (1 - wire) + color * wire)


def _beyond(chance: Chance, farthest: float) -> Floats:
    """How far each pixel lies beyond a random line, (N, H, W) in halves of the image."""
    angle, distance = chance.between(0, 2 * np.pi), chance.between(-farthest, farthest)
    across, down = canvas.over(np.cos(angle)), canvas.over(np.sin(angle))
    beyond: Floats = across * canvas.GRID[1] + down * canvas.GRID[0] - canvas.over(distance)
    return beyond


def _camera(chance: Chance, picture: Floats) -> Floats:
    """An unsharp lens, noise, and color at half the resolution as JPEG keeps it."""
    grey = canvas.luma(picture)[..., None]
    color = picture - grey
    coarse = (color[:, ::2, ::2] + color[:, 1::2, ::2] + color[:, ::2, 1::2] + color[:, 1::2, 1::2]) / 4
    soft = canvas.blur(grey, 0.3 + 0.9 * chance.take(1)[:, 0] ** 1.3)
    return soft + canvas.noise(chance, 2, 20) + coarse.repeat(2, axis=1).repeat(2, axis=2)


@cache
def glyphs(stream: int) -> tuple[tuple[np.ndarray, ...], ...]:
    """For each face of a split the ten digits, uint8 (64, width), on one baseline and trimmed at the sides."""
    families = TEST_FACES if stream == canvas.TEST else TRAIN_FACES
    faces = [(name, outline) for family in families.values() for name, all_of in family.items() for outline in all_of]
    return tuple(_face(*face) for face in faces)


def _face(name: str, outline: int) -> tuple[np.ndarray, ...]:
    def sized(size: float) -> ImageFont.FreeTypeFont:
        return ImageFont.truetype(_file(name), size, layout_engine=ImageFont.Layout.BASIC)

    trial = sized(100)
    font = sized(100 * GLYPH / (trial.getbbox("0")[3] - trial.getbbox("0")[1]))
    return tuple(_digit(font, digit, outline) for digit in CLASSES)


def _file(name: str) -> Path | BytesIO:
    import matplotlib
    import pymupdf_fonts  # type: ignore[import-untyped]

    file = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / f"{name}.ttf"
    return file if file.exists() else BytesIO(pymupdf_fonts.myfont(name))


def _digit(font: ImageFont.FreeTypeFont, digit: str, outline: int) -> np.ndarray:
    page = Image.new("L", STRIP)
    base = (STRIP[1] + GLYPH) / 2
    ImageDraw.Draw(page).text((STRIP[0] / 2, base), digit, fill=255, font=font, anchor="ms", stroke_width=outline)
    pixels = np.asarray(page)
    columns = np.flatnonzero(pixels.max(axis=0))
    return pixels[:, columns[0] : columns[-1] + 1]
