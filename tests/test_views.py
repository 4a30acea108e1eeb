"""Views against torchvision, image by image with the same parameters, and against the distribution of its draws."""

import colorsys
from collections import Counter
from collections.abc import Callable
from functools import partial
from itertools import permutations
from typing import Any

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor
from torch.nn import functional as F
from torchvision.transforms import ColorJitter, InterpolationMode, RandomResizedCrop
from torchvision.transforms import functional as theirs

from visrep.data import pixels
from visrep.machine.randomness import generator
from visrep.representations import views
from visrep.settings.representations import Blur, Crop, Jitter, Views

COLOURS = {"brightness": 0.4, "contrast": 0.4, "saturation": 0.2, "hue": 0.1}
EACH: dict[str, dict[str, Any]] = {  # a change that happens always, with draws of its own
    "crop": {"crop_scale": 0.2},
    "flip": {"flip": 0.5},
    **{name: {"jitter": 1.0, name: strength} for name, strength in COLOURS.items()},
    "grey": {"grey": 0.5},
    "blur": {"blur": 1.0},
    "solarize": {"solarize": 0.5},
    "noise": {"noise": 0.3},
    "rotation": {"rotation": 15.0},
}
EVERYTHING = {**COLOURS, "crop_scale": 0.2, "flip": 0.5, "jitter": 1.0, "grey": 0.5, "blur": 1.0, "solarize": 1.0}
UNLIKELY = 1e-3  # a p value below it is a failure; draws are seeded, so it happens always or never


def stored(count: int) -> Tensor:
    """uint8 (N, 32, 32, 3): rough, smooth, of extreme colors, grey and of one color, in turn."""
    rng = generator("cpu", "stored", count)
    rough = torch.randint(0, 256, (count, 32, 32, 3), generator=rng, dtype=torch.uint8)
    small = torch.rand(count, 3, 5, 5, generator=rng)
    smooth = F.interpolate(small, (32, 32), mode="bicubic").clamp(0, 1).mul(255).byte().permute(0, 2, 3, 1)
    extreme = (rough > 127).byte() * 255
    grey = rough[..., :1].expand_as(rough)
    plain = rough[:, :1, :1].expand_as(rough)
    kinds = torch.stack([rough, smooth, extreme, grey, plain])
    return kinds[torch.arange(count) % 5, torch.arange(count)]


def unit(images: Tensor) -> Tensor:
    """Stored images as torchvision sees them."""
    return images.permute(0, 3, 1, 2).float() / 255


def each(images: Tensor, change: Callable[..., Tensor], *parameters: Tensor) -> Tensor:
    """``change`` of one image (1, C, H, W) after another with its own parameters as numbers or lists."""
    columns = [parameter.tolist() for parameter in parameters]
    return torch.cat([change(images[i : i + 1], *(column[i] for column in columns)) for i in range(len(images))])


def assert_close(ours: Tensor, expected: Tensor, tolerance: float = 1e-6) -> None:
    torch.testing.assert_close(ours, expected, rtol=0, atol=tolerance)


def settings(
    crop_scale: float = 1.0, jitter: float = 0.0, blur: float = 0.0, blur_sigma: float = 2.0, **change: Any
) -> Views:
    """Nothing but what is named; ``jitter`` and ``blur`` are probabilities."""
    strengths = {name: change.pop(name, 0.0) for name in COLOURS}
    off = {"flip": 0.0, "grey": 0.0, "solarize": 0.0, "noise": 0.0, "rotation": 0.0}
    return Views(
        crop=Crop(scale=crop_scale, aspect=4 / 3) if crop_scale < 1 else None,
        jitter=Jitter(probability=jitter, **strengths) if jitter else None,
        blur=Blur(probability=blur, sigma=blur_sigma) if blur else None,
        **off | change,
    )


def drawn(images: Tensor, count: int, seed: object, **change: Any) -> Tensor:
    return views.random_views(images, settings(**change), count, generator("cpu", seed))


def random(count: int, seed: object) -> views.Random:
    return views.Random(count, generator("cpu", seed))


