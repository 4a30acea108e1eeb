"""Objects of ten classes in clutter: vehicles, a house, animals, plants, drawn from parts with much variation.

Made to stand in for CIFAR-10 where there is no network; its classes have their own names. What an object is lies in
its parts and their arrangement: colors, grounds, light and clutter are drawn independently of the class.
"""

from math import cos, pi, sin

from visrep.data.embedded import drawing
from visrep.data.embedded.drawing import Kinds, Pencil
from visrep.data.store import ImageSet


def generate(seed: int, train: int, test: int) -> ImageSet:
    """``train`` and ``test`` images; more of them leave the first ones as they are."""
    return drawing.generate(OBJECTS, "drawn objects in clutter (embedded)", seed, train, test)


def plane(pencil: Pencil) -> None:
    """From the side or from above."""
    nose, thick, sweep = pencil.pick(0.85, 1), pencil.pick(0.13, 0.2), pencil.pick(0.15, 0.5)
    span, above = pencil.pick(0.6, 0.95), pencil.happens(0.5)
    wing = [(0.3, 0), (-0.15, 0), (-0.15 - sweep, span), (0.08 - sweep, span)]
    tail = [(-0.55, 0), (-0.85, 0), (-1, 0.38), (-0.85, 0.38)]
    upward = [(x, -y) for x, y in wing], [(x, -y * (1 if above else 1.25)) for x, y in tail]
    if above:
        pencil.polygon(upward[0], pencil.second)
        pencil.polygon(tail, pencil.second)
    pencil.polygon(upward[1], pencil.second)
    pencil.ellipse(0, 0, nose, thick, pencil.body)
    pencil.polygon([(-0.4, -thick * 0.9), (-0.98, -thick), (-0.98, 0), (-0.4, thick * 0.9)], pencil.body)
    pencil.polygon(wing if above else [(x, y * 0.6 + 0.05) for x, y in wing], pencil.second)
    for k in range(int(pencil.pick(0, 5))):
        pencil.ellipse(0.4 - 0.2 * k, -thick * 0.3, 0.05, 0.05, pencil.dark)
    pencil.ellipse(nose - 0.22, -thick * 0.35, 0.11, thick * 0.4, pencil.dark)


def car(pencil: Pencil) -> None:
    roof, front, back = pencil.pick(-0.55, -0.35), pencil.pick(0.45, 0.75), pencil.pick(-0.95, -0.6)
    bonnet, floor, wheel = pencil.pick(-0.02, 0.1), pencil.pick(0.38, 0.48), pencil.pick(0.19, 0.27)
    slope, pillar = pencil.pick(0.12, 0.35), pencil.pick(-0.15, 0.1)
    left, right = back + pencil.pick(0.05, 0.25), front - slope
    pencil.polygon([(back, bonnet), (left, roof), (right, roof), (front, bonnet)], pencil.body)
    pencil.polygon(
        [(-0.98, bonnet + 0.05), (-0.9, bonnet), (0.85, bonnet), (1, bonnet + 0.15), (1, floor), (-1, floor)],
        pencil.body,
    )
    glass = roof + 0.09
    pencil.polygon(
        [(back + 0.14, bonnet), (left + 0.07, glass), (pillar - 0.04, glass), (pillar - 0.04, bonnet)], pencil.second
    )
    pencil.polygon(
        [(pillar + 0.04, bonnet), (pillar + 0.04, glass), (right - 0.05, glass), (front - 0.12, bonnet)], pencil.second
    )
    pencil.box(0.88, bonnet + 0.14, 1, bonnet + 0.24, pencil.third)
    for x in (-0.56, 0.56):
        pencil.wheel(x, floor, wheel)


