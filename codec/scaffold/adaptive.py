"""Triangles of a limit surface, fewer where it is flat.

Every control face is a patch with a lattice of points, the vertices of the uniform refinement. It starts as one
triangle. A side is split in its middle where it bends, and a triangle by how many of its sides are:

    none   it stays
    one    two triangles, from the middle to the corner across
    two    three: the one cut off, and two on either side of that diagonal of the rest which bends less, or is shorter
           if neither has to be split
    three  four

until none bends. Whether a side does depends on its two ends alone, so that neighbours agree and nothing cracks. Each
triangle has an area in the lattice, so that there are never more of them than in the uniform refinement. Where the
surface is round in one direction only, as a cylinder is, it is cut in that direction only.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..compiled import njit
from .subdivision import Creased
from .surface import LimitMesh
from .topology import IntArray

BoolArray = NDArray[np.bool_]
FloatArray = NDArray[np.float64]

_TINY = float(np.finfo(np.float64).tiny)


def adaptive_mesh(control: Creased, points: FloatArray, levels: int, tolerance: float) -> tuple[FloatArray, IntArray]:
    """Vertices (V, 3) on the limit surface and faces (F, 3) that are about as near to it as wanted.

    Parameters
    ----------
    control : Creased
    points : (C, 3) float64
        Control points.
    levels : int
        Of the uniform refinement whose vertices there are to choose from.
    tolerance : float
        How far the surface may be from a side of typical length, in the unit of `points`. Longer sides stand for more
        of the area and have to be nearer, with the square root of the length: with as many triangles both the mean and
        the largest distance are then smaller than if lengths did not count, or counted fully.

    Notes
    -----
    Vertices keep the order that they have in the uniform refinement; those in no triangle are left out. The triangles
    of a control face follow each other, in the order of the control faces.
    """
    refined = LimitMesh(control, levels)
    vertices, normals = refined.surface(points)
    ends = vertices[control.topology.edges]  # (E, 2, 3)
    typical = float(np.linalg.norm(ends[:, 1] - ends[:, 0], axis=1).mean()) / 2**levels
    is_sharp = (control.sharpness > 0)[control.topology.face_edges]
    patches = _lattices(refined.faces, levels)
    faces = _triangles(vertices, normals, patches, is_sharp, levels, tolerance**2 * typical)
    is_used = np.zeros(len(vertices), bool)
    is_used[faces] = True
    return vertices[is_used], (np.cumsum(is_used) - 1)[faces]


def _lattices(faces: IntArray, levels: int) -> IntArray:
    """The vertices of each patch by their place.

    Point (i, j), i from the first corner of the control face to its second, j to its third, both up to n = 2^levels,
    has place i + 2 n j. What is at other places does not matter.
    """
    n = 1 << levels
    corners = np.array([[[0, 0], [n, 0], [0, n]]])  # of the triangles of a patch, in the order of the refinement
    for _ in range(levels):
        middles = (corners + corners[:, [1, 2, 0]]) // 2
        ears = np.stack([corners, middles, middles[:, [2, 0, 1]]], axis=2)
        corners = np.concatenate([ears, middles[:, None]], axis=1).reshape(-1, 3, 2)
    column = np.zeros(2 * n * (n + 1), np.int64)
    column[(corners @ [1, 2 * n]).ravel()] = np.arange(corners.size // 2)
    return faces.reshape(-1, 3 << 2 * levels)[:, column]


@njit(cache=True)
def _triangles(
    vertices: FloatArray, normals: FloatArray, patches: IntArray, is_sharp: BoolArray, levels: int, most: float
) -> IntArray:
    """(F, 3) the triangles of all patches, none with a side that bends more than `most`."""
    n = 1 << levels
    found = np.empty((len(patches) * n * n, 3), np.int64)
    n_found = 0
    # A triangle has at most half the area of the one it is a part of, and leaves at most three others waiting.
    waiting = np.empty((6 * levels + 4, 3), np.int64)
    for f in range(len(patches)):
        patch, sharp = patches[f], is_sharp[f]
        waiting[0, 0], waiting[0, 1], waiting[0, 2] = 0, n, 2 * n * n
        n_waiting = 1
        while n_waiting:
            n_waiting -= 1
            a, b, c = waiting[n_waiting, 0], waiting[n_waiting, 1], waiting[n_waiting, 2]
            # Most sides have none: to ask that here, without the arrays, takes a third of the time.
            splits_ab = _has_middle(a, b, levels) and _bend(vertices, normals, patch, sharp, levels, a, b) > most
            splits_bc = _has_middle(b, c, levels) and _bend(vertices, normals, patch, sharp, levels, b, c) > most
            splits_ca = _has_middle(c, a, levels) and _bend(vertices, normals, patch, sharp, levels, c, a) > most
            n_split = int(splits_ab) + int(splits_bc) + int(splits_ca)
            if n_split == 0:
                found[n_found, 0], found[n_found, 1], found[n_found, 2] = patch[a], patch[b], patch[c]
                n_found += 1
                continue
            # Turned so that the first side is the only one that is split, or the only one that is not.
            if splits_bc != splits_ab and splits_bc != splits_ca:
                a, b, c = b, c, a
            elif splits_ca != splits_ab and splits_ca != splits_bc:
                a, b, c = c, a, b
            first_diagonal = False
            if n_split == 2:
                x, y = (b + c) // 2, (c + a) // 2
                bends = _bend(vertices, normals, patch, sharp, levels, a, x)
                other = _bend(vertices, normals, patch, sharp, levels, b, y)
                if max(bends, other) <= most:
                    bends, other = _distance(vertices, patch[a], patch[x]), _distance(vertices, patch[b], patch[y])
                first_diagonal = bends <= other
            n_waiting = _split(a, b, c, n_split, first_diagonal, waiting, n_waiting)
    return found[:n_found]


@njit(cache=True)
def _split(a: int, b: int, c: int, n_split: int, first_diagonal: bool, waiting: IntArray, n_waiting: int) -> int:
    """Put the parts of a triangle behind those that wait; returns how many do.

    If one side is split, it is from a to b; if two are, they are the others, and the first diagonal is that from a.
    """
    ab, bc, ca = (a + b) // 2, (b + c) // 2, (c + a) // 2
    if n_split == 1:
        n_waiting = _put(b, c, ab, waiting, n_waiting)
        return _put(c, a, ab, waiting, n_waiting)
    n_waiting = _put(c, ca, bc, waiting, n_waiting)
    if n_split == 2:
        n_waiting = _put(a, b, bc if first_diagonal else ca, waiting, n_waiting)
        return _put(bc, ca, a if first_diagonal else b, waiting, n_waiting)
    n_waiting = _put(b, bc, ab, waiting, n_waiting)
    n_waiting = _put(a, ab, ca, waiting, n_waiting)
    return _put(ab, bc, ca, waiting, n_waiting)


@njit(cache=True)
def _put(a: int, b: int, c: int, waiting: IntArray, n_waiting: int) -> int:
    waiting[n_waiting, 0], waiting[n_waiting, 1], waiting[n_waiting, 2] = a, b, c
    return n_waiting + 1


@njit(cache=True)
def _bend(
    vertices: FloatArray, normals: FloatArray, patch: IntArray, is_sharp: BoolArray, levels: int, p: int, q: int
) -> float:
    """How much the surface bends between two places of a patch; 0 where there is no point half-way.

    That is the square of the largest distance between the surface and the segment, half-way and, where they are in the
    lattice, at the quarters, times the length. Across the surface only: where a point lies along it is no error. Not so
    on a sharp edge, which is a curve.
    """
    n, last = 1 << levels, (2 << levels) - 1
    if not _has_middle(p, q, levels):
        return 0.0
    if patch[p] > patch[q]:
        p, q = q, p  # to be the same to the last bit whatever triangle asks
    i, j, to_i, to_j = p & last, p >> (levels + 1), q & last, q >> (levels + 1)
    is_curve = (
        (j == 0 and to_j == 0 and is_sharp[0])
        or (i + j == n and to_i + to_j == n and is_sharp[1])
        or (i == 0 and to_i == 0 and is_sharp[2])
    )
    start, end, half = patch[p], patch[q], patch[(p + q) >> 1]
    u0 = vertices[end, 0] - vertices[start, 0]
    u1 = vertices[end, 1] - vertices[start, 1]
    u2 = vertices[end, 2] - vertices[start, 2]
    halvings = 1 if (to_i - i | to_j - j) & 3 else 2
    step = (q - p) >> halvings
    most = 0.0
    for part in range(1, 1 << halvings):
        place = patch[p + part * step]
        t = part / (1 << halvings)
        d0 = vertices[place, 0] - vertices[start, 0] - t * u0
        d1 = vertices[place, 1] - vertices[start, 1] - t * u1
        d2 = vertices[place, 2] - vertices[start, 2] - t * u2
        if is_curve:
            along = (d0 * u0 + d1 * u1 + d2 * u2) / max(u0 * u0 + u1 * u1 + u2 * u2, _TINY)
            d0, d1, d2 = d0 - along * u0, d1 - along * u1, d2 - along * u2
            squared = d0 * d0 + d1 * d1 + d2 * d2
        else:
            squared = (d0 * normals[place, 0] + d1 * normals[place, 1] + d2 * normals[place, 2]) ** 2
        most = max(most, squared)
    return most * (_distance(vertices, start, half) + _distance(vertices, half, end))


@njit(cache=True)
def _has_middle(p: int, q: int, levels: int) -> bool:
    """Whether there is a place half-way: both coordinates are then both even or both odd."""
    differs = p ^ q
    return (differs | differs >> (levels + 1)) & 1 == 0


@njit(cache=True)
def _distance(vertices: FloatArray, p: int, q: int) -> float:
    x, y, z = vertices[p, 0] - vertices[q, 0], vertices[p, 1] - vertices[q, 1], vertices[p, 2] - vertices[q, 2]
    return float(np.sqrt(x * x + y * y + z * z))