# The changes, with torchvision's


def their_crop(image: Tensor, box: list[float], flip: bool) -> Tensor:
    top, left, height, width = (int(side) for side in box)
    cut = theirs.resized_crop(image, top, left, height, width, [32, 32], InterpolationMode.BILINEAR, antialias=True)
    return theirs.hflip(cut) if flip else cut


def their_rotation(image: Tensor, angle: float) -> Tensor:
    """About the centre of an image whose border is repeated far enough for the fill never to be seen."""
    wide = theirs.pad(image, [32] * 4, padding_mode="edge")
    turned = theirs.rotate(wide, angle, InterpolationMode.BILINEAR)
    return turned[..., 32:-32, 32:-32]


def their_jitter(image: Tensor, factors: list[float], order: list[int], turned: bool = True) -> Tensor:
    changes = (theirs.adjust_brightness, theirs.adjust_contrast, theirs.adjust_saturation, theirs.adjust_hue)
    for kind in order:
        if turned or changes[kind] is not theirs.adjust_hue:
            image = changes[kind](image, factors[kind])
    return image


def their_blur(image: Tensor, sigma: float, radius: int) -> Tensor:
    return theirs.gaussian_blur(image, [2 * radius + 1] * 2, [sigma, sigma])


def boxes() -> Tensor:
    """Of every size of either side, at the borders and between."""
    rng = generator("cpu", "boxes")
    sides = torch.stack([torch.arange(1, 33), torch.randperm(32, generator=rng) + 1], 1).repeat(3, 1)
    room = 32 - sides
    share = torch.cat([torch.zeros(32, 2), torch.ones(32, 2), torch.rand(32, 2, generator=rng)])
    return torch.cat([(room * share).round(), sides], 1)


def test_crop_is_torchvisions_to_the_bit() -> None:
    """Their way in float64, where enlarging by bilinear weights in 1/64 is exact; ours is so in float32."""
    images = stored(len(boxes()))
    flip = torch.arange(len(images)) % 3 == 0
    ours = views.resized_crop(images, boxes(), flip, 32)
    expected = each(images.permute(0, 3, 1, 2).double(), their_crop, boxes(), flip)
    assert ours.dtype == torch.float32
    assert torch.equal(ours.double(), expected)


@pytest.mark.parametrize("size", [16, 24])
def test_a_crop_that_shrinks_is_torchvisions(size: int) -> None:
    def their_small_crop(image: Tensor, box: list[float], flip: bool) -> Tensor:
        place = (int(side) for side in box)
        cut = theirs.resized_crop(image, *place, [size, size], InterpolationMode.BILINEAR, antialias=True)
        return theirs.hflip(cut) if flip else cut

    images = stored(len(boxes()))
    flip = torch.arange(len(images)) % 3 == 0
    ours = views.resized_crop(images, boxes(), flip, size)
    expected = each(images.permute(0, 3, 1, 2).double(), their_small_crop, boxes(), flip)
    torch.testing.assert_close(ours.double(), expected, rtol=0, atol=2e-3)  # of 255


def test_crop_of_the_whole_changes_no_bit() -> None:
    images = stored(10)
    whole = torch.tensor([[0.0, 0.0, 32.0, 32.0]]).expand(10, 4)
    assert torch.equal(
        views.resized_crop(images, whole, torch.zeros(10).bool(), 32), images.permute(0, 3, 1, 2).float()
    )
    mirrored = views.resized_crop(images, whole, torch.ones(10).bool(), 32)
    assert torch.equal(mirrored, images.flip(2).permute(0, 3, 1, 2).float())


def test_rotation_is_torchvisions() -> None:
    images = unit(stored(20))
    angle = torch.linspace(-180, 180, 20)
    assert_close(views.rotate(images, angle), each(images, their_rotation, angle), 2e-5)  # of a grid in float32