def truck(pencil: Pencil) -> None:
    top, join, cab = pencil.pick(-0.75, -0.4), pencil.pick(0.1, 0.4), pencil.pick(-0.4, -0.12)
    floor, wheel = pencil.pick(0.38, 0.46), pencil.pick(0.16, 0.22)
    nose = pencil.pick(0.1, 0.3)
    pencil.box(-1, floor - 0.12, 1, floor, pencil.dark)
    pencil.box(-1, top, join, floor - 0.1, pencil.body)
    pencil.polygon(
        [(join + 0.06, cab), (1 - nose, cab), (1, cab + 0.35), (1, floor), (join + 0.06, floor)], pencil.third
    )
    pencil.polygon(
        [(join + 0.2, cab + 0.08), (0.97 - nose, cab + 0.08), (0.92, cab + 0.34), (join + 0.2, cab + 0.34)],
        pencil.second,
    )
    for k in range(int(pencil.pick(0, 4))):
        x = -0.85 + 0.3 * k
        pencil.box(x, top + 0.1, x + 0.08, floor - 0.2, pencil.second)
    for x in (-0.75, -0.35, 0.7) if pencil.happens(0.6) else (-0.65, 0.68):
        pencil.wheel(x, floor + 0.05, wheel)


def boat(pencil: Pencil) -> None:
    """Under sail or under power."""
    deck, keel, bow = pencil.pick(0.15, 0.35), pencil.pick(0.6, 0.8), pencil.pick(0.5, 0.75)
    pencil.polygon([(-0.95, deck), (1, deck - 0.06), (bow, keel), (-bow, keel)], pencil.body)
    pencil.polygon([(-0.93, deck), (1, deck - 0.06), (0.93, deck + 0.07), (-0.9, deck + 0.1)], pencil.third)
    if pencil.happens(0.6):
        mast, top = pencil.pick(-0.15, 0.2), pencil.pick(-0.98, -0.75)
        pencil.stroke((mast, deck), (mast, top), 0.08, pencil.dark)
        pencil.polygon([(mast - 0.07, top + 0.05), (mast - 0.07, deck - 0.1), (-0.85, deck - 0.1)], pencil.second)
        if pencil.happens(0.7):
            pencil.polygon([(mast + 0.07, top + 0.15), (mast + 0.07, deck - 0.12), (0.85, deck - 0.12)], pencil.second)
        return
    height = pencil.pick(0.3, 0.45)
    pencil.box(-0.6, deck - height, 0.35, deck, pencil.second)
    pencil.polygon(
        [(-0.3, deck - height - 0.4), (-0.05, deck - height - 0.4), (0, deck - height), (-0.35, deck - height)],
        pencil.third,
    )
    for k in range(3):
        pencil.ellipse(-0.4 + 0.28 * k, deck - height * 0.5, 0.09, 0.09, pencil.dark)


def house(pencil: Pencil) -> None:
    wide, eaves, top = pencil.pick(0.6, 0.85), pencil.pick(-0.3, 0.05), pencil.pick(-0.98, -0.7)
    ridge, door = pencil.pick(0, 0.5), pencil.pick(-0.5, 0.5) * wide
    if pencil.happens(0.6):
        x = pencil.pick(0.2, 0.5)
        pencil.box(x, top - 0.02, x + 0.2, eaves, pencil.third)
    pencil.box(-wide, eaves - 0.02, wide, 0.85, pencil.body)
    pencil.polygon([(-wide - 0.15, eaves), (-ridge, top), (ridge, top), (wide + 0.15, eaves)], pencil.second)
    pencil.box(door - 0.13, 0.3, door + 0.13, 0.85, pencil.dark)
    for x in (-wide * 0.6, 0.0, wide * 0.6):
        if abs(x - door) > 0.32:
            pencil.box(x - 0.14, eaves + 0.18, x + 0.14, eaves + 0.45, pencil.third)
            pencil.stroke((x, eaves + 0.18), (x, eaves + 0.45), 0.05, pencil.dark)


