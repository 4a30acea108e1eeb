"""Colored shapes on plain ground, whose factors are known and may be changed one at a time.

Everything that a factor leaves open (place within a cell, tilt, shade, the ground's own color) is a nuisance of the
image, drawn apart from the factors: `render` with the same nuisance and one factor changed is the same picture but for
that factor, to the byte. N images, H = W = 32 pixels, C = 3 channels.
"""

import numpy as np

from visrep.data.embedded import canvas
from visrep.data.embedded.canvas import Chance, Floats
from visrep.data.store import SIZE, ImageSet, Split, split

COLORS = {
    "red": (214, 40, 40),
    "orange": (244, 140, 20),
    "yellow": (240, 208, 40),
    "green": (46, 150, 60),
    "cyan": (50, 190, 205),
    "blue": (40, 70, 200),
    "purple": (140, 50, 180),
    "black": (34, 34, 38),
}
SHAPES = ("circle", "square", "triangle", "star", "cross", "ring", "heart", "moon")
LOCATIONS = tuple(
    " ".join(c for c in (row, column) if c) or "center"
    for row in ("top", "", "bottom")
    for column in ("left", "", "right")
)
RADII = {"small": 3.4, "medium": 4.8, "large": 6.2}  # pixels: of the circle that holds the shape
FACTORS = {"color": tuple(COLORS), "shape": SHAPES, "location": LOCATIONS, "size": tuple(RADII)}
GROUNDS = ("plain", "gradient", "texture")
STEP = 8  # pixels between the middles of two cells; whole, so that a shape moves without being resampled
JITTER = 1.2  # pixels off the middle of the cell: the largest shape ends a pixel inside the image
TILT = 0.15  # radians
WINDOW = 18  # pixels: the square around a cell's middle that holds any shape
NUISANCES = ("across", "down", "tilt", "shade", "red", "green", "blue")


def generate(seed: int, train: int, test: int) -> ImageSet:
    """``train`` and ``test`` images on plain ground; more of them leave the first ones as they are."""
    parts = _split(seed, canvas.TRAIN, train), _split(seed, canvas.TEST, test)
    return ImageSet(*parts, SHAPES, "colored shapes on plain ground (embedded)", FACTORS)


def factors(seed: int, stream: int, count: int) -> np.ndarray:
    """A value of each factor, all equally likely and independent, (N, 4) int64 in the order of `FACTORS`."""
    limits = [len(values) for values in FACTORS.values()]
    return (_chance(seed, stream, count).take(len(limits)) * limits).astype(np.int64)


def nuisance(seed: int, stream: int, count: int) -> Floats:
    """What the factors leave open, each in -1..1, (N, 7) in the order of `NUISANCES`."""
    chance = _chance(seed, stream, count)
    chance.take(len(FACTORS))
    return chance.take(len(NUISANCES)) * 2 - 1


def ground(kind: str, nuisance: Floats, seed: int = 0, stream: int = canvas.TRAIN) -> Floats:
    """What lies behind the shapes, float32 (N, 32, 32, C), pale so that every color stands out.

    The plain ground is `draw`'s; a gradient has its mean color, a texture is the grain of photographs (of the train or
    the test ``stream``) over it. Raises `ValueError` on another ``kind`` than `GROUNDS`.
    """
    if kind not in GROUNDS:
        raise ValueError(f"ground is {kind!r}, expected one of {', '.join(GROUNDS)}")
    plain = np.broadcast_to(canvas.flat(218 + 14 * nuisance[:, -3:]), (len(nuisance), SIZE, SIZE, 3))
    if kind == "plain":
        return plain
    chance = Chance(seed, 2 + stream, range(len(nuisance)), 8)  # apart from the streams of the factors
    if kind == "gradient":
        return canvas.light(plain, chance.between(0.08, 0.16), chance.between(0, 2 * np.pi))
    return plain + 16 * canvas.grain(chance, canvas.stripes(stream))


def render(factors: np.ndarray, nuisance: Floats, ground: Floats) -> np.ndarray:
    """The images (N, 32, 32, C) uint8 of ``factors`` (N, 4) and ``nuisance`` (N, 7) before ``ground`` (broadcast)."""
    whole = np.broadcast_to(ground, (len(factors), SIZE, SIZE, 3))
    colors = np.array(list(COLORS.values()), np.float32)[factors[:, 0]]
    colors = colors + (14 * nuisance[:, 3:4]).astype(np.float32)
    images = np.empty(whole.shape, np.uint8)
    for start in range(0, len(images), canvas.BLOCK):
        part = slice(start, start + canvas.BLOCK)
        cover = silhouettes(factors[part], nuisance[part])[..., None]
        images[part] = canvas.to_bytes(whole[part] + cover * (colors[part, None, None] - whole[part]))
    return images