@pytest.mark.parametrize(
    ("kind", "change"),
    [
        (views.BRIGHTNESS, theirs.adjust_brightness),
        (views.CONTRAST, theirs.adjust_contrast),
        (views.SATURATION, theirs.adjust_saturation),
    ],
)
def test_blend_is_torchvisions(kind: int, change: Callable[..., Tensor]) -> None:
    images = unit(stored(25))
    factor = torch.linspace(0, 2.4, 25)  # both clips are reached
    ours = views.blend(images, factor, torch.full((25,), kind))
    assert_close(ours, each(images, change, factor), 5e-7)


def test_hue_is_torchvisions() -> None:
    images = unit(stored(55))
    turns = torch.linspace(-0.5, 0.5, 11).repeat_interleave(5)  # every kind of image at each
    assert_close(views.hue(images, turns), each(images, theirs.adjust_hue, turns), 1.5e-6)


def test_hue_is_by_hand() -> None:
    """Every corner, edge and tie of the color cube, and very small chroma, through Python's own HSV in float64."""
    levels = np.array([0, 1e-7, 0.2, 0.2 + 1e-6, 0.5, 1 - 1e-6, 1], dtype=np.float32)
    colors = np.stack(np.meshgrid(levels, levels, levels), -1).reshape(-1, 3)
    for turns in (-0.5, -1 / 3, -0.1, 0.0, 0.07, 1 / 6, 0.5):
        expected = []
        for color in colors.astype(float):
            h, s, v = colorsys.rgb_to_hsv(*color)
            expected.append(colorsys.hsv_to_rgb((h + turns) % 1, s, v))
        ours = views.hue(torch.from_numpy(colors)[:, :, None, None], torch.full((len(colors),), turns))
        assert_close(ours[..., 0, 0].double(), torch.tensor(expected, dtype=torch.float64), 7e-7)


@pytest.mark.parametrize("turned", [True, False])
def test_jitter_is_torchvisions_in_every_order(turned: bool) -> None:
    order = torch.tensor(list(permutations(range(4)))).repeat_interleave(5, 0)
    images = unit(stored(len(order)))
    strong = Jitter(probability=1.0, brightness=0.9, contrast=0.9, saturation=1.5, hue=0.5)
    factors = views.factors(random(len(order), "strong"), strong)
    ours = views.jitter(images, factors, order, turned)
    assert_close(ours, each(images, partial(their_jitter, turned=turned), factors, order), 5e-6)


def test_jitter_of_nothing_changes_no_bit() -> None:
    images = unit(stored(48))
    order = torch.tensor(list(permutations(range(4)))).repeat(2, 1)
    assert torch.equal(views.jitter(images, torch.ones(48, 4), order, turned=False), images)


def test_grey_is_torchvisions() -> None:
    images = unit(stored(10))
    assert_close(views.grey(images), theirs.rgb_to_grayscale(images, 3), 2e-7)


@pytest.mark.parametrize("radius", [1, 2, 6, 31])
def test_blur_is_torchvisions(radius: int) -> None:
    images = unit(stored(6))
    sigma = torch.tensor([0.1, 0.5, 1.0, 1.5, 2.0, 3.0])
    expected = each(images.double(), partial(their_blur, radius=radius), sigma)
    assert_close(views.blur(images, sigma, radius).double(), expected)


def test_blur_reaches_no_further_than_the_image() -> None:
    images, sigma = unit(stored(5)), torch.full((5,), 20.0)
    assert torch.equal(views.blur(images, sigma, 60), views.blur(images, sigma, 31))


def test_blur_reaches_three_of_the_largest_widths() -> None:
    """A point of light on black, at every draw of the width that is not tiny."""
    point = torch.zeros(50, 32, 32, 3, dtype=torch.uint8)
    point[:, 16, 16] = 255
    reached = (drawn(point, 1, "reach", blur=1.0, blur_sigma=1.2)[0, :, 0, 16] > -1).any(0)
    assert reached.nonzero()[:, 0].tolist() == list(range(16 - 4, 16 + 5))


def test_solarize_is_torchvisions() -> None:
    images = unit(stored(10))
    images[0, :, 0, 0] = 0.5
    assert torch.equal(views.solarize(images), theirs.solarize(images, 0.5))


# Their parameters, against the distribution of torchvision's


