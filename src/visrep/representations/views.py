"""Random views of images for learning without labels: whole batches at once, every image with draws of its own.

N images, V views, S pixels a side. Stored: uint8 (N, S, S, 3). Inside: float (N, 3, S, S) in [0, 1], as torchvision has
it, whose changes and distributions these are (its `RandomResizedCrop` and so on), unless a docstring says otherwise.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor
from torch.nn import functional as F

from visrep.data.pixels import HIGH, LEVELS, LOW
from visrep.settings.representations import Jitter, Method, Views

BRIGHTNESS, CONTRAST, SATURATION, HUE = range(4)  # columns of factors, and what an order is made of
ATTEMPTS = 10  # at a crop that fits, before the whole image is taken
LEAST_SIGMA = 0.1  # of blur, in pixels
PART = 64  # images at a time on the CPU: their planes stay in its cache


@dataclass(frozen=True)
class Random:
    """Random numbers, some for each of ``count`` images, on the device of the generator. Where ``rows`` are given only
    those images' are kept, which are the same as among all."""

    count: int
    generator: torch.Generator
    rows: Tensor | None = None

    @property
    def kept(self) -> int:
        """Images, N."""
        return self.count if self.rows is None else len(self.rows)

    def uniform(self, low: float, high: float, *shape: int) -> Tensor:
        """(N, *shape) in [low, high)."""
        empty = torch.empty(self.count, *shape, device=self.generator.device)
        return self._of_rows(empty.uniform_(low, high, generator=self.generator))

    def normal(self, *shape: int) -> Tensor:
        """(N, *shape), standard Gaussian."""
        return self._of_rows(torch.randn(self.count, *shape, generator=self.generator, device=self.generator.device))

    def _of_rows(self, numbers: Tensor) -> Tensor:
        return numbers if self.rows is None else numbers[self.rows]

    def chosen(self, probability: float) -> Tensor:
        """(N,) bool; at probability 0 none, at 1 all."""
        return self.uniform(0, 1) < probability


class Among(NamedTuple):
    """Images that are part of a batch ``of`` so many, which these ``rows`` (N,) of it are."""

    rows: Tensor
    of: int


class Crop(NamedTuple):
    """A share of the area between ``smallest`` and ``largest``, its width by height at most ``aspect`` and at least its
    inverse, brought to ``size`` pixels a side."""

    size: int
    smallest: float
    largest: float
    aspect: float


def all_views(
    images: Tensor, settings: Method, generator: torch.Generator, among: Among | None = None
) -> tuple[Tensor, ...]:
    """The views of stored images by their size: (V, N, 3, S, S), and where there are any the local ones, small crops at
    fewer pixels (Caron et al. 2020, section 3.3)."""
    local, whole = settings.local, random_views(images, settings.augment, settings.views, generator, among=among)
    if local is None:
        return (whole,)
    crop = Crop(local.size, local.smallest, local.largest, local.aspect)
    return whole, random_views(images, settings.augment, local.views, generator, crop, among)


def random_views(
    images: Tensor,
    settings: Views,
    count: int,
    generator: torch.Generator,
    crop: Crop | None = None,
    among: Among | None = None,
) -> Tensor:
    """``count`` views of each stored image, float32 (V, N, 3, S, S) in [-1, 1], from a generator on the same device.
    Without a ``crop`` of their own they are as large as the images. Those ``among`` more images are the same as if the
    views of all were drawn.

    The order of changes is that of SimCLR (Chen et al. 2020, appendix A) with solarization after blur as in BYOL;
    rotation follows crop and flip, noise comes last. Nothing waits for a GPU. The caller's autocast is set aside, as it
    would round pixels and weights to 8 bits. Raises `ValueError` for other than stored images, and for no views.
    """
    if images.dtype != torch.uint8 or images.ndim != 4 or images.shape[1] != images.shape[2] or images.shape[3] != 3:
        raise ValueError(f"views need uint8 (N, S, S, 3), not {images.dtype} {tuple(images.shape)}")
    if count < 1:
        raise ValueError(f"at least one view, not {count}")
    random = _random(len(images), count, generator, among)
    with torch.autocast(images.device.type, enabled=False):
        if crop is None and settings.crop:
            crop = Crop(images.shape[1], settings.crop.scale, 1.0, settings.crop.aspect)
        views = _placed(images.repeat(count, 1, 1, 1), settings, random, crop)
        views = _colored(views, settings, random)
        views = _noisy(views.mul_(HIGH - LOW).add_(LOW), settings, random).clamp_(LOW, HIGH)
    return views.view(count, len(images), *views.shape[1:])


