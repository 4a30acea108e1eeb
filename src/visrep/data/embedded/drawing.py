"""Scenes that are drawn from parts: a pencil for objects, and the clutter, ground, light and camera around them.

N images, H = W = 32 pixels, C = 3 channels; objects are drawn in units in which the frame reaches from -1 to 1, y down.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from math import cos, pi, sin

import numpy as np
from PIL import Image, ImageDraw

from visrep.data.embedded import canvas
from visrep.data.embedded.canvas import Chance, Floats
from visrep.data.store import SIZE, ImageSet

FINE = 3  # objects are drawn this many times finer than the image
SKETCH = 160  # random numbers an object and its clutter take, at most
CHANCES = 64 + SKETCH + SIZE * SIZE
CIRCLE = tuple((cos(2 * pi * k / 20), sin(2 * pi * k / 20)) for k in range(20))

Point = tuple[float, float]
Color = tuple[int, int, int, int]


class Pencil:
    """Draws in the object's own coordinates on a fine sheet, four colors at hand; the fourth channel is coverage.

    Raises `StopIteration` where a drawing asks for more than `SKETCH` numbers.
    """

    def __init__(self, numbers: Sequence[float], colors: Sequence[Sequence[int]]) -> None:
        self.sheet = Image.new("RGBX", (SIZE * FINE, SIZE * FINE))
        self.brush = ImageDraw.Draw(self.sheet)
        self.numbers: Iterator[float] = iter(numbers)
        self.body, self.second, self.third, self.dark, *self.clutter = [(r, g, b, 255) for r, g, b in colors]
        self.place(0, 0, 1, 1, 0)

    def place(self, x: float, y: float, width: float, height: float, angle: float) -> None:
        """What is drawn next stands at (x, y), this large, turned by ``angle``; a negative width mirrors it."""
        half = SIZE * FINE / 2
        self.a, self.b, self.c = half * width * cos(angle), -half * height * sin(angle), half * (1 + x)
        self.d, self.e, self.f = half * width * sin(angle), half * height * cos(angle), half * (1 + y)

    def pick(self, low: float, high: float) -> float:
        return low + (high - low) * next(self.numbers)

    def happens(self, probability: float) -> bool:
        return next(self.numbers) < probability

    def polygon(self, points: Sequence[Point], color: Color) -> None:
        a, b, c, d, e, f = self.a, self.b, self.c, self.d, self.e, self.f
        self.brush.polygon([(a * x + b * y + c, d * x + e * y + f) for x, y in points], color)

    def ellipse(self, x: float, y: float, width: float, height: float, color: Color, angle: float = 0) -> None:
        """Centre and half axes."""
        u, v = cos(angle), sin(angle)
        ring = [(x + width * p * u - height * q * v, y + width * p * v + height * q * u) for p, q in CIRCLE]
        self.polygon(ring, color)

    def box(self, left: float, top: float, right: float, bottom: float, color: Color) -> None:
        self.polygon([(left, top), (right, top), (right, bottom), (left, bottom)], color)

    def stroke(self, start: Point, end: Point, width: float, color: Color) -> None:
        """A straight line of this width."""
        (x, y), (u, v) = start, end
        length = ((u - x) ** 2 + (v - y) ** 2) ** 0.5 or 1
        p, q = -(v - y) * width / length / 2, (u - x) * width / length / 2
        self.polygon([(x + p, y + q), (u + p, v + q), (u - p, v - q), (x - p, y - q)], color)

    def wheel(self, x: float, y: float, radius: float) -> None:
        self.ellipse(x, y, radius, radius, self.dark)
        self.ellipse(x, y, radius * 0.45, radius * 0.45, self.third)

    def eye(self, x: float, y: float, radius: float) -> None:
        self.ellipse(x, y, radius, radius, (240, 240, 235, 255))
        self.ellipse(x + radius * 0.2, y, radius * 0.6, radius * 0.6, (20, 20, 25, 255))


Kind = tuple[Callable[[Pencil], None], float]  # what draws an object, and how far it may turn (radians) either way
Kinds = Sequence[Kind]


def generate(kinds: Kinds, source: str, seed: int, train: int, test: int) -> ImageSet:
    """``train`` and ``test`` images of objects of some ``kinds``, which are the classes; more of them leave the first
    ones as they are."""
    parts = canvas.paint(partial(_block, kinds, seed), train, test)
    return ImageSet(*parts, tuple(paint.__name__ for paint, _ in kinds), source, {})


def _block(kinds: Kinds, seed: int, stream: int, images: range) -> tuple[np.ndarray, np.ndarray]:
    chance = Chance(seed, stream, images, CHANCES)
    labels = chance.below(len(kinds))
    ground = _ground(chance, stream)
    colors = _colors(chance, ground.mean(axis=(1, 2)))
    numbers = chance.take(SKETCH).tolist()
    sheets = [
        _sketch(kinds[label], *each) for label, *each in zip(labels.tolist(), numbers, colors.tolist(), strict=True)
    ]
    layer = np.array([np.asarray(sheet.reduce(FINE)) for sheet in sheets], np.float32).reshape(-1, SIZE, SIZE, 4)
    return canvas.to_bytes(_camera(chance, _compose(chance, stream, layer, ground))), labels


def _sketch(kind: Kind, numbers: list[float], colors: list[list[int]]) -> Image.Image:
    """Clutter behind, the object, sometimes something small in front."""
    pencil = Pencil(numbers, colors)
    paint, turn = kind
    for k in range(int(pencil.pick(0, 4))):
        _clutter(pencil, pencil.clutter[k], 1.0, 0.35)
    size, aspect = pencil.pick(0.7, 1.05), pencil.pick(0.85, 1.15)
    mirror = -1 if pencil.happens(0.5) else 1
    x, y = pencil.pick(-0.15, 0.15), pencil.pick(-0.15, 0.15)
    pencil.place(x, y, mirror * size * aspect, size / aspect, pencil.pick(-turn, turn))
    paint(pencil)
    if pencil.happens(0.35):
        _clutter(pencil, pencil.clutter[3], 1.1, 0.2)
    return pencil.sheet


def _clutter(pencil: Pencil, color: Color, reach: float, size: float) -> None:
    """A disc, a bar or a splinter that is part of nothing."""
    kind = int(pencil.pick(0, 3))
    pencil.place(pencil.pick(-reach, reach), pencil.pick(-reach, reach), size, size, pencil.pick(0, 2 * pi))
    u, v = pencil.pick(0.3, 1), pencil.pick(0.3, 1)
    if kind == 0:
        pencil.ellipse(0, 0, u, v, color)
    elif kind == 1:
        pencil.box(-2.5 * u, -0.25 * v, 2.5 * u, 0.25 * v, color)
    else:
        pencil.polygon([(-u, -v), (u, -0.3), (0.2, v)], color)


def _ground(chance: Chance, stream: int) -> Floats:
    """A photograph, or two plain colors that meet at a horizon or fade into each other; (N, H, W, C)."""
    crops = canvas.photo_crops(chance, canvas.stripes(stream))
    upper, lower = (canvas.flat(color) for color in _paints(chance, 2).swapaxes(0, 1))
    horizon = canvas.over(chance.between(-0.5, 0.7))
    steep = canvas.over(np.where(chance.happens(0.5), 16, 0.7))
    mix = np.clip((canvas.GRID[0] - horizon) * steep + 0.5, 0, 1)[..., None]
    plain = upper + (lower - upper) * mix
    share = np.where(chance.happens(0.55), chance.between(0.75, 1), chance.between(0.0, 0.3))
    return np.asarray(plain + (crops - plain) * canvas.over(share, 3))


def _colors(chance: Chance, ground: Floats) -> np.ndarray:
    """Eight colors an image, whole numbers (N, 8, C); the first, the body's, stands out from the ``ground`` (N, C)."""
    colors = _paints(chance, 8)
    colors[:, 3] *= 0.3  # wheels, eyes, doors
    level, distance = canvas.luma(colors[:, 0]), 60 + 40 * chance.take(1)[:, 0]
    away = np.where(canvas.luma(ground) < 128, 1, -1) * distance + canvas.luma(ground)
    near = np.abs(level - canvas.luma(ground)) < distance
    colors[:, 0] += np.where(near, away - level, 0)[:, None]
    return np.clip(colors, 0, 255).astype(np.int64)


