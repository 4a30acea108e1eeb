"""Features from k-means on patches (Coates, Lee and Ng 2011).

Patches of the training images are contrast-normalised (their section 3.1.1), whitened and clustered (3.2); every patch
of an image is encoded by how much nearer than the mean it is to each centroid (the triangle code, 3.2), and the image
by the mean of the codes over each of four quadrants (3.3; theirs is a sum). The embedding is the leading principal
components of the standardised features, whitened.

N images, P patches of p = 3 x size x size pixels, K centroids, L = 33 - size places a side.
"""

from typing import Any

import numpy as np
from pydantic import NonNegativeInt, PositiveFloat, PositiveInt

from visrep.data.store import SIZE, sample
from visrep.errors import Failure
from visrep.representations import axes
from visrep.representations.axes import Arrays
from visrep.settings.base import Section
from visrep.settings.representations import Encoder

ROUNDS = 10  # of k-means: more change results by less than another seed does
AT_ONCE = 2  # images whose codes are held at a time: they stay in a processor's cache


class Settings(Section):
    seed: NonNegativeInt
    size: PositiveInt
    centroids: PositiveInt
    patches: PositiveInt
    images: PositiveInt
    contrast: PositiveFloat
    whitening: PositiveFloat


def fit(images: np.ndarray, settings: Settings, encoder: Encoder) -> tuple[Arrays, dict[str, Any]]:
    """As many axes as the ``encoder`` has dimensions. Raises `Failure` where the images are too few for that, or for
    the centroids."""
    config = {"kind": "patches", "size": settings.size, "contrast": settings.contrast}
    arrays = dictionary(images, settings)
    some = images[sample(len(images), settings.images, settings.seed)]
    moments = axes.moments(features(block, arrays, config)[None] for block in axes.blocks(some))
    return arrays | axes.principal(moments, encoder.dimensions, standardised=True, whitened=True), config


def dictionary(images: np.ndarray, settings: Settings) -> Arrays:
    """The mean ``offset`` (p,) of normalised patches, their ``whitening`` (p, p) and the ``centroids`` (K, p)."""
    import faiss  # here, since computing features does not need it

    if settings.size > SIZE:
        raise Failure(f"baselines.patches.size is {settings.size}, but images have {SIZE} pixels a side")
    if settings.centroids > settings.patches:
        raise Failure(f"baselines.patches: {settings.centroids} centroids need more than {settings.patches} patches")
    random = np.random.default_rng(settings.seed)
    normal = normalised(_patches(images, settings, random), settings.contrast)
    offset = normal.mean(0, dtype=np.float64)
    values, vectors = np.linalg.eigh(np.cov(normal.T, dtype=np.float64))
    whitening = (vectors / np.sqrt(values.clip(0) + settings.whitening)).astype(np.float32)
    points = ((normal - offset) @ whitening).astype(np.float32)
    kmeans = faiss.Kmeans(
        points.shape[1],
        settings.centroids,
        niter=ROUNDS,
        seed=int(random.integers(2**31)),
        min_points_per_centroid=1,
        max_points_per_centroid=len(points),
    )
    kmeans.train(points)
    return {"offset": offset.astype(np.float32), "whitening": whitening, "centroids": kmeans.centroids}


def _patches(images: np.ndarray, settings: Settings, random: np.random.Generator) -> np.ndarray:
    """(P, p) float32, of random places in random images."""
    ends = (len(images), *[SIZE + 1 - settings.size] * 2)
    which, down, across = (random.integers(0, end, settings.patches) for end in ends)
    return _windows(images, settings.size)[which, down, across].reshape(settings.patches, -1).astype(np.float32)


def _windows(images: np.ndarray, size: int) -> np.ndarray:
    """(N, L, L, size, 3 x size), a view: the rows of each patch, pixel by pixel."""
    rows = images.reshape(len(images), SIZE, 3 * SIZE)
    return np.lib.stride_tricks.sliding_window_view(rows, (size, 3 * size), (1, 2))[:, :, ::3]


def normalised(patches: np.ndarray, contrast: float) -> np.ndarray:
    """(P, p) float32, each less its mean and divided by its deviation, to whose square ``contrast`` is added."""
    centred: np.ndarray = patches - patches.mean(1, keepdims=True)
    centred /= np.sqrt(np.square(centred).mean(1, keepdims=True) + np.float32(contrast))
    return centred


def features(images: np.ndarray, arrays: Arrays, config: dict[str, Any]) -> np.ndarray:
    """(N, 32, 32, 3) uint8, or float in grey levels, to (N, 4 K) float32, quadrant by quadrant.

    Patches are normalised after they are whitened, which is the same where the whitening takes the mean away. One
    product gives all squared distances: (w, |w|^2, 1) with (-2 c, 1, |c|^2). Where L is odd the quadrants share the
    middle row and column.
    """
    centroids, whitening = arrays["centroids"], arrays["whitening"] - arrays["whitening"].mean(0)
    offset, (count, p) = arrays["offset"] @ arrays["whitening"], centroids.shape
    ones, lengths = np.ones((count, 1), np.float32), np.square(centroids).sum(1, keepdims=True)
    lifted = np.ascontiguousarray(np.hstack([-2 * centroids, ones, lengths]).T)
    places = SIZE + 1 - config["size"]
    quadrants = _quadrants(places)  # (4, L x L)
    described = np.empty((len(images), 4, count), np.float32)
    points = np.ones((AT_ONCE * places**2, p + 2), np.float32)
    codes = np.empty((len(points), count), np.float32)
    for start in range(0, len(images), AT_ONCE):
        some = images[start : start + AT_ONCE].astype(np.float32)
        patches = _windows(some, config["size"]).reshape(-1, p)
        here, code = points[: len(patches)], codes[: len(patches)]
        variance = np.einsum("pi,pi->p", patches, patches) / p - np.square(patches.mean(1))
        white = patches @ whitening / np.sqrt(variance.clip(0) + np.float32(config["contrast"]))[:, None] - offset
        here[:, :p], here[:, p] = white, np.einsum("pi,pi->p", white, white)
        np.matmul(here, lifted, out=code)
        np.sqrt(np.maximum(code, 0, out=code), out=code)
        np.subtract(code.mean(1, keepdims=True), code, out=code)
        np.maximum(code, 0, out=code)
        np.matmul(quadrants, code.reshape(len(some), -1, count), out=described[start : start + AT_ONCE])
    return described.reshape(len(images), -1)


def _quadrants(places: int) -> np.ndarray:
    """(4, L x L) float32: the weight of each place in the mean over each quadrant."""
    half = (places + 1) // 2
    sides = np.zeros((2, places), np.float32)
    sides[0, :half] = sides[1, places - half :] = 1 / half
    weights: np.ndarray = np.einsum("ay,bx->abyx", sides, sides).reshape(4, -1)
    return weights