def their_crops(count: int, smallest: float, widest: float) -> np.ndarray:
    image = torch.empty(3, 32, 32)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return np.array(
            [RandomResizedCrop.get_params(image, [smallest, 1], [1 / widest, widest]) for _ in range(count)]
        )


# of 0.9 and 0.99 many end with the whole image
@pytest.mark.parametrize(("smallest", "widest"), [(0.08, 4 / 3), (0.9, 4 / 3), (0.99, 4 / 3), (0.2, 3.0), (0.3, 1.0)])
def test_crops_are_distributed_as_torchvisions(smallest: float, widest: float) -> None:
    ours = views.crops(random(40_000, "crops"), 32, (smallest, 1.0), widest).double().numpy()
    expected = their_crops(3_000, smallest, widest)
    readings: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "top": lambda box: box[:, 0],
        "left": lambda box: box[:, 1],
        "height": lambda box: box[:, 2],
        "width": lambda box: box[:, 3],
        "area": lambda box: box[:, 2] * box[:, 3],
        "aspect": lambda box: box[:, 3] / box[:, 2],
        "room above": lambda box: box[:, 0] / np.maximum(32 - box[:, 2], 1),
        "room at the left": lambda box: box[:, 1] / np.maximum(32 - box[:, 3], 1),
        "whole": lambda box: ((box[:, 2] == 32) & (box[:, 3] == 32)).astype(float),
        "both corners": lambda box: box[:, 0] * box[:, 1],
    }
    for name, reading in readings.items():
        assert stats.ks_2samp(reading(ours), reading(expected)).pvalue > UNLIKELY, name


def test_crops_are_distributed_as_the_definition_says() -> None:
    """Among areas that fit whatever their aspect, and with pixels so small that rounding does not show."""
    top, left, height, width = views.crops(random(40_000, "definition"), 512, (0.05, 1.0), 4 / 3).double().numpy().T
    small = height * width < 0.5 * 512**2  # these fit whatever their aspect
    area = (height * width)[small] / 512**2
    assert stats.kstest(area, stats.uniform(0.05, 0.45).cdf).pvalue > UNLIKELY
    aspect = np.log((width / height)[small]) / np.log(4 / 3)
    assert stats.kstest(aspect, stats.uniform(-1, 2).cdf).pvalue > UNLIKELY
    above, before = ((start + 0.5) / (512 - side + 1) for start, side in ((top, height), (left, width)))
    for share in (above, before):
        assert stats.kstest(share[small], stats.uniform().cdf).pvalue > UNLIKELY
    assert abs(stats.spearmanr(above, before).statistic) < 0.02  # they have draws of their own


@pytest.mark.parametrize("smallest", [1e-6, 0.3, 0.999])
def test_crops_are_whole_pixels_inside_the_image_and_reach_its_borders(smallest: float) -> None:
    top, left, height, width = views.crops(random(100_000, "inside"), 32, (smallest, 1.0), 4 / 3).unbind(1)
    for start, side in ((top, height), (left, width)):
        assert torch.equal(start, start.round()) and torch.equal(side, side.round())
        assert float(side.min()) >= 1 and float(side.max()) == 32
        assert float(start.min()) == 0 and float((start + side).max()) == 32
        cut = side == side[side < 32].max()
        assert {0.0, float(32 - side[cut][0])} <= set(start[cut].tolist())  # both ends, of the little room there is


def test_local_crops_have_areas_between_their_two_shares() -> None:
    """At a size where rounding does not show; shares that fit whatever their aspect are uniform."""
    *_, height, width = views.crops(random(40_000, "local"), 512, (0.05, 0.3), 4 / 3).double().numpy().T
    assert stats.kstest(height * width / 512**2, stats.uniform(0.05, 0.25).cdf).pvalue > UNLIKELY


def test_a_crop_scale_of_one_is_the_whole_image() -> None:
    assert views.crops(random(3, 0), 32, (1.0, 1.0), 4 / 3).tolist() == [[0.0, 0.0, 32.0, 32.0]] * 3


