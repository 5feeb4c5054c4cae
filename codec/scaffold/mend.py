"""Simpler topology, compiled: closing a hole that three edges bound, cutting a handle along three edges.

Both take place where a collapse would close or pinch the surface, and both add the triangle of the three edges: once to
fill a hole, twice (one for each side) to cap the ends of a handle.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..compiled import njit
from .halfedges import following, preceding

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

# Faces on each side of a loop among which a way round it is looked for.
_MOST_VISITED = 4000


@njit(cache=True)
def cap_cost(a: FloatArray, b: FloatArray, c: FloatArray) -> float:
    """The integral of the squared distance to its sides over a triangle with these corners (3,)."""
    ab0, ab1, ab2 = b[0] - a[0], b[1] - a[1], b[2] - a[2]
    ac0, ac1, ac2 = c[0] - a[0], c[1] - a[1], c[2] - a[2]
    bc0, bc1, bc2 = c[0] - b[0], c[1] - b[1], c[2] - b[2]
    n0, n1, n2 = ab1 * ac2 - ab2 * ac1, ab2 * ac0 - ab0 * ac2, ab0 * ac1 - ab1 * ac0
    area = np.sqrt(n0 * n0 + n1 * n1 + n2 * n2) / 2
    perimeter = np.sqrt(ab0 * ab0 + ab1 * ab1 + ab2 * ab2) + np.sqrt(ac0 * ac0 + ac1 * ac1 + ac2 * ac2)
    perimeter += np.sqrt(bc0 * bc0 + bc1 * bc1 + bc2 * bc2)
    radius = 2 * area / perimeter if perimeter > 0.0 else 0.0
    return area * radius * radius / 6


@njit(cache=True)
def hole_at(half_edge: int, corner: IntArray, opposite: IntArray, out: IntArray) -> int:
    """The third vertex of a hole of three edges that a boundary half-edge is one of; -1 if there is no such hole."""
    if opposite[half_edge] >= 0:
        return -1
    u, second = corner[half_edge], out[corner[following(half_edge)]]
    third = out[corner[following(second)]]
    if corner[following(third)] != u or corner[third] == corner[preceding(half_edge)]:
        return -1
    return corner[third]


@njit(cache=True)
def fill(half_edge: int, face: int, corner: IntArray, opposite: IntArray, out: IntArray, alive: BoolArray) -> None:
    """Fill the hole `hole_at` a boundary half-edge with a face that is not alive."""
    second = out[corner[following(half_edge)]]
    third = out[corner[following(second)]]
    u, v, w = corner[half_edge], corner[second], corner[third]
    _set_face(face, (v, u, w), (half_edge, third, second), corner, opposite, alive)
    # No boundary is left at these vertices: any half-edge that leaves them will do, and those set are right.
    out[u], out[v], out[w] = half_edge, second, third


@njit(cache=True)
def _set_face(
    face: int,
    corners: tuple[int, int, int],
    twins: tuple[int, int, int],
    corner: IntArray,
    opposite: IntArray,
    alive: BoolArray,
) -> None:
    alive[face] = True
    for k in range(3):
        corner[3 * face + k] = corners[k]
        opposite[3 * face + k] = twins[k]
        opposite[twins[k]] = 3 * face + k


@njit(cache=True)
def handle_at(half_edge: int, corner: IntArray, opposite: IntArray, out: IntArray, mark: IntArray) -> int:
    """The third vertex of the only loop of three edges, but for faces, that an inner edge is part of; -1 if none.

    None of the three vertices is at the boundary. `mark` (V,) is scratch: -1 before and after.
    """
    twin = opposite[half_edge]
    u, v = corner[half_edge], corner[following(half_edge)]
    if twin < 0 or opposite[out[u]] < 0 or opposite[out[v]] < 0:
        return -1
    first = walk = out[u]
    while True:
        mark[corner[following(walk)]] = u
        walk = opposite[preceding(walk)]
        if walk == first:
            break
    found, n_found = -1, 0
    first = walk = out[v]
    while True:
        other = corner[following(walk)]
        if mark[other] == u and other != corner[preceding(half_edge)] and other != corner[preceding(twin)]:
            found, n_found = other, n_found + 1
        walk = opposite[preceding(walk)]
        if walk == first:
            break
    first = walk = out[u]
    while True:
        mark[corner[following(walk)]] = -1
        walk = opposite[preceding(walk)]
        if walk == first:
            break
    return found if n_found == 1 and opposite[out[found]] >= 0 else -1


@njit(cache=True)
def _between(start: int, end: int, corner: IntArray, opposite: IntArray, out: IntArray) -> int:
    """The half-edge from one inner vertex to another; -1 if there is none."""
    first = walk = out[start]
    while True:
        if corner[following(walk)] == end:
            return walk
        walk = opposite[preceding(walk)]
        if walk == first:
            return -1


@njit(cache=True)
def is_handle(half_edge: int, third: int, corner: IntArray, opposite: IntArray, out: IntArray, side: IntArray) -> bool:
    """Whether there is a way round the loop `handle_at` a half-edge, so that cutting along it leaves one part.

    `side` (F,) is scratch: 0 before and after.
    """
    u, v = corner[half_edge], corner[following(half_edge)]
    loop = (half_edge, _between(v, third, corner, opposite, out), _between(third, u, corner, opposite, out))
    queues = np.empty((2, _MOST_VISITED + 4), np.int64)
    sizes, done = np.zeros(2, np.int64), np.zeros(2, np.int64)
    for h in loop:
        for which, face in enumerate((h // 3, opposite[h] // 3)):
            if side[face] == 0:
                side[face] = which + 1
                queues[which, sizes[which]] = face
                sizes[which] += 1
    met = False
    while not met and done[0] < sizes[0] and done[1] < sizes[1] and max(sizes[0], sizes[1]) < _MOST_VISITED:
        for which in range(2):
            face = queues[which, done[which]]
            done[which] += 1
            for h in range(3 * face, 3 * face + 3):
                other = opposite[h]
                if other < 0 or h in loop or other in loop:
                    continue
                if side[other // 3] == 2 - which:
                    met = True
                elif side[other // 3] == 0:
                    side[other // 3] = which + 1
                    queues[which, sizes[which]] = other // 3
                    sizes[which] += 1
            if met or done[which] == sizes[which]:
                break
    for which in range(2):
        for i in range(sizes[which]):
            side[queues[which, i]] = 0
    return met


@njit(cache=True)
def cut(
    half_edge: int,
    third: int,
    copies: tuple[int, int, int],
    caps: tuple[int, int],
    corner: IntArray,
    opposite: IntArray,
    out: IntArray,
    alive: BoolArray,
) -> None:
    """Cut along the loop `handle_at` a half-edge; what is right of it gets copies of the vertices u, v and `third`.

    `copies` are vertices that are not in use, `caps` faces that are not alive.
    """
    u, v, w = corner[half_edge], corner[following(half_edge)], third
    uv, vw, wu = half_edge, _between(v, w, corner, opposite, out), _between(w, u, corner, opposite, out)
    vu, wv, uw = opposite[uv], opposite[vw], opposite[wu]
    _rename(vu, wv, copies[1], corner, opposite)
    _rename(wv, uw, copies[2], corner, opposite)
    _rename(uw, vu, copies[0], corner, opposite)
    _set_face(caps[0], (v, u, w), (uv, wu, vw), corner, opposite, alive)
    _set_face(caps[1], (copies[0], copies[1], copies[2]), (vu, wv, uw), corner, opposite, alive)
    out[u], out[v], out[w] = uv, vw, wu
    out[copies[0]], out[copies[1]], out[copies[2]] = uw, vu, wv


@njit(cache=True)
def _rename(leaving: int, arriving: int, name: int, corner: IntArray, opposite: IntArray) -> None:
    """Give a vertex another name in the faces from a half-edge that leaves it round to one that arrives."""
    walk = leaving
    while True:
        corner[walk] = name
        before = preceding(walk)
        if before == arriving:
            return
        walk = opposite[before]