def cat(pencil: Pencil) -> None:
    """A face, or the whole animal as it sits."""
    if pencil.happens(0.5):
        return _cat_face(pencil, 0, pencil.pick(0.1, 0.2), pencil.pick(0.65, 0.8))
    lean = pencil.pick(-0.25, 0.25)
    tip = pencil.pick(-0.2, 0.4)
    pencil.stroke((0.35, 0.8), (0.85, 0.6), 0.16, pencil.body)
    pencil.stroke((0.82, 0.66), (0.9, tip), 0.15, pencil.body)
    pencil.ellipse(0.05, 0.5, pencil.pick(0.4, 0.5), 0.5, pencil.body)
    pencil.ellipse(lean * 0.5, 0.55, 0.2, 0.35, pencil.second)
    _cat_face(pencil, lean, -0.35, pencil.pick(0.42, 0.52))
    return None


def _cat_face(pencil: Pencil, x: float, y: float, r: float) -> None:
    ear, wide = pencil.pick(1.35, 1.6) * r, pencil.pick(1, 1.15)
    for side in (-wide, wide):
        pencil.polygon(
            [(x + side * r * 0.95, y), (x + side * r * 0.85, y - ear), (x + side * r * 0.1, y - r * 0.75)], pencil.body
        )
        pencil.polygon(
            [
                (x + side * r * 0.8, y - r * 0.5),
                (x + side * r * 0.77, y - ear * 0.8),
                (x + side * r * 0.4, y - r * 0.75),
            ],
            pencil.second,
        )
    pencil.ellipse(x, y, r * wide, r * 0.88, pencil.body)
    pencil.ellipse(x, y + r * 0.45, r * 0.42, r * 0.3, pencil.second)
    pencil.polygon([(x - r * 0.15, y + r * 0.2), (x + r * 0.15, y + r * 0.2), (x, y + r * 0.4)], pencil.dark)
    for side in (-1, 1):
        pencil.eye(x + side * r * 0.42, y - r * 0.12, r * 0.22)
        for rise in (-0.05, 0.15):
            end = (x + side * r * 1.3, y + r * (0.4 + 1.6 * rise))
            pencil.stroke((x + side * r * 0.35, y + r * 0.42), end, 0.05, pencil.dark)


def bird(pencil: Pencil) -> None:
    """From the side, standing or in flight."""
    long, tall, tilt = pencil.pick(0.5, 0.62), pencil.pick(0.27, 0.38), pencil.pick(-0.6, -0.1)
    head, neck = pencil.pick(0.21, 0.28), pencil.pick(-0.55, -0.3)
    pencil.polygon([(-0.3, 0.0), (-1, pencil.pick(0.1, 0.3)), (-0.95, 0.45), (-0.2, 0.35)], pencil.second)
    flying = pencil.happens(0.45)
    if not flying:
        for x in (-0.08, 0.14):
            pencil.stroke((x, 0.3), (x + 0.02, 0.85), 0.07, pencil.dark)
            pencil.stroke((x - 0.03, 0.84), (x + 0.18, 0.84), 0.07, pencil.dark)
    pencil.ellipse(0, 0.12, long, tall, pencil.body, tilt)
    pencil.polygon([(0.15, 0.15), (0.3, neck), (0.6, neck), (0.5, 0.2)], pencil.body)
    pencil.polygon([(0.6, neck - 0.12), (0.6, neck + 0.13), (1, neck + 0.06)], pencil.third)
    pencil.ellipse(0.45, neck, head, head, pencil.body)
    pencil.eye(0.52, neck - 0.05, 0.1)
    if flying:
        reach = pencil.pick(-0.98, -0.7)
        pencil.polygon([(0.25, 0.1), (-0.15, reach), (-0.6, reach + 0.1), (-0.35, 0.15)], pencil.second)
        return
    pencil.polygon([(0.25, 0.0), (-0.1, -0.08), (-0.7, 0.32), (0.0, 0.36)], pencil.second)