def _paints(chance: Chance, count: int) -> Floats:
    """Colors as paint has them, from near grey to vivid, (N, count, C)."""
    colors = 255 * chance.take(3 * count).reshape(-1, count, 3)
    grey = canvas.luma(colors)[..., None]
    return grey + (colors - grey) * chance.between(0.2, 0.9)[:, None, None]


def _compose(chance: Chance, stream: int, layer: Floats, ground: Floats) -> Floats:
    """The drawn ``layer`` (N, H, W, C + coverage), grained, lit and with a cast shadow, on the ground."""
    drawn, cover = layer[..., :3], layer[..., 3:] / 255
    grain = canvas.photo_crops(chance, canvas.stripes(stream)) / 128
    rough = canvas.over(chance.between(0, 0.35), 3)
    drawn = canvas.light(drawn * (1 - rough + rough * grain), chance.between(0, 0.45), chance.between(0, 2 * np.pi))
    shade = canvas.over(chance.between(0, 0.5), 3)
    shadow = np.roll(cover, (2, 1), (1, 2))
    shadow[:, :2], shadow[:, :, :1] = 0, 0  # what went around
    return ground * (1 - shade * shadow) * (1 - cover) + drawn


def _camera(chance: Chance, picture: Floats) -> Floats:
    """Exposure, a color cast, an unsharp lens, noise."""
    cast = chance.between(0.75, 1.15)[:, None] * (0.9 + 0.2 * chance.take(3))
    soft = canvas.blur(picture * canvas.flat(cast), 0.25 + 0.5 * chance.take(1)[:, 0])
    return soft + canvas.noise(chance, 2, 16)
