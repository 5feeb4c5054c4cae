"""Edge collapses on an oriented manifold, compiled: whether one is allowed, and doing it.

The mesh is `faces` (flat: `corner[h]` is where half-edge h starts), `opposite` (its twin, -1 at a boundary) and `out`
(a half-edge that leaves each vertex, the boundary one if there is one), all changed in place. An edge goes by the
smaller of its half-edges (its only one at a boundary).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..compiled import njit
from .halfedges import following, preceding

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

# A face may turn by at most so much in a collapse (cosine).
_LEAST_COSINE = 0.2


@njit(cache=True)
def edge_of(half_edge: int, opposite: IntArray) -> int:
    """The name of a half-edge's edge."""
    return min(half_edge, opposite[half_edge]) if opposite[half_edge] >= 0 else half_edge


@njit(cache=True)
def settle(half_edge: int, corner: IntArray, opposite: IntArray, out: IntArray) -> None:
    """Set `out` of the vertex that a half-edge leaves: back clockwise to the boundary, if there is one."""
    walk = half_edge
    while opposite[walk] >= 0:
        walk = following(opposite[walk])
        if walk == half_edge:
            break
    out[corner[half_edge]] = walk


@njit(cache=True)
def is_allowed(half_edge: int, corner: IntArray, opposite: IntArray, out: IntArray, mark: IntArray) -> bool:
    """Whether collapsing an edge leaves a simplicial manifold of the same topology (the link condition).

    `mark` (V,) is scratch: -1 before and after.
    """
    twin = opposite[half_edge]
    u, v = corner[half_edge], corner[following(half_edge)]
    u_is_open, v_is_open = opposite[out[u]] < 0, opposite[out[v]] < 0
    if twin >= 0 and u_is_open and v_is_open:
        return False
    if twin < 0 and opposite[following(half_edge)] < 0 and opposite[preceding(half_edge)] < 0:
        return False
    if twin >= 0 and not u_is_open and not v_is_open and _valence(u, opposite, out) == 3 == _valence(v, opposite, out):
        return False
    # The vertices next to both ends: those of the edge's own faces and no others.
    _mark_around(u, half_edge, corner, opposite, out, mark)
    n_common = 0
    walk = out[v]
    while True:
        before = preceding(walk)
        n_common += mark[corner[following(walk)]] == half_edge
        if opposite[before] < 0:
            n_common += mark[corner[before]] == half_edge
        walk = opposite[before]
        if walk < 0 or walk == out[v]:
            break
    _mark_around(u, -1, corner, opposite, out, mark)
    return n_common == (1 if twin < 0 else 2)


@njit(cache=True)
def _mark_around(vertex: int, value: int, corner: IntArray, opposite: IntArray, out: IntArray, mark: IntArray) -> None:
    """Write a value to the `mark` of each neighbour of a vertex."""
    walk = out[vertex]
    while True:
        before = preceding(walk)
        mark[corner[following(walk)]] = value
        mark[corner[before]] = value
        walk = opposite[before]
        if walk < 0 or walk == out[vertex]:
            break


@njit(cache=True)
def collapse(half_edge: int, corner: IntArray, opposite: IntArray, out: IntArray, alive: BoolArray) -> None:
    """Merge the end of a half-edge into its start."""
    u, v = corner[half_edge], corner[following(half_edge)]
    twin = opposite[half_edge]
    walk = out[v]
    while True:
        corner[walk] = u
        walk = opposite[preceding(walk)]
        if walk < 0 or walk == out[v]:
            break
    out[v] = -1
    kept = -1
    for side in (half_edge, twin):
        if side < 0:
            continue
        alive[side // 3] = False
        left, right = opposite[following(side)], opposite[preceding(side)]
        if left >= 0:
            opposite[left] = right
        if right >= 0:
            opposite[right] = left
    for side in (half_edge, twin):
        if side < 0:
            continue
        apex_leaver = _leaver(opposite[following(side)], opposite[preceding(side)], corner[preceding(side)], corner)
        settle(apex_leaver, corner, opposite, out)
        kept = _leaver(opposite[following(side)], opposite[preceding(side)], u, corner)
    settle(kept, corner, opposite, out)


@njit(cache=True)
def _leaver(first: int, second: int, vertex: int, corner: IntArray) -> int:
    """A half-edge that leaves a vertex at one end of an edge, given the edge's half-edges (one may be -1)."""
    for half_edge in (first, second):
        if half_edge >= 0:
            return half_edge if corner[half_edge] == vertex else following(half_edge)
    return -1


@njit(cache=True)
def _valence(vertex: int, opposite: IntArray, out: IntArray) -> int:
    """Faces around an inner vertex."""
    n, walk = 1, opposite[preceding(out[vertex])]
    while walk != out[vertex]:
        n += 1
        walk = opposite[preceding(walk)]
    return n


@njit(cache=True)
def flips(
    vertex: int,
    other: int,
    spot: FloatArray,
    vertices: FloatArray,
    corner: IntArray,
    opposite: IntArray,
    out: IntArray,
) -> bool:
    """Whether a face of `vertex` that does not touch `other` turns over, or nearly, when the vertex moves to `spot`."""
    p = vertices[vertex]
    walk = out[vertex]
    while True:
        b, c = corner[following(walk)], corner[preceding(walk)]
        if b != other and c != other:
            q, r = vertices[b], vertices[c]
            x0, x1, x2 = r[0] - q[0], r[1] - q[1], r[2] - q[2]
            y0, y1, y2 = p[0] - q[0], p[1] - q[1], p[2] - q[2]
            z0, z1, z2 = spot[0] - q[0], spot[1] - q[1], spot[2] - q[2]
            m0, m1, m2 = x1 * y2 - x2 * y1, x2 * y0 - x0 * y2, x0 * y1 - x1 * y0
            n0, n1, n2 = x1 * z2 - x2 * z1, x2 * z0 - x0 * z2, x0 * z1 - x1 * z0
            product = m0 * n0 + m1 * n1 + m2 * n2
            lengths = np.sqrt((m0 * m0 + m1 * m1 + m2 * m2) * (n0 * n0 + n1 * n1 + n2 * n2))
            if product < _LEAST_COSINE * lengths:
                return True
        walk = opposite[preceding(walk)]
        if walk < 0 or walk == out[vertex]:
            return False
