"""Which faces are glued to each other across each edge of a mesh."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..compiled import njit
from .halfedges import by_edge, edge_starts
from .vectors import unit_vectors

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

# Faces at one edge beyond which they are paired in angular order; below, every pair is weighed.
_MOST_WEIGHED = 32
# A pair whose orientations contradict each other counts as folded by this much more (radians).
_CONTRADICTION = np.pi / 2


def pair_half_edges(points: FloatArray, faces: IntArray) -> IntArray:
    """The half-edge glued to each half-edge, in whatever direction it runs.

    Parameters
    ----------
    points : (V, 3) float64
    faces : (F, 3) int64
        Three different vertices each.

    Returns
    -------
    partner : (3 F,) int64
        -1 where a half-edge stays alone; `partner[partner[h]] == h` elsewhere.

    Notes
    -----
    Two faces at an edge are a pair. Of more, seen along the edge:

    - if they alternately begin and end a solid, going round, each solid keeps its own two faces, so that solids that
      touch along the edge come apart as solids;
    - else the flattest pairs whose orientations agree go together, so that sheets that cross stay sheets, and a
      sheet that ends on another one leaves it in one piece.
    """
    start, end = faces.ravel(), np.roll(faces, -1, axis=1).ravel()
    order = by_edge(start, end)
    starts = np.append(edge_starts(start, end, order), len(order))
    sizes = np.diff(starts)
    partner = np.full(len(start), -1)
    doubles = starts[:-1][sizes == 2]
    partner[order[doubles]] = order[doubles + 1]
    partner[order[doubles + 1]] = order[doubles]
    is_crowded = sizes > 2
    if is_crowded.any():
        crowd = order[np.repeat(is_crowded, sizes)]
        bounds = np.concatenate([[0], np.cumsum(sizes[is_crowded])])
        crowd, angle, closes = _around(points, faces, crowd, bounds)
        _pair_crowds(crowd, angle, closes, bounds, partner)
    return partner


def _around(
    points: FloatArray, faces: IntArray, crowd: IntArray, bounds: IntArray
) -> tuple[IntArray, FloatArray, NDArray[np.bool_]]:
    """Half-edges in the order in which their faces stand around their edge, going round counter-clockwise.

    Parameters
    ----------
    points, faces : (V, 3) float64, (F, 3) int64
    crowd : (N,) int64
        Half-edges; those of edge i are `crowd[bounds[i]:bounds[i + 1]]`.
    bounds : (E + 1,) int64

    Returns
    -------
    crowd : (N,) int64
        Within each edge by angle; among equals, ends of solids come before beginnings.
    angle : (N,) float64
        Of each face, radians.
    closes : (N,) bool
        Whether a face ends a solid, going round.
    """
    start, end, apex = faces.ravel()[crowd], np.roll(faces, -1, 1).ravel()[crowd], np.roll(faces, 1, 1).ravel()[crowd]
    edge = np.repeat(np.arange(len(bounds) - 1), np.diff(bounds))
    first = start[bounds[:-1]]
    axis = unit_vectors(points[end[bounds[:-1]]] - points[first])
    # Any direction across the axis: made from the coordinate axis that it leans to least.
    across = np.eye(3)[np.abs(axis).argmin(axis=1)]
    across = unit_vectors(np.cross(axis, across))
    along = np.cross(axis, across)
    arm = points[apex] - points[first[edge]]
    angle = np.arctan2(np.einsum("nx,nx->n", arm, along[edge]), np.einsum("nx,nx->n", arm, across[edge]))
    # A face that runs along the axis has its normal a quarter turn ahead, and its inside behind it.
    closes = start == first[edge]
    turn = np.lexsort((~closes, angle, edge))
    return crowd[turn], angle[turn], closes[turn]


@njit(cache=True)
def _pair_crowds(
    crowd: IntArray, angle: FloatArray, closes: NDArray[np.bool_], bounds: IntArray, partner: IntArray
) -> None:
    """Fill in `partner` at the edges of more than two faces, given as `_around` gives them."""
    for edge in range(len(bounds) - 1):
        here = slice(bounds[edge], bounds[edge + 1])
        if _alternates(closes[here]):
            _pair_neighbours(crowd[here], 1 if closes[here][0] else 0, partner)
        elif bounds[edge + 1] - bounds[edge] > _MOST_WEIGHED:
            _pair_neighbours(crowd[here], 0, partner)
        else:
            _pair_flattest(crowd[here], angle[here], closes[here], partner)


@njit(cache=True)
def _alternates(closes: NDArray[np.bool_]) -> bool:
    if len(closes) % 2:
        return False
    for i in range(len(closes)):
        if closes[i] == closes[i - 1]:
            return False
    return True


@njit(cache=True)
def _pair_neighbours(half_edges: IntArray, shift: int, partner: IntArray) -> None:
    """Pairs of neighbours in angular order, from the face at `shift` on; the odd one out stays alone."""
    n = len(half_edges)
    for i in range(0, n - 1, 2):
        first, second = half_edges[(i + shift) % n], half_edges[(i + 1 + shift) % n]
        partner[first], partner[second] = second, first


@njit(cache=True)
def _pair_flattest(half_edges: IntArray, angle: FloatArray, closes: NDArray[np.bool_], partner: IntArray) -> None:
    """Greedily the pairs that are folded least."""
    n = len(half_edges)
    fold = np.full((n, n), np.inf)
    for i in range(n):
        for j in range(i + 1, n):
            fold[i, j] = np.abs(np.pi - np.abs(angle[i] - angle[j]))
            if closes[i] == closes[j]:
                fold[i, j] += _CONTRADICTION
    for _ in range(n // 2):
        best = np.argmin(fold)
        i, j = best // n, best % n
        partner[half_edges[i]], partner[half_edges[j]] = half_edges[j], half_edges[i]
        for k in (i, j):
            fold[k, :] = np.inf
            fold[:, k] = np.inf
