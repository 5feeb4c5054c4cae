"""Distances from points to the parts of a surface that are left: a tree of boxes in which parts can be passed over."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..closest import to_box
from ..compiled import njit

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

_FACES_A_LEAF = 4
_CELL_BITS = 10  # of the grid along whose curve faces are put in order
_MANY = -1


class PartTree(NamedTuple):
    """Triangles in a complete binary tree of boxes; node i has the children 2 i and 2 i + 1, the root is node 1.

    Attributes
    ----------
    corners : (F, 3, 3) float64
        Of the triangles, in the order of the leaves.
    part : (F,) int64
        Of each triangle.
    boxes : (2 N, 2, 3) float64
        Lower and upper corner of each node; empty ones are turned inside out.
    only : (2 N,) int64
        The part that all triangles of a node belong to, -1 for several.
    """

    corners: FloatArray
    part: IntArray
    boxes: FloatArray
    only: IntArray


def part_tree(points: FloatArray, faces: IntArray, part: IntArray) -> PartTree:
    """The tree over triangles (F, 3) of points (V, 3), of which each belongs to a part (F,)."""
    order = _along_curve(points[faces].mean(axis=1))
    corners, part = points[faces[order]], part[order]
    n_leaves = 1 << max(-(-len(faces) // _FACES_A_LEAF) - 1, 0).bit_length()
    boxes, only = np.empty((2 * n_leaves, 2, 3)), np.full(2 * n_leaves, _MANY)
    boxes[:, 0], boxes[:, 1] = np.inf, -np.inf
    starts = np.arange(0, len(faces), _FACES_A_LEAF)
    leaves = slice(n_leaves, n_leaves + len(starts))
    boxes[leaves, 0] = np.minimum.reduceat(corners.min(axis=1), starts)
    boxes[leaves, 1] = np.maximum.reduceat(corners.max(axis=1), starts)
    least, most = np.minimum.reduceat(part, starts), np.maximum.reduceat(part, starts)
    only[leaves] = np.where(least == most, least, _MANY)
    while n_leaves > 1:
        first, second = boxes[n_leaves : 2 * n_leaves : 2], boxes[n_leaves + 1 : 2 * n_leaves : 2]
        parents = slice(n_leaves // 2, n_leaves)
        boxes[parents, 0] = np.minimum(first[:, 0], second[:, 0])
        boxes[parents, 1] = np.maximum(first[:, 1], second[:, 1])
        left, right = only[n_leaves : 2 * n_leaves : 2], only[n_leaves + 1 : 2 * n_leaves : 2]
        only[parents] = np.where(left == right, left, _MANY)
        n_leaves //= 2
    return PartTree(np.ascontiguousarray(corners), part, boxes, only)


def _along_curve(points: FloatArray) -> IntArray:
    """An order of points (N, 3) along a Morton curve."""
    lower = points.min(axis=0)
    extent = float((points.max(axis=0) - lower).max()) or 1.0
    cells = ((points - lower) * ((1 << _CELL_BITS) - 1) / extent).astype(np.int64)
    code = np.zeros(len(points), np.int64)
    for bit in range(_CELL_BITS):
        for axis in range(3):
            code |= (cells[:, axis] >> bit & 1) << (3 * bit + axis)
    return np.argsort(code, kind="stable")


@njit(cache=True)
def nearest(tree: PartTree, is_left: BoolArray, point: FloatArray, excluded: int, stack: IntArray) -> tuple[float, int]:
    """The squared distance of a point (3,) to the nearest part that is left and not `excluded`, and this part.

    (inf, -1) if there is none. `stack` (128,) is scratch.
    """
    best, found = np.inf, -1
    x, y, z = point[0], point[1], point[2]
    n_leaves = len(tree.only) // 2
    stack[0], size = 1, 1
    while size:
        size -= 1
        node = stack[size]
        only = tree.only[node]
        if only >= 0 and (only == excluded or not is_left[only]):
            continue
        if to_box(x, y, z, tree.boxes[node]) >= best:
            continue
        if node < n_leaves:
            near, far = 2 * node, 2 * node + 1
            if to_box(x, y, z, tree.boxes[near]) > to_box(x, y, z, tree.boxes[far]):
                near, far = far, near
            stack[size], stack[size + 1] = far, near
            size += 2
            continue
        first = (node - n_leaves) * _FACES_A_LEAF
        for face in range(first, min(first + _FACES_A_LEAF, len(tree.part))):
            part = tree.part[face]
            if part != excluded and is_left[part]:
                squared = squared_distance_to_triangle(point, tree.corners[face])
                if squared < best:
                    best, found = squared, part
    return best, found


@njit(cache=True)
def squared_distance_to_triangle(point: FloatArray, corners: FloatArray) -> float:
    """Squared distance of a point (3,) to a triangle (3, 3), which may have no area.

    To the nearest of its sides, or to the inside where that is below the point; barycentric coordinates as in Ericson,
    Real-Time Collision Detection, 2005, 5.1.5.
    """
    a, b, c = corners[0], corners[1], corners[2]
    best = min(_to_segment(point, a, b), _to_segment(point, b, c), _to_segment(point, c, a))
    ab0, ab1, ab2 = b[0] - a[0], b[1] - a[1], b[2] - a[2]
    ac0, ac1, ac2 = c[0] - a[0], c[1] - a[1], c[2] - a[2]
    p0, p1, p2 = point[0] - a[0], point[1] - a[1], point[2] - a[2]
    d1, d2 = ab0 * p0 + ab1 * p1 + ab2 * p2, ac0 * p0 + ac1 * p1 + ac2 * p2
    bb, bc, cc = ab0 * ab0 + ab1 * ab1 + ab2 * ab2, ab0 * ac0 + ab1 * ac1 + ab2 * ac2, ac0 * ac0 + ac1 * ac1 + ac2 * ac2
    vb, vc = cc * d1 - bc * d2, bb * d2 - bc * d1
    total = bb * cc - bc * bc
    if vb > 0.0 and vc > 0.0 and vb + vc < total:
        v, w = vb / total, vc / total
        x, y, z = p0 - v * ab0 - w * ac0, p1 - v * ab1 - w * ac1, p2 - v * ab2 - w * ac2
        best = min(best, x * x + y * y + z * z)
    return best


@njit(cache=True)
def _to_segment(point: FloatArray, start: FloatArray, end: FloatArray) -> float:
    along, squared = 0.0, 0.0
    for axis in range(3):
        side = end[axis] - start[axis]
        along += side * (point[axis] - start[axis])
        squared += side * side
    share = min(max(along / squared, 0.0), 1.0) if squared > 0.0 else 0.0
    total = 0.0
    for axis in range(3):
        away = point[axis] - start[axis] - share * (end[axis] - start[axis])
        total += away * away
    return total
