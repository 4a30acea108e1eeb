"""Nearest and farthest by Euclidean distance, exactly.

Q queries (Q, D), N references (N, D), k found for each query out of C candidates.

faiss proposes a few candidates more than k in float32, which takes nearly all of the time. Their distances are computed
anew in float64, and a bound on the error of float32 tells whether any other reference could belong among the k. The few
queries for which one could are searched again in float64. That is about 20 times slower, and needed only where more
references than candidates are equally far or nearly so; queries that are equal share it.
"""

from typing import NamedTuple

import faiss
import numpy as np
from scipy.spatial.distance import cdist

from visrep.errors import Failure

MARGIN = 6  # candidates beyond k, and an eighth of k: then the bound settles all queries of an ordinary embedding
BLOCK = 1 << 18  # float64 numbers held at once while distances are computed directly; they stay in the cache
ROUNDING = 2.0**-24  # largest relative error of one operation in float32
VANISHING = 2.0**-126  # below it numbers in float32 lose digits

faiss.cvar.distance_compute_blas_query_bs = 1024  # a block of its products fits the cache: 3 % faster, same candidates


class Found(
    NamedTuple("Found", [("index", np.ndarray), ("distance", np.ndarray)])
):  # a field of this name hides `tuple.index`
    """``index`` (Q, k) int64 into the references; ``distance`` (Q, k) float64."""


class _Proposed(NamedTuple):
    """``candidates`` (Q, C), their indices. In faiss's units, ``scale`` times ours: ``bound`` (Q,), the squared
    distance in float32 that no other reference beats; ``length`` (Q,) of the centred queries."""

    candidates: np.ndarray
    scale: float
    bound: np.ndarray
    length: np.ndarray


def nearest(queries: np.ndarray, references: np.ndarray, k: int, *, itself: bool = False) -> Found:
    """The k nearest references of each query, by distance and then by index.

    With ``itself`` the queries are the references, and row i never finds reference i; its duplicates it does. The
    distances are sums of squared differences in float64, so equal references tie exactly. Raises `Failure` where fewer
    than k references remain, or where a value is not finite.
    """
    own = np.arange(len(queries)) if itself else np.full(len(queries), -1)
    if itself and len(queries) != len(references):
        raise ValueError(f"{len(queries)} queries are not the {len(references)} references")
    return _found(queries, references, k, 1, own)


def farthest(queries: np.ndarray, references: np.ndarray, k: int) -> Found:
    """The k farthest references of each query, farthest first and then by index; otherwise as `nearest`."""
    return _found(queries, references, k, -1, np.full(len(queries), -1))