def silhouettes(factors: np.ndarray, nuisance: Floats) -> Floats:
    """How much of each pixel the shape covers, 0..1, float32 (N, 32, 32); color and ground have no part in it."""
    cover = np.zeros((len(factors), SIZE, SIZE), np.float32)
    radii = np.array(list(RADII.values()))[factors[:, 3]]
    down, across = np.divmod(factors[:, 2], 3)
    for shape in range(len(SHAPES)):
        chosen = np.flatnonzero(factors[:, 1] == shape)
        patches = _patches(shape, radii[chosen], nuisance[chosen])
        for index, patch in zip(chosen, patches, strict=True):
            _place(cover[index], patch, STEP * (down[index] + 1), STEP * (across[index] + 1))
    return cover


def _chance(seed: int, stream: int, count: int) -> Chance:
    return Chance(seed, stream, range(count), len(FACTORS) + len(NUISANCES))


def _split(seed: int, stream: int, count: int) -> Split:
    chosen, rest = factors(seed, stream, count), nuisance(seed, stream, count)
    return split(render(chosen, rest, ground("plain", rest)), chosen[:, 1], chosen)


def _place(cover: Floats, patch: Floats, row: int, column: int) -> None:
    """Lay a window around (row, column); what lies beyond the image is empty."""
    top, left = row - WINDOW // 2, column - WINDOW // 2
    up, side = max(top, 0), max(left, 0)
    kept = patch[up - top : SIZE - top, side - left : SIZE - left]
    cover[up : up + kept.shape[0], side : side + kept.shape[1]] = kept


def _patches(shape: int, radius: Floats, nuisance: Floats) -> Floats:
    """Coverage in windows around the cell's middle, (n, 18, 18)."""
    offsets = np.arange(WINDOW) + 0.5 - WINDOW / 2
    x = offsets[None, None] - JITTER * nuisance[:, 0, None, None]
    y = offsets[None, :, None] - JITTER * nuisance[:, 1, None, None]
    cos, sin = np.cos(TILT * nuisance[:, 2]), np.sin(TILT * nuisance[:, 2])
    turned = cos[:, None, None] * x + sin[:, None, None] * y, cos[:, None, None] * y - sin[:, None, None] * x
    return np.asarray(np.clip(0.5 - _distance(shape, *turned, radius[:, None, None]), 0, 1))


def _distance(shape: int, x: Floats, y: Floats, r: Floats) -> Floats:
    """How far (x, y) lies outside the shape in the circle of radius ``r``: negative inside, in pixels near its edge."""
    side: Floats = np.abs(x)
    away: Floats = np.hypot(x, y)
    distance: Floats
    match SHAPES[shape]:
        case "circle":
            distance = away - 0.92 * r
        case "square":
            distance = np.maximum(side, np.abs(y)) - 0.74 * r
        case "triangle":
            distance = np.maximum(y - 0.5 * r, 0.866 * side - 0.5 * y - 0.5 * r)
        case "star":
            distance = _star(x, y, r)
        case "cross":
            long, wide = 0.95 * r, 0.3 * r
            distance = np.minimum(np.maximum(side - long, np.abs(y) - wide), np.maximum(side - wide, np.abs(y) - long))
        case "ring":
            distance = np.abs(away - 0.72 * r) - 0.22 * r
        case "heart":
            distance = _heart(side, y, r)
        case _:
            distance = np.maximum(away - 0.95 * r, 0.72 * r - np.hypot(x - 0.5 * r, y))
    return np.asarray(np.maximum(distance, away - r))  # no corner reaches out of the circle


def _heart(side: Floats, y: Floats, r: Floats) -> Floats:
    """Two lobes and a square on its corner, whose lower edges touch the lobes."""
    lobe = np.hypot(side - 0.4 * r, y + 0.3 * r) - 0.48 * r
    square = np.maximum((side + y) * 0.7071 - 0.55 * r, (side - y) * 0.7071 - 0.495 * r)
    return np.asarray(np.minimum(lobe, np.maximum(square, -0.45 * r - y)))


def _star(x: Floats, y: Floats, r: Floats) -> Floats:
    """Five points: all are folded onto one half of the upper one, which is bounded by one line."""
    turn = 2 * np.pi / 5
    angle = np.arctan2(x, -y)
    angle = np.abs(angle - turn * np.rint(angle / turn))
    away = np.hypot(x, y)
    tip, notch = 1.0 * r, 0.45 * r
    edge = np.array([notch * np.sin(turn / 2), notch * np.cos(turn / 2) - tip])
    length = np.hypot(*edge)
    return np.asarray((-edge[1] * away * np.sin(angle) + edge[0] * (away * np.cos(angle) - tip)) / length)
