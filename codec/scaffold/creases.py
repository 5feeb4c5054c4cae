"""Creases as bits: which edges of a control mesh are sharp, for how many levels, and which vertices are corners.

The first bit says whether there is any crease or corner; then nothing follows for a mesh that has none. The second
says whether everything is sharp, as in a mesh that is meant as it is. Only then every inner edge is asked about, in the
order of `topology`, with what is known already at its ends and the angle between its faces.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...formats.errors import FormatError
from ..compiled import njit
from .integers import FRAME_BITS, TURN, angle, set_frame
from .subdivision import SHARP
from .symbols import ALL, ANY, FOR_EVER, IS_CORNER, IS_SHARP, MORE, N_CREASE, code_crease
from .topology import Topology

BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.int64]

_MOST_LEVELS = 3  # sharpness of a semi-sharp edge
_CONCAVE = 17  # what folds are raised by where they are concave


def code_creases(
    coder: Any, is_decoding: bool, mesh: Topology, points: IntArray, sharpness: NDArray[np.uint8], pinned: BoolArray
) -> tuple[NDArray[np.uint8], BoolArray]:
    """Code the creases of a mesh, or decode them.

    Parameters
    ----------
    coder : mixing.Coder
    is_decoding : bool
    mesh : Topology
    points : (V, 3) int64
    sharpness : (E,) uint8
        0, 1 to 3 or SHARP; ignored at the boundary and to decode.
    pinned : (V,) bool
        Ignored where the number of sharp edges is not two, and to decode.

    Returns
    -------
    sharpness : (E,) uint8
        0 at the boundary.
    pinned : (V,) bool

    Raises
    ------
    ValueError
        A sharpness that cannot be coded.
    FormatError
        Decoded are creases that an encoder says with fewer decisions.
    """
    sharpness = np.where(mesh.is_boundary, 0, sharpness).astype(np.uint8)
    if found := set(np.unique(sharpness).tolist()) - {0, 1, 2, 3, SHARP}:
        raise ValueError(f"sharpness of {found}")
    is_inner = ~mesh.is_boundary
    none = np.zeros(N_CREASE, np.int64)
    n_sharp = np.bincount(mesh.edges[(sharpness > 0) | ~is_inner].ravel(), minlength=mesh.n_vertices)
    # Pinning changes nothing elsewhere, see `Creased.kinds`.
    corners = pinned & (n_sharp == 2) & (mesh.valences > 2)
    if not code_crease(coder, ANY, none, int(sharpness.any() or corners.any())):
        return np.zeros_like(sharpness), np.zeros_like(corners)
    everything = is_inner.any() and (sharpness[is_inner] == SHARP).all()
    if code_crease(coder, ALL, none, int(everything)):
        if not is_inner.any():
            raise FormatError("control mesh: creases without an inner edge")
        sharpness = np.where(is_inner, SHARP, 0).astype(np.uint8)
        return sharpness, np.zeros_like(corners)
    levels, found_corners = code_each(coder, mesh, points, sharpness, corners)
    # With every edge sharp, no vertex is left that could be a corner.
    if not (levels.any() or found_corners.any()) or (is_inner.any() and (levels[is_inner] == SHARP).all()):
        raise FormatError("control mesh: creases that take fewer decisions")
    return levels, found_corners


def code_each(
    coder: Any, mesh: Topology, points: IntArray, sharpness: NDArray[np.uint8], corners: BoolArray
) -> tuple[NDArray[np.uint8], BoolArray]:
    """Code creases edge by edge and vertex by vertex; arguments and results as of `code_creases`."""
    levels, found_corners, is_inner = sharpness.astype(np.int64), corners.astype(np.int64), ~mesh.is_boundary
    folds = np.zeros(mesh.n_edges, np.int64)
    _set_folds(folds, mesh.edges, mesh.opposite, is_inner, points)
    may_be_corner = mesh.valences > 2
    _code(coder, mesh.edges, _around(mesh), *mesh.stars, folds, is_inner, points, levels, found_corners, may_be_corner)
    return levels.astype(np.uint8), found_corners.astype(bool)


def _around(mesh: Topology) -> IntArray:
    """(E, 4): the other edges of an edge's two faces; zeros at the boundary."""
    around, inner = np.zeros((mesh.n_edges, 4), np.int64), np.flatnonzero(~mesh.is_boundary)
    found = mesh.face_edges[mesh.edge_faces[inner]].reshape(-1, 6)
    around[inner] = found[found != inner[:, None]].reshape(-1, 4)
    return around


@njit(cache=True)
def _set_folds(folds: IntArray, edges: IntArray, opposite: IntArray, is_inner: BoolArray, points: IntArray) -> None:
    for i in range(len(edges)):
        if is_inner[i]:
            folds[i] = _fold(points, edges[i, 0], edges[i, 1], opposite[i, 0], opposite[i, 1])


@njit(cache=True)
def _end(edge: int, vertex: int, entries: IntArray, starts: IntArray, folds: IntArray, is_inner: BoolArray) -> int:
    """Of the edges at a vertex that are asked about after this one: how many, at most 3; and 4 if none folds more."""
    n, most = 0, 0
    for entry in entries[starts[vertex] : starts[vertex + 1]]:
        other = entry >> 1
        if other > edge and is_inner[other]:
            n += 1
            most = max(most, folds[other] % _CONCAVE)
    return min(n, 3) + (4 if folds[edge] % _CONCAVE >= most else 0)