def _found(queries: np.ndarray, references: np.ndarray, k: int, sign: int, own: np.ndarray) -> Found:
    """The first k by ``sign`` times the distance, where query i leaves out the reference ``own[i]``."""
    if queries.ndim != 2 or references.ndim != 2 or queries.shape[1] != references.shape[1] or k < 1:
        raise ValueError(f"k is {k}, queries are {queries.shape}, references {references.shape}")
    remain = len(references) - int((own >= 0).any())
    if remain < k:
        raise Failure(f"{k} neighbors of each image are needed, but there are only {remain} images")
    count = min(k + k // 8 + MARGIN, len(references))
    proposed = _proposed(queries, references, count, sign)
    best = _best(queries, references, proposed.candidates, k, sign, own)
    unsure = np.flatnonzero(~_settled(proposed, best.distance[:, -1], queries.shape[1], sign))
    if len(unsure):
        distinct, which = np.unique(queries[unsure], axis=0, return_inverse=True)  # collapsed ones are few
        index = _searched(distinct, references, count, sign)[which]
        again = _best(queries[unsure], references, index, k, sign, own[unsure])
        best.index[unsure], best.distance[unsure] = again
    return best


def _proposed(queries: np.ndarray, references: np.ndarray, count: int, sign: int) -> _Proposed:
    """``count`` candidates by faiss, which computes |x|^2 - 2 q.x + |q|^2 in float32."""
    around, lines, exponent = _centred(references, queries)
    squared_length = np.einsum("qd,qd->q", lines, lines, dtype=np.float64)
    if sign > 0:
        squared, index = faiss.knn(lines, around, count)
    else:  # the largest |x|^2 - 2 q.x is the largest product of (x, |x|^2) and (-2 q, 1)
        lifted = np.column_stack([around, np.einsum("nd,nd->n", around, around)])
        lines = np.column_stack([-2 * lines, np.ones(len(lines), np.float32)])
        product, index = faiss.knn(lines, lifted, count, faiss.METRIC_INNER_PRODUCT)
        squared = np.maximum(squared_length[:, None] + product, 0)
    bound = squared[:, -1].astype(np.float64) if count < len(references) else np.full(len(queries), sign * np.inf)
    return _Proposed(index, 2.0**exponent, bound, np.sqrt(squared_length))


def _centred(references: np.ndarray, queries: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """Both less the mean of the references, so that a cloud far from zero keeps its shape in float32, and times 2 to
    the exponent returned, so that no square overflows and few vanish."""
    middle = references.mean(0, dtype=np.float64)
    around = _moved(references, middle)
    lines = around if queries is references else _moved(queries, middle)
    parts = [around] if queries is references else [around, lines]
    largest = np.max([np.max([part.max(initial=0), -part.min(initial=0)]) for part in parts])
    if not np.isfinite(largest):
        raise Failure("embeddings with values that are not finite, or beyond float32, have no neighbors")
    exponent = -int(np.frexp(largest)[1])
    for part in parts:
        np.ldexp(part, exponent, out=part)
    return around, lines, exponent


def _moved(x: np.ndarray, middle: np.ndarray) -> np.ndarray:
    """x - middle in float32, rounded once, relative to the result. Too large a value becomes infinite."""
    x = x.astype(np.result_type(x, np.float32), copy=False)
    with np.errstate(over="ignore", invalid="ignore"):
        moved: np.ndarray = (x - middle.astype(x.dtype)).astype(np.float32, copy=False)
    return moved


def _settled(proposed: _Proposed, last: np.ndarray, dimensions: int, sign: int) -> np.ndarray:
    """(Q,) whether the distance ``last`` of the k-th found is beaten by no reference outside the candidates.

    |x|^2 - 2 q.x + |q|^2 in float32 errs by about D u (|x| + |q|)^2 at most (Higham 2002, section 3.1), where u is the
    largest relative error of one operation. A reference x as near as the k-th has |x| <= |q| + ``last``; the error of
    one that is farther grows more slowly than its squared distance.
    """
    last = last * proposed.scale
    error = (dimensions + 16) * (ROUNDING * (2 * proposed.length + last) ** 2 + VANISHING)
    settled: np.ndarray = sign * last**2 + error < sign * proposed.bound
    return settled


def _searched(queries: np.ndarray, references: np.ndarray, count: int, sign: int) -> np.ndarray:
    """(Q, C) the first candidates among all references, compared directly in float64, equal ones by index."""
    index = np.empty((len(queries), count), np.int64)
    references = references.astype(np.float64)
    rows = max(1, BLOCK // len(references))
    for start in range(0, len(queries), rows):
        part = slice(start, start + rows)
        squared = cdist(queries[part], references, "sqeuclidean")
        index[part] = np.argsort(sign * squared, axis=1, kind="stable")[:, :count]
    return index


def _best(queries: np.ndarray, references: np.ndarray, index: np.ndarray, k: int, sign: int, own: np.ndarray) -> Found:
    """The first k of the candidates ``index`` (Q, C) by distance, then index."""
    distance = _distances(queries, references, index)
    rank = np.where(index == own[:, None], np.inf, sign * distance)
    order = np.lexsort((index, rank))[:, :k]
    return Found(np.take_along_axis(index, order, 1), np.take_along_axis(distance, order, 1))


def _distances(queries: np.ndarray, references: np.ndarray, index: np.ndarray) -> np.ndarray:
    """(Q, C) distances of each query to its own candidates ``index`` (Q, C), in float64."""
    distance = np.empty(index.shape)
    rows = max(1, BLOCK // (index.shape[1] * references.shape[1]))
    for start in range(0, len(index), rows):
        part = slice(start, start + rows)
        difference = references[index[part]].astype(np.float64)  # (rows, C, D)
        difference -= queries[part, None]
        distance[part] = np.sqrt(np.vecdot(difference, difference))
    return distance
