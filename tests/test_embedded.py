"""The drawn sets: same bytes anywhere, and pictures of what their labels say."""

import subprocess
import sys
from collections.abc import Callable
from hashlib import sha256
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

from visrep.data.embedded import canvas, drawing, handwritten_digits, objects, shapes, street_digits
from visrep.data.store import ImageSet

SETS: dict[str, Callable[[int, int, int], ImageSet]] = {
    "street_digits": street_digits.generate,
    "objects": objects.generate,
    "handwritten_digits": handwritten_digits.generate,
    "shapes": shapes.generate,
}
# street_digits: the training frequencies of SVHN, in percent, counted from its 73,257 labels (Netzer et al., 2011)
SVHN = (6.75, 18.92, 14.44, 11.60, 10.18, 9.39, 7.82, 7.64, 6.89, 6.36)

DIGEST = """
import sys
from hashlib import sha256
from importlib import import_module
for name in ("street_digits", "objects", "handwritten_digits", "shapes"):
    drawn = import_module(f"visrep.data.embedded.{name}").generate(5, 20, 10)
    print(name, sha256(b"".join(array.tobytes() for part in drawn[:2] for array in part)).hexdigest())
assert "torch" not in sys.modules
"""


@pytest.fixture(params=list(SETS))
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_a_fresh_process_draws_the_same_bytes() -> None:
    ours = {
        name: sha256(b"".join(array.tobytes() for part in rng(5, 20, 10)[:2] for array in part)).hexdigest()
        for name, rng in SETS.items()
    }
    environment = {"PYTHONPATH": ":".join(sys.path), "PYTHONHASHSEED": "1", "OMP_NUM_THREADS": "2"}
    fresh = subprocess.run([sys.executable, "-c", DIGEST], capture_output=True, text=True, check=True, env=environment)
    assert dict(line.split() for line in fresh.stdout.splitlines()) == ours


def test_images_are_bytes_of_one_size_and_each_class_is_there(name: str) -> None:
    drawn = SETS[name](0, 300, 200)
    for part, count in ((drawn.train, 300), (drawn.test, 200)):
        assert part.images.shape == (count, 32, 32, 3) and part.images.dtype == np.uint8
        assert set(part.labels.tolist()) == set(range(len(drawn.classes)))
        assert part.factors.shape == (count, len(drawn.factors))
        assert part.images.std(axis=(1, 2, 3)).min() > 3  # none is empty


def test_more_images_leave_the_first_as_they_are(name: str) -> None:
    few, many = SETS[name](3, 150, 50), SETS[name](3, 300, 131)  # on both sides of a block's end
    for part, larger in zip(few[:2], many[:2], strict=True):
        for array, longer in zip(part, larger, strict=True):
            assert np.array_equal(array, longer[: len(array)])


def test_seeds_and_splits_share_no_image(name: str) -> None:
    one, other = SETS[name](0, 200, 200), SETS[name](1, 200, 200)
    train, test = ({image.tobytes() for image in part.images} for part in one[:2])
    assert not train & test and len(train) == len(test) == 200
    assert not np.array_equal(one.train.images, other.train.images)


def test_no_images_at_all_are_an_empty_split(name: str) -> None:
    assert SETS[name](0, 0, 3).train.images.shape == (0, 32, 32, 3)


def test_an_image_cannot_take_more_numbers_than_it_has() -> None:
    with pytest.raises(ValueError, match="3 numbers taken, 2 drawn"):
        canvas.Chance(0, 0, range(4), 2).take(3)


def test_chance_is_one_row_an_image_wherever_a_block_starts() -> None:
    whole = canvas.Chance(2, 1, range(20), 5).take(5)
    parts = [canvas.Chance(2, 1, images, 5).take(5) for images in (range(7), range(7, 20))]
    assert np.array_equal(whole, np.concatenate(parts))
    assert len(np.unique(whole)) == 100  # and no two images share a number


