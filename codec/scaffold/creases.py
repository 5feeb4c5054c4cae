"""Creases as bits: which edges of a control mesh are sharp, for how many levels, and which vertices are corners.

The first bit says whether there is any crease or corner; then nothing follows for a mesh that has none. The second
says whether everything is sharp, as in a mesh that is meant as it is. Only then every inner edge is asked about, in the
order of `topology`, with what is known already at its ends and the angle between its faces.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit
from numpy.typing import NDArray

from .integers import FRAME_BITS, TURN, angle, set_frame
from .subdivision import SHARP
from .symbols import ALL, ANY, FOR_EVER, IS_CORNER, IS_SHARP, MORE, N_CREASE, code_crease
from .topology import Topology

BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.int64]

_MOST_LEVELS = 3  # sharpness of a semi-sharp edge


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
    """
    sharpness = np.where(mesh.is_boundary, 0, sharpness).astype(np.uint8)
    if found := set(np.unique(sharpness).tolist()) - {0, 1, 2, 3, SHARP}:
        raise ValueError(f"sharpness of {found}")
    is_inner = ~mesh.is_boundary
    none = np.zeros(N_CREASE, np.int64)
    n_sharp = np.bincount(mesh.edges[(sharpness > 0) | ~is_inner].ravel(), minlength=mesh.n_vertices)
    # Pinning changes nothing elsewhere, see `Creased.kinds`.
    may_be_corner = mesh.valences > 2
    corners = pinned & (n_sharp == 2) & may_be_corner
    if not code_crease(coder, ANY, none, int(sharpness.any() or corners.any())):
        return np.zeros_like(sharpness), np.zeros_like(corners)
    everything = is_inner.any() and (sharpness[is_inner] == SHARP).all()
    if code_crease(coder, ALL, none, int(everything)):
        sharpness = np.where(is_inner, SHARP, 0).astype(np.uint8)
        return sharpness, np.zeros_like(corners)
    levels, found_corners = sharpness.astype(np.int64), corners.astype(np.int64)
    _code(coder, mesh.edges, mesh.opposite, is_inner, points, levels, found_corners, may_be_corner)
    return levels.astype(np.uint8), found_corners.astype(bool)


@njit(cache=True)
def _code(
    coder: Any,
    edges: IntArray,
    opposite: IntArray,
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
        fold = _fold(points, low, high, opposite[i, 0], opposite[i, 1])
        at_low, at_high = min(n_sharp[low], 3), min(n_sharp[high], 3)
        straight = max(_straightness(points, sharp_to, low, high), _straightness(points, sharp_to, high, low))
        contexts[0] = fold * 16 + at_low * 4 + at_high
        contexts[1] = straight * 16 + at_low * 4 + at_high
        contexts[2] = fold * 9 + straight
        contexts[3] = fold * 2 + (1 if last else 0)
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
        contexts[0], contexts[1], contexts[2], contexts[3] = bend, 0, 0, 0
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
    """The angle between the faces of an edge, 0 (flat) to 16, with 17 more where it is concave."""
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
    return root + (17 if rise > 0 else 0)