def fish(pencil: Pencil) -> None:
    long, tall = pencil.pick(0.6, 0.75), pencil.pick(0.28, 0.52)
    fork, rise, bands = pencil.pick(0.3, 0.5), pencil.pick(0.15, 0.3), int(pencil.pick(0, 4))
    pencil.polygon([(-0.35, 0), (-1, -fork), (-0.8, 0), (-1, fork)], pencil.second)
    pencil.polygon([(0.35, -tall * 0.8), (-0.1, -tall - rise), (-0.4, -tall * 0.6)], pencil.second)
    pencil.polygon([(0.1, tall * 0.8), (-0.15, tall + rise * 0.8), (-0.3, tall * 0.7)], pencil.second)
    pencil.ellipse(0.2, 0, long, tall, pencil.body)
    for k in range(bands):
        x = 0.3 - 0.22 * k
        height = tall * (1 - ((x - 0.2) / long) ** 2) ** 0.5 * 0.95
        pencil.stroke((x, -height), (x, height), 0.1, pencil.third)
    pencil.polygon([(0.25, 0.05), (-0.05, 0.2), (-0.02, -0.08)], pencil.second)
    pencil.eye(0.55, -tall * 0.25, 0.1)
    pencil.stroke((0.62, tall * 0.3), (0.8, tall * 0.2), 0.06, pencil.dark)


def tree(pencil: Pencil) -> None:
    """Broad-leaved or a conifer."""
    trunk, base = pencil.pick(0.09, 0.16), pencil.pick(0.85, 0.98)
    pencil.polygon(
        [(-trunk * 0.7, -0.2), (trunk * 0.7, -0.2), (trunk * 1.3, base), (-trunk * 1.3, base)], pencil.second
    )
    if pencil.happens(0.4):
        wide, tiers = pencil.pick(0.5, 0.75), 3 if pencil.happens(0.6) else 4
        for k in range(tiers):
            y, half = 0.55 - k * 1.2 / tiers, wide * (1 - 0.6 * k / tiers)
            pencil.polygon([(-half, y), (half, y), (0, y - 0.75)], pencil.body)
            pencil.stroke((-half, y), (half, y), 0.06, pencil.third)
        return
    spread, height = pencil.pick(0.3, 0.5), pencil.pick(-0.4, -0.2)
    for x, y in ((-1, 0.25), (1, 0.25), (-0.55, -0.6), (0.55, -0.6), (0, 0)):
        size = pencil.pick(0.32, 0.5)
        pencil.ellipse(x * spread, height + y * spread, size, size * 0.9, pencil.body)
    for _ in range(int(pencil.pick(0, 5))):
        pencil.ellipse(pencil.pick(-0.5, 0.5), height + pencil.pick(-0.3, 0.3), 0.08, 0.08, pencil.third)


def flower(pencil: Pencil) -> None:
    x, y, petals = pencil.pick(-0.15, 0.15), pencil.pick(-0.4, -0.25), int(pencil.pick(5, 9))
    reach, plump, turn = pencil.pick(0.32, 0.42), pencil.pick(0.75, 1), pencil.pick(0, 1)
    root = pencil.pick(-0.2, 0.2)
    pencil.stroke((x, y), (root, 0.98), 0.12, pencil.second)
    for side, low in ((-1, pencil.pick(0.45, 0.75)), (1, pencil.pick(0.45, 0.75))):
        pencil.ellipse((x + root) / 2 + side * 0.28, low, 0.3, 0.12, pencil.second, -side * 0.5)
    for k in range(petals):
        angle = 2 * pi * (k + turn) / petals
        wide = reach * plump * sin(pi / petals) * 1.25
        pencil.ellipse(x + reach * cos(angle), y + reach * sin(angle), reach * 0.72, wide, pencil.body, angle)
    pencil.ellipse(x, y, 0.2, 0.2, pencil.third)


# each with how far it may turn (radians) either way
OBJECTS: Kinds = (
    (plane, 0.7),
    (car, 0.3),
    (truck, 0.3),
    (boat, 0.3),
    (house, 0.25),
    (cat, 0.35),
    (bird, 0.45),
    (fish, 0.7),
    (tree, 0.25),
    (flower, 0.4),
)
CLASSES = tuple(paint.__name__ for paint, _ in OBJECTS)