def test_blur_is_that_of_scipy() -> None:
    from scipy.ndimage import gaussian_filter1d

    images = np.random.default_rng(0).random((3, 32, 32, 2)).astype(np.float32)
    sigma = np.array([0.4, 0.8, 1.2])
    expected = images.astype(np.float64)
    for image, width in zip(expected, sigma, strict=True):
        for axis in (0, 1):
            image[:] = gaussian_filter1d(image, width, axis=axis, radius=3, mode="nearest")
    assert np.abs(canvas.blur(images, sigma) - expected).max() < 1e-6


@pytest.mark.parametrize("regions", [canvas.stripes, canvas.photograph])
def test_splits_show_different_parts_of_the_photographs(
    monkeypatch: pytest.MonkeyPatch, regions: Callable[[int], tuple[canvas.Region, ...]]
) -> None:
    """Photographs whose red says the column and whose green says which: no crop of one split lies in the other's."""
    width = 640
    codes = [np.zeros((427, width, 3), np.uint8) for _ in range(2)]
    for index, code in enumerate(codes):
        code[:, :, 0], code[:, :, 1], code[:, :, 2] = np.arange(width) // 4, 200 * index, 255
    monkeypatch.setattr(canvas, "photographs", lambda: tuple(codes))
    canvas._cut.cache_clear()
    seen = []
    for stream in (canvas.TRAIN, canvas.TEST):
        crops = canvas.photo_crops(canvas.Chance(0, stream, range(800), 6), regions(stream))
        seen.append(set(np.unique(crops[..., 0].astype(int) + crops[..., 1].astype(int) * 1000).tolist()))
    canvas._cut.cache_clear()
    assert not seen[0] & seen[1]
    assert len(seen[0]) > 130 and len(seen[1]) > 60  # columns come in groups of four
    if regions is canvas.photograph:
        assert max(seen[0]) < 200 * 1000 <= min(seen[1])  # not even the same photograph


def test_splits_share_no_number_of_sketches_colors_and_places() -> None:
    """All that an image is drawn with comes out of these: the numbers of 500 images of either split."""
    train, test = (canvas.Chance(0, stream, range(500), 64).take(64).ravel() for stream in (canvas.TRAIN, canvas.TEST))
    assert not set(train.tolist()) & set(test.tolist())
    assert abs(np.corrcoef(train, test)[0, 1]) < 0.03


def test_test_digits_are_of_typefaces_that_training_does_not_show() -> None:
    train, test = street_digits.TRAIN_FACES, street_digits.TEST_FACES
    assert not set(train) & set(test)
    names = [[name for family in faces.values() for name in family] for faces in (train, test)]
    assert not set(names[0]) & set(names[1]) and len(names[0]) >= 15 and len(names[1]) >= 5
    glyphs = [{digit.tobytes() for face in street_digits.glyphs(s) for digit in face} for s in (0, 1)]
    assert not glyphs[0] & glyphs[1]
    assert len(glyphs[0]) <= 10 * sum(len(outlines) for family in train.values() for outlines in family.values())


def test_every_typeface_is_readable() -> None:
    """Each of its digits is more like that digit in some other typeface than like any other digit there."""
    faces = [face for stream in (canvas.TRAIN, canvas.TEST) for face in street_digits.glyphs(stream)]
    shapes = np.array([[_centred(digit) for digit in face] for face in faces])  # (F, 10, P)
    for index, own in enumerate(shapes):
        others = np.delete(shapes, index, 0)
        distances = np.square(own[:, None, None] - others[None]).sum(-1).min(1)  # (10, 10)
        assert (distances.argmin(1) == np.arange(10)).all(), index


def _centred(digit: np.ndarray) -> np.ndarray:
    """The digit (64, width) in the middle of a square, at a quarter of the size."""
    page = np.zeros((64, 64), np.uint8)
    left = (64 - digit.shape[1]) // 2
    page[:, left : left + digit.shape[1]] = digit
    return np.asarray(Image.fromarray(page).resize((16, 16)), float).ravel() / 255