def _random(images: int, count: int, generator: torch.Generator, among: Among | None) -> Random:
    if among is None:
        return Random(count * images, generator)
    of_each = torch.arange(count, device=generator.device)[:, None] * among.of
    return Random(count * among.of, generator, (of_each + among.rows.to(generator.device)).flatten())


def _placed(images: Tensor, settings: Views, random: Random, crop: Crop | None) -> Tensor:
    """Crop, flip and rotation; stored images to (N, 3, S, S) in [0, 1]."""
    if crop or settings.flip:
        crop = crop or Crop(images.shape[1], 1.0, 1.0, 1.0)
        boxes = crops(random, images.shape[1], (crop.smallest, crop.largest), crop.aspect)
        views = resized_crop(images, boxes, random.chosen(settings.flip), size=crop.size)
    else:
        views = images.permute(0, 3, 1, 2).contiguous().float()
    views = views.div_(2 * LEVELS)
    if settings.rotation:
        views = rotate(views, random.uniform(-settings.rotation, settings.rotation))
    return views


def _colored(views: Tensor, settings: Views, random: Random) -> Tensor:
    """Jitter, grey, blur and solarization of (N, 3, S, S) in [0, 1], which may be overwritten."""
    if settings.jitter:
        change, chosen = partial(jitter, turned=settings.jitter.hue > 0), random.chosen(settings.jitter.probability)
        views = _changed(views, chosen, change, factors(random, settings.jitter), orders(random))
    if settings.grey:
        views = _changed(views, random.chosen(settings.grey), grey)
    if settings.blur:
        change = partial(blur, radius=math.ceil(3 * settings.blur.sigma))
        sigma = random.uniform(LEAST_SIGMA, settings.blur.sigma)
        views = _changed(views, random.chosen(settings.blur.probability), change, sigma)
    if settings.solarize:
        views = _changed(views, random.chosen(settings.solarize), solarize)
    return views


def _noisy(views: Tensor, settings: Views, random: Random) -> Tensor:
    """Gaussian noise on (N, 3, S, S) in [-1, 1], which it may leave and which is overwritten; its strength is uniform
    up to the largest."""
    if not settings.noise:
        return views
    noise = random.normal(*views.shape[1:])
    return views.addcmul_(noise, _wide(random.uniform(0, settings.noise)))


def _changed(images: Tensor, chosen: Tensor, change: Callable[..., Tensor], *parameters: Tensor) -> Tensor:
    """``change(images, *parameters)`` where ``chosen`` (N,), elsewhere the images as they are; may overwrite them."""
    way = _change_chosen if images.is_cpu else _change_all_and_choose
    return way(images, chosen, change, *parameters)


def _change_chosen(images: Tensor, chosen: Tensor, change: Callable[..., Tensor], *parameters: Tensor) -> Tensor:
    for part in chosen.nonzero()[:, 0].split(PART):
        images.index_copy_(0, part, change(images[part], *(parameter[part] for parameter in parameters)))
    return images


def _change_all_and_choose(
    images: Tensor, chosen: Tensor, change: Callable[..., Tensor], *parameters: Tensor
) -> Tensor:
    """For a GPU, which would have to be waited for to learn how many are chosen."""
    return torch.where(_wide(chosen), change(images, *parameters), images)


def _wide(parameter: Tensor) -> Tensor:
    """(N,) to (N, 1, 1, 1)."""
    return parameter[:, None, None, None]


def crops(random: Random, size: int, shares: tuple[float, float], widest: float) -> Tensor:
    """Random boxes (N, 4) of whole pixels in float: top, left, height, width.

    The area is uniform between two ``shares`` of the image and the logarithm of the aspect uniform between those of
    1 / ``widest`` and ``widest``; of ten such boxes the first that fits is taken, and the whole image where none does
    or the smaller share is 1; its place is uniform.
    """
    if shares[0] == 1:
        whole = torch.full((random.kept, 2), float(size), device=random.generator.device)
        return F.pad(whole, (2, 0))
    area = random.uniform(*shares, ATTEMPTS) * size**2
    aspect = random.uniform(-math.log(widest), math.log(widest), ATTEMPTS).exp()
    sides = torch.stack([(area / aspect).sqrt().round(), (area * aspect).sqrt().round()], 2)  # (N, attempts, 2)
    sides = F.pad(sides, (0, 0, 0, 1), value=size)  # a last attempt that always fits
    fits = ((sides > 0) & (sides <= size)).all(2)
    first = fits.int().argmax(1)  # of several equal ones argmax names the first
    sides = sides.gather(1, first[:, None, None].expand(-1, 1, 2))[:, 0]  # (N, 2)
    start = (random.uniform(0, 1, 2) * (size - sides + 1)).floor()
    return torch.cat([start, sides], 1)


