"""Objects of six further classes, drawn as those of `objects` are: pencil, ground, light, camera and clutter are the
same, so that nothing but what is drawn tells them apart. No encoder learns from them: near anomalies.
"""

from math import cos, pi, sin

from visrep.data.embedded import drawing
from visrep.data.embedded.drawing import Kinds, Pencil
from visrep.data.store import ImageSet
from visrep.machine.randomness import seed as seed_of


def generate(seed: int, train: int, test: int) -> ImageSet:
    """``train`` and ``test`` images, from other numbers than `objects` draws with at any small seed."""
    source = "further drawn objects in clutter (embedded)"
    return drawing.generate(KINDS, source, seed_of("near objects", seed), train, test)


def dome(x: float, y: float, width: float, height: float) -> list[tuple[float, float]]:
    """The upper half of an ellipse."""
    return [(x + width * cos(pi * k / 12), y - height * sin(pi * k / 12)) for k in range(13)]


def bicycle(pencil: Pencil) -> None:
    radius, apart, saddle = pencil.pick(0.34, 0.44), pencil.pick(0.48, 0.58), pencil.pick(-0.45, -0.3)
    low, thick = 0.4, pencil.pick(0.07, 0.12)
    for x in (-apart, apart):
        pencil.ellipse(x, low, radius, radius, pencil.dark)
        pencil.ellipse(x, low, radius * 0.72, radius * 0.72, pencil.second)
    pedal, seat, bar = (0.0, low), (-apart * 0.45, saddle + 0.15), (apart * 0.6, saddle)
    for start, end in ((pedal, seat), (pedal, bar), (seat, bar), (pedal, (-apart, low)), (seat, (-apart, low))):
        pencil.stroke(start, end, thick, pencil.body)
    pencil.stroke(bar, (apart, low), thick, pencil.body)
    pencil.stroke((bar[0] - 0.05, saddle - 0.12), (bar[0] + 0.2, saddle - 0.16), 0.09, pencil.dark)
    pencil.stroke((seat[0] - 0.16, saddle), (seat[0] + 0.14, saddle), 0.12, pencil.dark)


def butterfly(pencil: Pencil) -> None:
    span, lower, tilt = pencil.pick(0.4, 0.5), pencil.pick(0.55, 0.85), pencil.pick(0.4, 0.8)
    for side in (-1, 1):
        pencil.ellipse(side * span, -0.32, span, 0.42, pencil.body, side * -tilt)
        pencil.ellipse(side * span * 0.85, 0.38, span * lower, 0.36, pencil.second, side * tilt)
        pencil.ellipse(side * span * 1.1, -0.35, 0.16, 0.16, pencil.third)
        pencil.stroke((0, -0.5), (side * 0.25, -0.9), 0.05, pencil.dark)
    pencil.ellipse(0, 0, 0.09, 0.62, pencil.dark)


def umbrella(pencil: Pencil) -> None:
    top, wide, ribs = pencil.pick(-0.9, -0.75), pencil.pick(0.8, 0.98), int(pencil.pick(3, 6))
    edge, hook = pencil.pick(-0.2, 0.0), pencil.pick(0.14, 0.24)
    pencil.stroke((0, top), (0, 0.85), 0.08, pencil.dark)
    pencil.stroke((0, 0.85), (hook, 0.9), 0.1, pencil.dark)
    pencil.stroke((hook, 0.9), (hook, 0.7), 0.1, pencil.dark)
    pencil.polygon(dome(0, edge, wide, edge - top), pencil.body)
    for k in range(ribs):
        x = wide * (2 * k + 1 - ribs) / ribs
        pencil.polygon(dome(x, edge + 0.02, wide / ribs * 0.55, (edge - top) * 0.6), pencil.second)


def mushroom(pencil: Pencil) -> None:
    wide, high, foot = pencil.pick(0.7, 0.95), pencil.pick(0.6, 0.9), pencil.pick(0.16, 0.3)
    pencil.polygon([(-foot * 0.8, -0.1), (foot * 0.8, -0.1), (foot * 1.3, 0.9), (-foot * 1.3, 0.9)], pencil.second)
    pencil.polygon(dome(0, 0.05, wide, high), pencil.body)
    for _ in range(int(pencil.pick(2, 6))):
        x, y, size = pencil.pick(-0.6, 0.6), pencil.pick(-0.5, -0.1), pencil.pick(0.07, 0.14)
        pencil.ellipse(x * wide, y * high, size, size, pencil.third)


def lamp(pencil: Pencil) -> None:
    top, bottom, high = pencil.pick(0.2, 0.4), pencil.pick(0.55, 0.8), pencil.pick(0.6, 0.85)
    pencil.stroke((0, -0.2), (0, 0.8), pencil.pick(0.08, 0.16), pencil.second)
    pencil.ellipse(0, 0.85, pencil.pick(0.35, 0.5), 0.13, pencil.dark)
    pencil.polygon([(-top, -0.9), (top, -0.9), (bottom, high - 0.9), (-bottom, high - 0.9)], pencil.body)
    pencil.stroke((-bottom, high - 0.9), (bottom, high - 0.9), 0.08, pencil.third)


def mug(pencil: Pencil) -> None:
    wide, top, floor = pencil.pick(0.42, 0.58), pencil.pick(-0.5, -0.3), pencil.pick(0.6, 0.85)
    loop = (floor - top) * 0.32
    pencil.ellipse(wide, (top + floor) / 2, loop * 1.1, loop, pencil.body)
    pencil.ellipse(wide, (top + floor) / 2, loop * 0.6, loop * 0.55, pencil.dark)
    pencil.box(-wide, top, wide, floor, pencil.body)
    pencil.ellipse(0, top, wide, 0.14, pencil.dark)
    pencil.stroke((-wide, pencil.pick(0, 0.3)), (wide, pencil.pick(0, 0.3)), pencil.pick(0.08, 0.2), pencil.third)
    for k in range(int(pencil.pick(0, 4))):
        pencil.stroke((0.25 * k - 0.25, top - 0.12), (0.25 * k - 0.18, top - 0.42), 0.06, pencil.second)


KINDS: Kinds = ((bicycle, 0.25), (butterfly, 0.6), (umbrella, 0.5), (mushroom, 0.3), (lamp, 0.25), (mug, 0.3))
CLASSES = tuple(paint.__name__ for paint, _ in KINDS)
