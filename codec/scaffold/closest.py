"""Closest points on triangles: a binary tree of boxes, compiled.

The triangles are ordered so that halves of the order are halves in space, again and again. The tree is then implicit:
node k of level l holds positions k n / 2^l to (k + 1) n / 2^l of the order. A query starts with the answer to the one
before it and looks only into boxes that are nearer than that: neighbouring queries should follow each other.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..compiled import njit

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_MOST_IN_A_LEAF = 2
# Queries for a thread at a time. Each lot begins anew, so that what is found does not depend on the number of threads.
_CHUNK = 4096


class Triangles:
    """Triangles that are asked for closest points.

    Parameters
    ----------
    points : (V, 3) float64
    corners : (F, 3) int64
        Rows of `points`; F > 0.
    """

    def __init__(self, points: FloatArray, corners: IntArray) -> None:
        points, corners = np.ascontiguousarray(points, np.float64), np.ascontiguousarray(corners, np.int64)
        n_levels = max(-(-len(corners) // _MOST_IN_A_LEAF) - 1, 0).bit_length()
        self._order = np.arange(len(corners))
        self._triangles = np.empty((len(corners), 3, 3))
        self._boxes = np.empty(((2 << n_levels) - 1, 2, 3))
        _build(points, corners, n_levels, self._order, self._triangles, self._boxes)
        self._n_levels = n_levels

    def closest(self, queries: FloatArray) -> tuple[IntArray, FloatArray]:
        """The closest point of each query.

        Parameters
        ----------
        queries : (N, 3) float64

        Returns
        -------
        triangle : (N,) int64
            Row of `corners`.
        share : (N, 3) float64
            Barycentric coordinates there, none below zero.
        """
        queries = np.ascontiguousarray(queries, np.float64)
        triangle, share = np.empty(len(queries), np.int64), np.empty((len(queries), 3))

        def ask(start: int) -> None:
            rows = slice(start, start + _CHUNK)
            tree = self._n_levels, self._order, self._triangles, self._boxes
            _closest(queries[rows], *tree, triangle[rows], share[rows])

        starts = range(0, len(queries), _CHUNK)
        n_threads = min(len(starts), os.cpu_count() or 1)
        if n_threads < 2:
            for start in starts:
                ask(start)
        else:
            with ThreadPoolExecutor(n_threads) as pool:
                list(pool.map(ask, starts))
        return triangle, share


@njit(cache=True, nogil=True)
def _build(
    points: FloatArray, corners: IntArray, n_levels: int, order: IntArray, triangles: FloatArray, boxes: FloatArray
) -> None:
    """Put `order` in order, and fill in the triangles in it (an origin and two edges each) and the boxes."""
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
    n_levels: int,
    order: IntArray,
    triangles: FloatArray,
    boxes: FloatArray,
    found: IntArray,
    share: FloatArray,
) -> None:
    """Fill in triangle and barycentric coordinates of each query."""
    n, first_leaf = len(order), (1 << n_levels) - 1
    nodes, distances = np.empty(2 * n_levels + 2, np.int64), np.empty(2 * n_levels + 2)
    place = 0
    for q in range(len(queries)):
        p0, p1, p2 = queries[q, 0], queries[q, 1], queries[q, 2]
        best, second, third = _nearest(p0, p1, p2, triangles[place])
        nodes[0], distances[0], n_waiting = 0, 0.0, 1
        while n_waiting:
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
        found[q] = order[place]
        share[q, 0], share[q, 1], share[q, 2] = max(1.0 - second - third, 0.0), second, third


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
