"""Closest points on triangles: a binary tree of boxes, compiled.

The triangles are ordered so that halves of the order are halves in space, again and again. The tree is then implicit:
node k of level l holds positions k n / 2^l to (k + 1) n / 2^l of the order. A query starts with a guess, or else with
the answer to the one before it, and looks only into boxes that are nearer than that: neighbouring queries should follow
each other.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from .compiled import njit
from .threads import in_parallel

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_MOST_IN_A_LEAF = 2
# Queries for a thread at a time. Each lot begins anew, so that what is found does not depend on the number of threads.
_LOT = 4096
_UNKNOWN = -1


class Triangles:
    """Triangles that are asked for closest points.

    Parameters
    ----------
    points : (V, 3) array_like of float64
    corners : (F, 3) array_like of int64
        Rows of `points`; F > 0.
    like : Triangles, optional
        The same triangles with corners that were elsewhere, but not far away: their order is taken over, which saves
        most of the time that it takes to build a tree.
    """

    def __init__(self, points: FloatArray, corners: IntArray, like: Triangles | None = None) -> None:
        points, corners = np.ascontiguousarray(points, np.float64), np.ascontiguousarray(corners, np.int64)
        if like is None:
            self._n_levels = max(-(-len(corners) // _MOST_IN_A_LEAF) - 1, 0).bit_length()
            self._order, self._place = np.arange(len(corners)), np.empty(len(corners), np.int64)
            _sort(points, corners, self._n_levels, self._order, self._place)
        else:
            self._n_levels, self._order, self._place = like._n_levels, like._order, like._place
        self._triangles = np.empty((len(corners), 3, 3))
        self._boxes = np.empty(((2 << self._n_levels) - 1, 2, 3))
        _enclose(points, corners, self._n_levels, self._order, self._triangles, self._boxes)

    def closest(self, queries: FloatArray, near: IntArray | None = None) -> tuple[IntArray, FloatArray]:
        """The closest point of each query.

        Parameters
        ----------
        queries : (N, 3) array_like of float64
        near : (N,) int64, optional
            Triangles that are likely to be close.

        Returns
        -------
        triangle : (N,) int64
            Row of `corners`.
        share : (N, 3) float64
            Barycentric coordinates there, none below zero.
        """
        return self._asked(queries, near)[:2]

    def distances(self, queries: FloatArray) -> tuple[FloatArray, IntArray]:
        """Distance (N,) of each of (N, 3) queries to the closest triangle, and this triangle (N,)."""
        triangle, _, squared = self._asked(queries, None)
        return np.sqrt(squared), triangle

    def reach(self, queries: FloatArray) -> float:
        """The largest of the `distances` of (N, 3) queries; 0 of none."""
        queries = np.ascontiguousarray(queries, np.float64)

        def ask(rows: slice) -> float:
            return float(_farthest(queries[rows], self._n_levels, self._triangles, self._boxes))

        return float(np.sqrt(max(in_parallel(ask, _lots(len(queries))), default=0.0)))

    def _asked(self, queries: FloatArray, near: IntArray | None) -> tuple[IntArray, FloatArray, FloatArray]:
        """Triangle, barycentric coordinates and squared distance of the closest point of each query."""
        queries = np.ascontiguousarray(queries, np.float64)
        n = len(queries)
        triangle, share, squared = np.empty(n, np.int64), np.empty((n, 3)), np.empty(n)
        start = np.full(n, _UNKNOWN) if near is None else self._place[near]

        def ask(rows: slice) -> None:
            tree = self._n_levels, self._order, self._triangles, self._boxes
            _closest(queries[rows], start[rows], *tree, triangle[rows], share[rows], squared[rows])

        in_parallel(ask, _lots(n))
        return triangle, share, squared


def _lots(n: int) -> list[slice]:
    """Rows for a thread at a time."""
    return [slice(start, start + _LOT) for start in range(0, n, _LOT)]


@njit(cache=True, nogil=True)
def _sort(points: FloatArray, corners: IntArray, n_levels: int, order: IntArray, place: IntArray) -> None:
    """Put `order` in order, and fill in where each triangle stands in it."""
    n = len(corners)
    middles = np.empty((n, 3))
    for i in range(n):
        for x in range(3):
            middles[i, x] = points[corners[i, 0], x] + points[corners[i, 1], x] + points[corners[i, 2], x]
    lower, upper = np.empty(3), np.empty(3)
    for level in range(n_levels):
        for k in range(1 << level):
            start, end = k * n >> level, (k + 1) * n >> level
            lower[:], upper[:] = np.inf, -np.inf
            for i in range(start, end):
                for x in range(3):
                    lower[x] = min(lower[x], middles[order[i], x])
                    upper[x] = max(upper[x], middles[order[i], x])
            axis = np.argmax(upper - lower)
            _part(order, start, end - 1, (2 * k + 1) * n >> (level + 1), middles[:, axis])
    for i in range(n):
        place[order[i]] = i


@njit(cache=True, nogil=True)
def _enclose(
    points: FloatArray, corners: IntArray, n_levels: int, order: IntArray, triangles: FloatArray, boxes: FloatArray
) -> None:
    """Fill in the triangles in order (an origin and two edges each) and the boxes."""
    n = len(corners)
    boxes[:, 0], boxes[:, 1] = np.inf, -np.inf
    first_leaf = (1 << n_levels) - 1
    for k in range(1 << n_levels):
        box = boxes[first_leaf + k]
        for i in range(k * n >> n_levels, (k + 1) * n >> n_levels):
            a, b, c = corners[order[i]]
            for x in range(3):
                triangles[i, 0, x] = points[a, x]
                triangles[i, 1, x] = points[b, x] - points[a, x]
                triangles[i, 2, x] = points[c, x] - points[a, x]
                box[0, x] = min(box[0, x], points[a, x], points[b, x], points[c, x])
                box[1, x] = max(box[1, x], points[a, x], points[b, x], points[c, x])
    for node in range(first_leaf - 1, -1, -1):
        for x in range(3):
            boxes[node, 0, x] = min(boxes[2 * node + 1, 0, x], boxes[2 * node + 2, 0, x])
            boxes[node, 1, x] = max(boxes[2 * node + 1, 1, x], boxes[2 * node + 2, 1, x])


@njit(cache=True, nogil=True)
def _part(order: IntArray, low: int, high: int, middle: int, keys: FloatArray) -> None:
    """Move the smallest of order[low : high + 1] before `middle` (Hoare's selection)."""
    while low < high:
        pivot = keys[order[(low + high) >> 1]]
        i, j = low, high
        while i <= j:
            while keys[order[i]] < pivot:
                i += 1
            while keys[order[j]] > pivot:
                j -= 1
            if i <= j:
                order[i], order[j] = order[j], order[i]
                i += 1
                j -= 1
        if j < middle:
            low = i
        if middle < i:
            high = j


@njit(cache=True, nogil=True)
def _closest(
    queries: FloatArray,
    near: IntArray,
    n_levels: int,
    order: IntArray,
    triangles: FloatArray,
    boxes: FloatArray,
    found: IntArray,
    share: FloatArray,
    squared: FloatArray,
) -> None:
    """Fill in triangle, barycentric coordinates and squared distance of each query."""
    stack, distances = np.empty(2 * n_levels + 2, np.int64), np.empty(2 * n_levels + 2)
    place = 0
    for q in range(len(queries)):
        p0, p1, p2 = queries[q, 0], queries[q, 1], queries[q, 2]
        place = near[q] if near[q] != _UNKNOWN else place
        place, best, second, third = _search(p0, p1, p2, place, 0.0, n_levels, triangles, boxes, stack, distances)
        found[q], squared[q] = order[place], best
        share[q, 0], share[q, 1], share[q, 2] = max(1.0 - second - third, 0.0), second, third


@njit(cache=True, nogil=True)
def _farthest(queries: FloatArray, n_levels: int, triangles: FloatArray, boxes: FloatArray) -> float:
    """The largest squared distance of any query."""
    stack, distances = np.empty(2 * n_levels + 2, np.int64), np.empty(2 * n_levels + 2)
    place, most = 0, 0.0
    for q in range(len(queries)):
        p0, p1, p2 = queries[q, 0], queries[q, 1], queries[q, 2]
        place, squared, _, _ = _search(p0, p1, p2, place, most, n_levels, triangles, boxes, stack, distances)
        most = max(most, squared)
    return most


@njit(cache=True, nogil=True)
def _search(
    p0: float,
    p1: float,
    p2: float,
    place: int,
    enough: float,
    n_levels: int,
    triangles: FloatArray,
    boxes: FloatArray,
    nodes: IntArray,
    distances: FloatArray,
) -> tuple[int, float, float, float]:
    """Where in the order the closest triangle is, its squared distance, and barycentric coordinates there.

    The search begins with the triangle at `place`, and ends with the first one whose squared distance is at most
    `enough`. `nodes` and `distances` are scratch.
    """
    n, first_leaf = len(triangles), (1 << n_levels) - 1
    best, second, third = _nearest(p0, p1, p2, triangles[place])
    nodes[0], distances[0], n_waiting = 0, 0.0, 1
    while n_waiting and best > enough:
        n_waiting -= 1
        if distances[n_waiting] >= best:
            continue
        node = nodes[n_waiting]
        while node < first_leaf:
            left = 2 * node + 1
            to_left, to_right = to_box(p0, p1, p2, boxes[left]), to_box(p0, p1, p2, boxes[left + 1])
            near, far = (left, left + 1) if to_left <= to_right else (left + 1, left)
            to_near, to_far = min(to_left, to_right), max(to_left, to_right)
            if to_far < best:
                nodes[n_waiting], distances[n_waiting] = far, to_far
                n_waiting += 1
            if to_near >= best:
                break
            node = near
        else:
            k = node - first_leaf
            for i in range(k * n >> n_levels, (k + 1) * n >> n_levels):
                squared, u, v = _nearest(p0, p1, p2, triangles[i])
                if squared < best:
                    best, second, third, place = squared, u, v, i
    return place, best, second, third


@njit(cache=True, nogil=True)
def to_box(p0: float, p1: float, p2: float, box: FloatArray) -> float:
    """Squared distance to a box."""
    x = max(box[0, 0] - p0, p0 - box[1, 0], 0.0)
    y = max(box[0, 1] - p1, p1 - box[1, 1], 0.0)
    z = max(box[0, 2] - p2, p2 - box[1, 2], 0.0)
    return x * x + y * y + z * z


@njit(cache=True, nogil=True)
def _nearest(p0: float, p1: float, p2: float, triangle: Any) -> tuple[float, float, float]:
    """Squared distance to a triangle, and the second and third barycentric coordinate there.

    Notes
    -----
    The minimum of a convex quadratic over a triangle: inside where its free minimum is, else the least on the edges.
    """
    r0, r1, r2 = p0 - triangle[0, 0], p1 - triangle[0, 1], p2 - triangle[0, 2]
    a0, a1, a2 = triangle[1, 0], triangle[1, 1], triangle[1, 2]
    b0, b1, b2 = triangle[2, 0], triangle[2, 1], triangle[2, 2]
    aa, ab, bb = a0 * a0 + a1 * a1 + a2 * a2, a0 * b0 + a1 * b1 + a2 * b2, b0 * b0 + b1 * b1 + b2 * b2
    ar, br = a0 * r0 + a1 * r1 + a2 * r2, b0 * r0 + b1 * r1 + b2 * r2
    determinant = aa * bb - ab * ab
    u, v = bb * ar - ab * br, aa * br - ab * ar
    if determinant > 0.0 and u >= 0.0 and v >= 0.0 and u + v <= determinant:
        u, v = u / determinant, v / determinant
    else:
        cc, cr = aa - 2 * ab + bb, aa - ab - ar + br  # along the third edge, from the second corner
        s = min(max(ar / aa, 0.0), 1.0) if aa > 0.0 else 0.0
        t = min(max(br / bb, 0.0), 1.0) if bb > 0.0 else 0.0
        w = min(max(cr / cc, 0.0), 1.0) if cc > 0.0 else 0.0
        at_a = s * (s * aa - 2 * ar)
        at_b = t * (t * bb - 2 * br)
        at_c = (1 - w) * (1 - w) * aa + 2 * (1 - w) * w * ab + w * w * bb - 2 * ((1 - w) * ar + w * br)
        if at_a <= at_b and at_a <= at_c:
            u, v = s, 0.0
        elif at_b <= at_c:
            u, v = 0.0, t
        else:
            u, v = 1.0 - w, w
    d0, d1, d2 = r0 - u * a0 - v * b0, r1 - u * a1 - v * b1, r2 - u * a2 - v * b2
    return d0 * d0 + d1 * d1 + d2 * d2, u, v