def test_factors_are_distributed_as_torchvisions() -> None:
    strengths = {"brightness": 0.4, "contrast": 1.5, "saturation": 0.2, "hue": 0.3}
    jitter = ColorJitter(**strengths)
    ranges = [jitter.brightness, jitter.contrast, jitter.saturation, jitter.hue]
    assert ranges[1] == (0, 2.5)  # clipped below
    ours = views.factors(random(20_000, "factors"), Jitter(probability=1.0, **strengths)).double().numpy()
    for column, (low, high) in zip(ours.T, ranges, strict=True):
        assert column.min() >= low - 1e-6 and column.max() <= high + 1e-6
        assert stats.kstest(column, stats.uniform(low, high - low).cdf).pvalue > UNLIKELY
    correlation = np.corrcoef(ours.T)
    assert np.abs(correlation - np.eye(4)).max() < 0.03


def test_orders_are_all_equally_likely() -> None:
    drawn_orders = Counter(map(tuple, views.orders(random(24_000, "orders")).tolist()))
    counts = [drawn_orders[order] for order in permutations(range(4))]
    assert sum(counts) == 24_000
    assert stats.chisquare(counts).pvalue > UNLIKELY


# All together


class Spies:
    """The arguments with which `views.random_views` called each change, in order."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.order: list[str] = []
        self.seen: dict[str, list[tuple[Any, ...]]] = {}
        for name in ("resized_crop", "rotate", "jitter", "grey", "blur", "solarize"):
            patch.setattr(views, name, partial(self._note, name, getattr(views, name)))

    def _note(self, name: str, change: Callable[..., Tensor], images: Tensor, *rest: Any, **named: Any) -> Tensor:
        self.seen.setdefault(name, []).append(rest)
        self.order = list(dict.fromkeys([*self.order, name]))
        return change(images, *rest, **named)

    def parameters(self, name: str) -> list[Tensor]:
        """Of all images, where the calls were for some at a time."""
        return [torch.cat(column) for column in zip(*self.seen[name], strict=True)]


def test_a_view_is_torchvisions_chain(monkeypatch: pytest.MonkeyPatch) -> None:
    """More views than are changed at a time; every change on."""
    monkeypatch.setattr(views, "PART", 7)
    images = stored(20)
    spies = Spies(monkeypatch)
    ours = drawn(images, 2, "chain", **EVERYTHING | {"rotation": 15.0, "grey": 0.0, "blur_sigma": 1.5})
    assert spies.order == ["resized_crop", "rotate", "jitter", "blur", "solarize"]
    expected = each(unit(images).repeat(2, 1, 1, 1), their_crop, *spies.parameters("resized_crop"))
    expected = each(expected, their_rotation, *spies.parameters("rotate"))
    expected = each(expected, their_jitter, *spies.parameters("jitter"))
    expected = each(expected, partial(their_blur, radius=5), *spies.parameters("blur"))
    expected = theirs.solarize(expected, 0.5) * 2 - 1
    assert ours.shape == (2, 20, 3, 32, 32)
    assert_close(ours.flatten(0, 1), expected, 5e-4)  # of the rotation, enlarged by the jitter
    assert (ours.flatten(0, 1) - expected).abs().mean() < 2e-6


def test_grey_follows_jitter_and_blur_follows_grey(monkeypatch: pytest.MonkeyPatch) -> None:
    spies = Spies(monkeypatch)
    drawn(stored(2), 1, 0, **EVERYTHING | {"grey": 1.0})
    assert spies.order == ["resized_crop", "jitter", "grey", "blur", "solarize"]


def test_angles_and_widths_are_uniform(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "rotate", lambda images, angle: images)
    monkeypatch.setattr(views, "blur", lambda images, sigma, radius: images)
    spies = Spies(monkeypatch)
    drawn(torch.zeros(1500, 32, 32, 3, dtype=torch.uint8), 2, "uniform", rotation=12.0, blur=1.0, blur_sigma=1.7)
    for name, low, high in (("rotate", -12, 12), ("blur", 0.1, 1.7)):
        (parameter,) = spies.parameters(name)
        assert low <= float(parameter.min()) and float(parameter.max()) <= high
        assert stats.kstest(parameter.numpy(), stats.uniform(low, high - low).cdf).pvalue > UNLIKELY, name


def test_noise_is_normal_of_uniform_strength_and_clipped() -> None:
    grey = torch.full((1000, 32, 32, 3), 128, dtype=torch.uint8)
    noise = drawn(grey, 1, "noise", noise=0.2).flatten(2)[0] - 1 / 255
    assert stats.kstest(noise.std(1).numpy(), stats.uniform(0, 0.2).cdf).pvalue > UNLIKELY
    standard = (noise / noise.std(1, keepdim=True))[:, ::300].flatten().numpy()
    assert stats.kstest(standard, stats.norm.cdf).pvalue > UNLIKELY
    black = drawn(torch.zeros(50, 32, 32, 3, dtype=torch.uint8), 1, "noise", noise=3.0)
    assert float(black.min()) == -1 and float(black.max()) == 1


@pytest.mark.parametrize("name", ["flip", "jitter", "grey", "blur", "solarize"])
def test_each_probability_is_kept(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """An image that every change changes, at a probability unlike one half; what is not changed keeps every bit."""
    monkeypatch.setattr(views, "LEAST_SIGMA", 0.3)  # below a sixth of a pixel a blur is none
    images = stored(1).expand(1000, -1, -1, -1)
    changed = (drawn(images, 2, name, **{**COLOURS, name: 0.3}) != pixels.scaled(images)).flatten(2).any(2)
    assert stats.binomtest(int(changed.sum()), 2000, 0.3).pvalue > UNLIKELY
    both = int((changed[0] & changed[1]).sum())  # one view's lot is not the other's
    assert stats.binomtest(both, 1000, 0.09).pvalue > UNLIKELY
    always = (drawn(images[:200], 1, name, **{**COLOURS, name: 1.0}) != pixels.scaled(images[:200])).flatten(2).any(2)
    assert bool(always.all())


def test_nothing_asked_is_nothing_done() -> None:
    images = stored(12)
    for count in (1, 3):
        result = drawn(images, count, 0)
        assert result.dtype == torch.float32
        assert torch.equal(result, pixels.scaled(images).expand(count, -1, -1, -1, -1))


@pytest.mark.parametrize(
    "change",
    [
        {"jitter": 1.0},  # of no strength
        {**COLOURS, "jitter": 0.0},
        {"jitter": 1.0, "brightness": 1e-30},  # its factor is 1, and hue of strength 0 must not be touched
        {"flip": 0.0, "blur": 0.0, "blur_sigma": 5.0},
    ],
)
def test_no_probability_or_no_strength_changes_no_bit(change: dict[str, Any]) -> None:
    images = stored(20)
    assert torch.equal(drawn(images, 1, 0, **change)[0], pixels.scaled(images))


@pytest.mark.parametrize("name", EACH)
def test_each_change_alone_is_drawn_for_every_view(name: str) -> None:
    """From the generator alone; in range; each view its own."""
    images = stored(1).expand(8, -1, -1, -1)
    before = torch.get_rng_state()
    result = drawn(images, 2, "each", **EACH[name])
    assert torch.equal(torch.get_rng_state(), before)
    assert result.shape == (2, 8, 3, 32, 32)
    assert float(result.abs().max()) <= 1
    distinct = {view.numpy().tobytes() for view in result.flatten(0, 1)}
    assert len(distinct) == (2 if name in ("flip", "grey", "solarize") else 16)
    torch.rand(5)
    assert torch.equal(drawn(images, 2, "each", **EACH[name]), result)
    assert not torch.equal(drawn(images, 2, "another", **EACH[name]), result)


def test_a_view_shows_its_image() -> None:
    """Flips alone: each view is its image or its mirror image."""
    images = stored(10)
    result = drawn(images, 3, "places", flip=0.5)
    plain, mirrored = pixels.scaled(images), pixels.scaled(images.flip(2))
    for view in result:
        for ours, one, other in zip(view, plain, mirrored, strict=True):
            assert torch.equal(ours, one) or torch.equal(ours, other)


def test_white_stays_within_the_range() -> None:
    """Sums of weights are 1 up to rounding only."""
    white = torch.full((200, 32, 32, 3), 255, dtype=torch.uint8)
    result = drawn(white, 1, "white", blur=1.0, rotation=30.0)
    assert float(result.max()) == 1 and float(result.min()) > 1 - 1e-5


def test_the_images_are_left_alone() -> None:
    images = stored(5)
    copy = images.clone()
    drawn(images, 2, 0, **EVERYTHING, noise=0.1, rotation=5.0)
    assert torch.equal(images, copy)


def test_autocast_makes_no_difference() -> None:
    """A training step draws its views inside of it."""
    images, settings = stored(6), {**EVERYTHING, "rotation": 10.0, "noise": 0.1}
    expected = drawn(images, 2, "autocast", **settings)
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(drawn(images, 2, "autocast", **settings), expected)


def test_no_images_have_no_views() -> None:
    assert drawn(stored(5)[:0], 2, 0, **EVERYTHING, noise=0.1, rotation=5.0).shape == (2, 0, 3, 32, 32)


@pytest.mark.parametrize(
    ("images", "count", "named"),
    [
        (torch.zeros(2, 32, 32, 3), 1, "uint8"),
        (torch.zeros(2, 3, 32, 32, dtype=torch.uint8), 1, "uint8"),
        (torch.zeros(2, 32, 24, 3, dtype=torch.uint8), 1, "uint8"),
        (torch.zeros(32, 32, 3, dtype=torch.uint8), 1, "uint8"),
        (torch.zeros(2, 32, 32, 3, dtype=torch.uint8), 0, "at least one"),
    ],
)
def test_what_are_no_stored_images_is_an_error(images: Tensor, count: int, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        drawn(images, count, 0)


# On a GPU


@pytest.mark.parametrize("share", [0.0, 0.4, 1.0])
def test_both_ways_of_changing_some_agree(share: float) -> None:
    images = unit(stored(150))
    chosen = random(150, "some").chosen(share)
    factor, kind = torch.linspace(0, 2, 150), torch.arange(150) % 3
    assert int(chosen.sum()) in range(int(150 * share) - 20, int(150 * share) + 20)
    expected = torch.where(chosen[:, None, None, None], views.blend(images, factor, kind), images)
    for way in (views._change_all_and_choose, views._change_chosen):
        assert_close(way(images.clone(), chosen, views.blend, factor, kind), expected, 1e-7)


def test_nothing_waits_for_a_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """On tensors without values, where whatever would have to read one raises."""
    from torch._subclasses.fake_tensor import FakeTensorMode

    class Anywhere:
        device = torch.device("cuda")

    def uniform(random: views.Random, low: float, high: float, *shape: int) -> Tensor:
        return torch.empty(random.count, *shape, device=random.generator.device)

    monkeypatch.setattr(views.Random, "uniform", uniform)
    with FakeTensorMode():
        images = torch.empty(6, 32, 32, 3, dtype=torch.uint8, device="cuda")
        for change in (EVERYTHING | {"rotation": 5.0}, {"flip": 0.5}, {}):
            result = views.random_views(images, settings(**change), 2, Anywhere())  # type: ignore[arg-type]
            assert result.shape == (2, 6, 3, 32, 32) and result.device.type == "cuda"


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_draws_from_its_own_generator_without_waiting() -> None:
    images = stored(50).cuda()
    chosen = settings(**EVERYTHING | {"rotation": 10.0, "noise": 0.1, "grey": 0.3, "jitter": 0.8})
    first, second = (generator("cuda", "gpu") for _ in range(2))
    expected = views.random_views(images, chosen, 2, first)
    torch.cuda.set_sync_debug_mode("error")
    try:
        result = views.random_views(images, chosen, 2, second)
    finally:
        torch.cuda.set_sync_debug_mode("default")
    assert torch.equal(result, expected)
    assert float(result.abs().max()) <= 1 and bool(result.isfinite().all())