def factors(random: Random, settings: Jitter) -> Tensor:
    """Random (N, 4) of brightness, contrast and saturation about 1 but not below 0, and of hue in turns about 0."""
    strengths = (settings.brightness, settings.contrast, settings.saturation)
    columns = [random.uniform(max(0.0, 1 - strength), 1 + strength) for strength in strengths]
    return torch.stack([*columns, random.uniform(-settings.hue, settings.hue)], 1)


def orders(random: Random) -> Tensor:
    """Random permutations (N, 4) of 0 to 3, all equally likely."""
    return random.uniform(0, 1, 4).argsort(1)


def resized_crop(images: Tensor, boxes: Tensor, flip: Tensor, size: int) -> Tensor:
    """``boxes`` (N, 4) of images (N, S, S, 3) of any type, brought to (N, 3, size, size) float in the same units,
    mirrored where ``flip`` (N,).

    Bilinear interpolation is linear and separable, so two products with matrices do all of it. Where S is a power of
    two up to 32 and pixels are whole numbers up to 255, as stored, float32 holds every sum exactly: what is neither
    enlarged nor mirrored stays as it is to the bit.
    """
    count, before = images.shape[:2]
    top, left, height, width = boxes.unbind(1)
    place = torch.arange(size, device=images.device, dtype=torch.float32).expand(count, size)
    rows = _bilinear(place, top, height, before)
    columns = _bilinear(torch.where(flip[:, None], size - 1 - place, place), left, width, before)
    views = torch.bmm(rows, images.float().flatten(2)).view(count, size, before, 3)
    views = views.permute(0, 3, 1, 2).reshape(count, 3 * size, before)
    return torch.bmm(views, columns.transpose(1, 2)).view(count, 3, size, size)


def _bilinear(place: Tensor, start: Tensor, length: Tensor, before: int) -> Tensor:
    """Weights (N, S, before) of the pixels of a line for ``place`` (N, S) of its stretch from ``start`` (N,) on,
    brought from ``length`` (N,) to S; pixels outside the stretch count nothing, as in `F.interpolate` of a cut-out."""
    size = place.shape[1]
    if size < before:
        return _shrunk(place, start, length, before)
    source = (place + 0.5) * (length / size)[:, None] - 0.5
    source = torch.minimum(source.clamp_(min=0), length[:, None] - 1) + start[:, None]
    pixels = torch.arange(before, device=place.device)
    return (source[:, :, None] - pixels).abs_().neg_().add_(1).clamp_(min=0)


def _shrunk(place: Tensor, start: Tensor, length: Tensor, before: int) -> Tensor:
    """`_bilinear` where a stretch may shrink: each place is a mean over all pixels that it stands for."""
    ratio = (length / place.shape[1])[:, None]
    source = ((place + 0.5) * ratio - 0.5 + start[:, None])[:, :, None]
    pixels = torch.arange(before, device=place.device)
    inside = (pixels >= start[:, None]) & (pixels < (start + length)[:, None])
    weights = (1 - (source - pixels).abs() / ratio.clamp(min=1)[:, :, None]).clamp_(min=0) * inside[:, None]
    return weights / weights.sum(2, keepdim=True)


def rotate(images: Tensor, angle: Tensor) -> Tensor:
    """Turned about the centre by ``angle`` (N,) degrees counter-clockwise; bilinear.

    The border is repeated, where torchvision puts black: the wedges would tell the angle to the network.
    """
    size = images.shape[3]
    offset = torch.arange(size, device=images.device) - (size - 1) / 2
    x, y = offset[None, None, :], offset[None, :, None]
    radians = torch.deg2rad(angle)[:, None, None]
    cos, sin = radians.cos(), radians.sin()
    grid = torch.stack([cos * x - sin * y, sin * x + cos * y], 3) * (2 / size)  # (N, S, S, 2), y pointing down
    return F.grid_sample(images, grid, mode="bilinear", padding_mode="border", align_corners=False)