def test_street_digits_are_as_frequent_as_in_svhn() -> None:
    counts = np.bincount(street_digits.generate(0, 1500, 0).train.labels, minlength=10)
    expected = 1500 * np.array(SVHN) / np.sum(SVHN)
    assert ((counts - expected) ** 2 / expected).sum() < 27.9  # chi squared, 9 degrees of freedom, one in a thousand


def test_street_digits_stand_out_from_their_ground(monkeypatch: pytest.MonkeyPatch) -> None:
    """Brightness where there is ink against where there is none, before the weather: room for 12.75 levels and more."""
    scenes: list[tuple[np.ndarray, np.ndarray]] = []
    color = street_digits._color

    def watched(chance: canvas.Chance, scene: street_digits.Scene, grain: canvas.Floats) -> canvas.Floats:
        picture = color(chance, scene, grain)
        scenes.append((scene.ink, picture @ np.array([0.299, 0.587, 0.114])))
        return picture

    monkeypatch.setattr(street_digits, "_color", watched)
    street_digits.generate(0, 200, 0)
    contrast = []
    for ink, grey in ((i, g) for inks, greys in scenes for i, g in zip(inks, greys, strict=True)):
        middle = np.zeros((32, 32), bool)
        middle[6:26, 8:24] = True
        contrast.append(abs(grey[middle & (ink > 0.95)].mean() - grey[middle & (ink < 0.05)].mean()))
    assert 100 < np.median(contrast) < 170
    assert np.mean(np.array(contrast) < 50) < 0.12


@pytest.mark.parametrize(("name", "most"), [("street_digits", 60), ("objects", 40)])
def test_a_linear_reader_of_the_pixels_finds_little(name: str, most: float) -> None:
    """Far below the 90 % that the shipped classifier must reach on street digits."""
    drawn = SETS[name](0, 1500, 500)
    train, test = (part.images.reshape(len(part.labels), -1) / 127.5 - 1 for part in (drawn.train, drawn.test))
    reader = LogisticRegression(C=0.001, max_iter=200).fit(train, drawn.train.labels)
    assert 100 * reader.score(test, drawn.test.labels) < most


def test_the_labelled_digit_is_in_the_middle() -> None:
    """In the line's middle stands the labelled digit's own glyph, which no other digit of the face equals."""
    faces, labels = street_digits.glyphs(canvas.TRAIN), np.arange(40) % 10
    assert all(len({glyph.tobytes() for glyph in face}) == 10 for face in faces)
    chosen = canvas.Chance(0, 0, range(40), 64).below(len(faces))
    lines = street_digits._lines(canvas.Chance(0, 0, range(40), 64), labels, faces)
    for line, label, face in zip(lines, labels, chosen, strict=True):
        glyph = faces[face][label]
        left = (street_digits.STRIP[0] - glyph.shape[1]) // 2
        assert np.array_equal(np.asarray(line)[:, left : left + glyph.shape[1]], glyph)


def test_objects_have_their_class_in_shape_not_in_color() -> None:
    """The mean color of the middle tells the class hardly better than chance (10 %): nearest class mean."""
    drawn = objects.generate(0, 1000, 800)
    seen, asked = (part.images[:, 12:20, 12:20].mean(axis=(1, 2)) for part in drawn[:2])
    means = np.stack([seen[drawn.train.labels == label].mean(axis=0) for label in range(10)])
    nearest = np.linalg.norm(asked[:, None] - means, axis=2).argmin(axis=1)
    assert (nearest == drawn.test.labels).mean() < 0.17


@pytest.mark.parametrize("label", range(10))
def test_any_object_is_drawn_with_the_numbers_it_has(label: int) -> None:
    """All numbers at their least and at their most: every branch finds enough of them, and most of it is in sight."""
    for value in (0.0, 0.3, 0.999999):
        sheet = drawing._sketch(objects.OBJECTS[label], [value] * drawing.SKETCH, [[9 * k, 0, 0] for k in range(8)])
        assert 0.08 < (np.asarray(sheet)[..., 3] > 0).mean() < 0.95