@njit(cache=True)
def _code(
    coder: Any,
    edges: IntArray,
    around: IntArray,
    entries: IntArray,
    starts: IntArray,
    folds: IntArray,
    is_inner: BoolArray,
    points: IntArray,
    levels: IntArray,
    corners: IntArray,
    may_be_corner: BoolArray,
) -> None:
    """Code `levels` (E,) and `corners` (V,), or set them."""
    n_sharp = np.zeros(len(points), np.int64)
    sharp_to = np.full((len(points), 2), -1)  # the other ends of the last two sharp edges
    for i in range(len(edges)):
        if not is_inner[i]:
            _meet(n_sharp, sharp_to, edges[i, 0], edges[i, 1])
    contexts, last = np.zeros(N_CREASE, np.int64), np.int64(0)
    for i in range(len(edges)):
        if not is_inner[i]:
            continue
        low, high = edges[i, 0], edges[i, 1]
        fold, most, n_around = folds[i], np.int64(0), np.int64(0)
        for other in around[i]:
            most = max(most, folds[other] % _CONCAVE)
            n_around += 1 if not is_inner[other] or (other < i and levels[other]) else 0
        at_low, at_high = min(n_sharp[low], 3), min(n_sharp[high], 3)
        end_low = _end(i, low, entries, starts, folds, is_inner) * 3 + min(at_low, 2)
        end_high = _end(i, high, entries, starts, folds, is_inner) * 3 + min(at_high, 2)
        straight = max(_straightness(points, sharp_to, low, high), _straightness(points, sharp_to, high, low))
        contexts[0] = fold * 16 + at_low * 4 + at_high
        contexts[1] = straight * 16 + at_low * 4 + at_high
        contexts[2] = fold * 9 + straight
        contexts[3] = fold * 2 + (1 if last else 0)
        contexts[4] = end_low * 24 + end_high
        contexts[5] = (fold % _CONCAVE * _CONCAVE + most) * 3 + min(at_low + at_high, 2)
        contexts[6] = (end_low * 9 + (fold % _CONCAVE >> 1)) * 4 + at_high
        contexts[7] = (fold * 5 + n_around) * 5 + min(at_low + at_high, 4)
        level = levels[i]
        if code_crease(coder, IS_SHARP, contexts, 1 if level else 0):
            contexts[3] = min(last, _MOST_LEVELS + 1)
            if code_crease(coder, FOR_EVER, contexts, 1 if level == SHARP else 0):
                level = SHARP
            else:
                is_more = code_crease(coder, MORE, contexts, 1 if level > 1 else 0)
                contexts[0] = 1023
                level = 1 + (is_more + code_crease(coder, MORE, contexts, 1 if level > 2 else 0) if is_more else 0)
            _meet(n_sharp, sharp_to, low, high)
            last = level
        else:
            level, last = 0, 0
        levels[i] = level
    for vertex in range(len(points)):
        if n_sharp[vertex] != 2 or not may_be_corner[vertex]:
            corners[vertex] = 0
            continue
        bend = angle(points, vertex, sharp_to[vertex, 0], sharp_to[vertex, 1]) * 32 // TURN
        contexts[:] = 0
        contexts[0] = bend
        corners[vertex] = code_crease(coder, IS_CORNER, contexts, corners[vertex])


@njit(cache=True)
def _meet(n_sharp: IntArray, sharp_to: IntArray, low: int, high: int) -> None:
    """A sharp edge between two vertices is known now."""
    for k in range(2):
        here, there = (low, high) if k == 0 else (high, low)
        sharp_to[here, n_sharp[here] & 1] = there
        n_sharp[here] += 1


@njit(cache=True)
def _straightness(points: IntArray, sharp_to: IntArray, here: int, there: int) -> int:
    """How straight an edge goes on from a known sharp one: 0 if there is none, 1 to 8."""
    straight = np.int64(0)
    for k in range(2):
        if sharp_to[here, k] >= 0 and sharp_to[here, k] != there:
            straight = max(straight, 1 + min(angle(points, here, sharp_to[here, k], there) * 16 // TURN, 7))
    return straight


@njit(cache=True)
def _fold(points: IntArray, low: int, high: int, first: int, second: int) -> int:
    """The angle between the faces of an edge, 0 (flat) to 16, with `_CONCAVE` more where it is concave."""
    frame = np.zeros((3, 3), np.int64)
    normals = np.zeros((2, 3), np.int64)
    set_frame(frame, points, low, high, first)
    normals[0] = frame[2]
    set_frame(frame, points, high, low, second)
    normals[1] = frame[2]
    dot = np.int64(0)
    rise = np.int64(0)
    for k in range(3):
        dot += normals[0, k] * normals[1, k]
        rise += normals[0, k] * (points[second, k] - points[low, k])
    # 1 - cos of the angle grows with its square: classes of equal width in its root.
    fold = min(max((1 << FRAME_BITS) - (dot >> FRAME_BITS), 0), 1 << 15)
    root = np.int64(0)
    while (root + 1) * (root + 1) << 7 <= fold:
        root += 1
    return root + (_CONCAVE if rise > 0 else 0)