def jitter(images: Tensor, factors: Tensor, order: Tensor, turned: bool = True) -> Tensor:
    """Brightness, contrast, saturation and hue by ``factors`` (N, 4), for each image in its own ``order`` (N, 4); hue
    is left alone unless ``turned``.

    Hue is dear, and the other three are one cheap formula. So all images pass the places before hue, then hue, then the
    places after it; where an image's order has nothing to do there the factor is 1, which changes no bit.
    """
    factor = factors.gather(1, order)  # (N, place)
    place = torch.arange(4, device=images.device)
    hue_place = (order == HUE).int().argmax(1, keepdim=True)
    before, after = factor.where(place < hue_place, 1.0), factor.where(place > hue_place, 1.0)
    for k in (0, 1, 2):
        images = blend(images, before[:, k], order[:, k])
    if turned:
        images = hue(images, factors[:, HUE])
    for k in (1, 2, 3):
        images = blend(images, after[:, k], order[:, k])
    return images


def blend(images: Tensor, factor: Tensor, kind: Tensor) -> Tensor:
    """``factor`` (N,) parts of each image and 1 - ``factor`` of black, of the mean of its grey or of its grey, as
    ``kind`` (N,) is `BRIGHTNESS`, `CONTRAST` or `SATURATION`; clipped to [0, 1]."""
    light = _light(images)
    mean = light.mean((1, 2, 3), keepdim=True)
    rest = 1 - factor
    towards = torch.addcmul(_wide(rest * (kind == CONTRAST)) * mean, _wide(rest * (kind == SATURATION)), light)
    return torch.addcmul(towards, images, _wide(factor)).clamp_(0, 1)


def hue(images: Tensor, turns: Tensor) -> Tensor:
    """The hue moved by ``turns`` (N,) of the color circle, at the saturation and value that HSV gives.

    On the hexagon of HSV, with red at 0, green at 2 and blue at 4 of 6, a color lies 2 + (g + b - r - v) / chroma from
    red, on green's side where g >= b; and a channel is below the value v by chroma times its distance from the color
    less 1, clipped to [0, 1]. This is torchvision's way through HSV and back with the cases and divisions taken out.
    """
    red, green, blue = images.unbind(1)
    value = images.amax(1)  # (N, S, S)
    chroma = value - images.amin(1)
    from_red = (green + blue).sub_(red).sub_(value).div_(chroma.clamp(min=1e-12)).add_(2)  # a grey's is of no effect
    place = from_red.copysign_(green - blue).add_(6 * turns[:, None, None])
    centres = 2 * torch.arange(3, device=images.device)[:, None, None]
    distance = place[:, None] - centres  # (N, 3, S, S)
    distance = distance.sub_((distance / 6).round_(), alpha=6).abs_()  # the shorter way round
    return torch.addcmul(value[:, None], distance.sub_(1).clamp_(0, 1), chroma[:, None], value=-1)


def grey(images: Tensor) -> Tensor:
    """Three equal channels."""
    return _light(images).expand_as(images)


def _light(images: Tensor) -> Tensor:
    """Luma of ITU-R BT.601 with torchvision's rounding of its weights, (N, 1, S, S)."""
    red, green, blue = images.unbind(1)
    return (red * 0.2989).add_(green, alpha=0.587).add_(blue, alpha=0.114)[:, None]


def blur(images: Tensor, sigma: Tensor, radius: int) -> Tensor:
    """Gaussian blur with standard deviation ``sigma`` (N,) in pixels, the border reflected.

    The kernel reaches ``radius`` pixels to each side, but never beyond the image. `random_views` makes it three of the
    largest standard deviations: as a product with matrices its width costs nothing, and the usual tenth of the image
    would be 3 pixels, which cuts most of a wide Gaussian off.
    """
    size = images.shape[3]
    distance = torch.arange(2 * size - 1, device=images.device)
    kernel = torch.exp(-0.5 * (distance / sigma[:, None]) ** 2) * (distance <= min(radius, size - 1))
    kernel = kernel / (2 * kernel.sum(1, keepdim=True) - kernel[:, :1])  # (N, distance), both sides sum to 1
    both_sides = torch.cat([kernel[:, 1:size].flip(1), kernel[:, :size]], 1)
    matrix = both_sides.unfold(1, size, 1).flip(1)  # (N, S, S): the kernel at the distance of row and column
    mirrored = kernel.unfold(1, size, 1)  # and at their sum, which is the distance by way of the first pixel
    matrix[:, :, 1:] += mirrored[:, :, 1:]  # the first pixel itself has no mirror image
    matrix[:, :, :-1] += mirrored.flip(1, 2)[:, :, :-1]
    return matrix[:, None] @ images @ matrix[:, None].mT


def solarize(images: Tensor) -> Tensor:
    """Inverted where above one half."""
    return torch.minimum(images, 1 - images)