def test_enlarged_digits_shrink_to_the_originals() -> None:
    small, labels = load_digits(return_X_y=True)
    order = handwritten_digits.originals(0, canvas.TEST)
    drawn = handwritten_digits.generate(0, 0, 40).test
    assert np.array_equal(drawn.labels, labels[order[:40]])
    shrunk = drawn.images[:, 4:28, 4:28, 0].reshape(-1, 8, 3, 8, 3).mean(axis=(2, 4))
    originals = small[order[:40]].reshape(-1, 8, 8) * 255 / 16
    assert np.abs(shrunk - originals).mean() < 14
    errors = np.abs(shrunk[:, None] - small.reshape(1, -1, 8, 8) * 255 / 16).mean(axis=(2, 3))
    assert np.array_equal(errors.argmin(axis=1), order[:40])  # and to no other digit's
    assert (drawn.images == drawn.images[..., :1]).all()


def test_handwritten_digits_are_in_one_split_only_and_vary_when_repeated() -> None:
    train, test = handwritten_digits.originals(0, canvas.TRAIN), handwritten_digits.originals(0, canvas.TEST)
    assert sorted([*train, *test]) == list(range(1797))
    assert set(handwritten_digits.originals(7, canvas.TEST)) == set(test)  # whatever the seed
    drawn = handwritten_digits.generate(0, 0, 2 * len(test)).test
    first, again = drawn.images[: len(test)].astype(float), drawn.images[len(test) :].astype(float)
    assert np.array_equal(drawn.labels[: len(test)], drawn.labels[len(test) :])
    assert (np.abs(first - again).mean(axis=(1, 2, 3)) > 1).all()
    strangers = np.abs(np.roll(first, 1, axis=0) - again).mean()
    assert np.abs(first - again).mean() < 0.7 * strangers


def test_factors_are_stored_in_order_and_labels_are_the_shape() -> None:
    drawn = shapes.generate(0, 2000, 10)
    assert list(drawn.factors) == ["color", "shape", "location", "size"]
    assert np.array_equal(drawn.train.labels, drawn.train.factors[:, 1])
    assert len({tuple(row) for row in drawn.train.factors.tolist()}) > 1000
    for column, values in enumerate(drawn.factors.values()):
        assert set(drawn.train.factors[:, column].tolist()) == set(range(len(values)))
    assert len(set(drawn.factors["location"])) == 9 and "top left" in drawn.factors["location"]


@pytest.fixture
def scene() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(factors, nuisance, ground) of 60 images."""
    nuisance = shapes.nuisance(0, 0, 60)
    return shapes.factors(0, 0, 60), nuisance, shapes.ground("plain", nuisance)


def changed(factors: np.ndarray, column: int, value: int | np.ndarray) -> np.ndarray:
    copy = factors.copy()
    copy[:, column] = value
    return copy


def mask(images: np.ndarray) -> np.ndarray:
    """Pixels that differ from the image's corner, where no shape reaches."""
    return np.asarray(np.any(images != images[:, :1, :1], axis=3))


def test_redrawing_gives_the_bytes_of_the_set(scene: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    assert np.array_equal(shapes.render(*scene), shapes.generate(0, 60, 0).train.images)
    factors, nuisance, ground = scene
    turned = slice(None, None, -1)
    assert np.array_equal(
        shapes.render(factors[turned], nuisance[turned], ground[turned]), shapes.render(*scene)[turned]
    )


def test_a_new_color_keeps_the_silhouette(scene: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    factors, nuisance, ground = scene
    covers = [shapes.render(changed(factors, 0, color), nuisance, ground) for color in range(8)]
    black = mask(covers[7])  # stands out most: it shows also pixels that are hardly covered
    assert not any((mask(cover) & ~black).any() for cover in covers)
    assert all((mask(cover).sum() > 0.9 * black.sum()) for cover in covers)
    full = shapes.silhouettes(factors, nuisance) == 1
    for color, images in zip(shapes.COLORS.values(), covers, strict=True):
        shown = np.stack([image[inside].mean(axis=0) for image, inside in zip(images, full, strict=True)])
        assert np.abs(shown - color).max() <= 14.5  # the color by name, but for its shade


def test_a_new_location_moves_the_same_pixels(scene: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    factors, nuisance, ground = scene
    middle = shapes.render(changed(factors, 2, 4), nuisance, ground)
    for location, where in enumerate(shapes.LOCATIONS):
        down = 8 * (("bottom" in where) - ("top" in where))
        across = 8 * (("right" in where) - ("left" in where))
        moved = shapes.render(changed(factors, 2, location), nuisance, ground)
        assert np.array_equal(moved, np.roll(middle, (down, across), (1, 2)))


def test_no_shape_is_cut_by_the_border() -> None:
    """All factors at the nuisances' corners: coverage, also beyond the image, is what it is in the middle."""
    every = np.array(list(np.ndindex(1, 8, 9, 3)), np.int64)
    for across, down, tilt in np.ndindex(2, 2, 3):
        nuisance = np.tile([2.0 * across - 1, 2.0 * down - 1, tilt - 1, 0, 0, 0, 0], (len(every), 1))
        area = shapes.silhouettes(every, nuisance).sum(axis=(1, 2))
        middle = shapes.silhouettes(changed(every, 2, 4), nuisance).sum(axis=(1, 2))
        assert np.allclose(area, middle, atol=1e-3)


def test_a_new_size_holds_the_smaller_one(scene: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    factors, nuisance, ground = scene
    small, medium, large = (mask(shapes.render(changed(factors, 3, size), nuisance, ground)) for size in range(3))
    solid = ~np.isin(factors[:, 1], [shapes.SHAPES.index("ring"), shapes.SHAPES.index("moon")])
    assert not (small & ~medium)[solid].any() and not (medium & ~large)[solid].any()
    areas = np.stack([one.sum(axis=(1, 2)) for one in (small, medium, large)])
    assert (areas[1] > 1.2 * areas[0]).all() and (areas[2] > 1.2 * areas[1]).all()


def test_a_new_shape_differs_only_near_the_old_one(scene: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    factors, nuisance, ground = scene
    pictures = [shapes.render(changed(factors, 1, shape), nuisance, ground) for shape in range(8)]
    rows = 8 * (factors[:, 2] // 3 + 1) + 1.2 * nuisance[:, 1] - 0.5
    columns = 8 * (factors[:, 2] % 3 + 1) + 1.2 * nuisance[:, 0] - 0.5
    y, x = np.mgrid[:32, :32]
    away = np.hypot(y - rows[:, None, None], x - columns[:, None, None])
    radius = np.array([3.4, 4.8, 6.2])[factors[:, 3]][:, None, None]
    for one in pictures:
        assert not (mask(one) & (away > radius + 0.5)).any()
    for first, second in pairwise(pictures):
        assert (first != second).any(axis=(1, 2, 3)).all()


def test_other_grounds_change_no_pixel_that_the_shape_covers(scene: tuple[np.ndarray, np.ndarray, np.ndarray]) -> None:
    factors, nuisance, plain = scene
    images = shapes.render(factors, nuisance, plain)
    full = shapes.silhouettes(factors, nuisance) == 1
    for kind in ("gradient", "texture"):
        other = shapes.render(factors, nuisance, shapes.ground(kind, nuisance))
        assert np.array_equal(other[full], images[full])
        assert (other != images).any(axis=3)[~full].mean() > 0.5
    with pytest.raises(ValueError, match="ground is 'marble'"):
        shapes.ground("marble", nuisance)


def test_a_circle_covers_its_area() -> None:
    """Antialiasing keeps the area: pi r squared, with the circle at 0.92 of its radius."""
    factors = np.array([[0, 0, 4, size] for size in range(3)])
    nuisance = shapes.nuisance(1, 0, 3)
    area = shapes.silhouettes(factors, nuisance).sum(axis=(1, 2))
    assert np.allclose(area, np.pi * (0.92 * np.array([3.4, 4.8, 6.2])) ** 2, rtol=0.02)
