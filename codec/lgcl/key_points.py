"""Key points and who is near whom: points spread over a surface, or the vertices and edges of a template.

::

    surface samples --farthest points--> key points --integer grid--> cells --nearest, ties by index--> neighbours
    neighbours, or faces of a template --both ways--> edges

The graph of a file is made of decoded integers, so that both sides have the same one.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..compiled import njit

IntArray = npt.NDArray[np.int64]

_ROWS_AT_ONCE = 512  # of the table of all distances: bounds the memory


@njit(cache=True)
def farthest_points(points: npt.NDArray[np.float64], n: int) -> IntArray:
    """Points each of which is as far as possible from those before it.

    Parameters
    ----------
    points : (N, 3) float64
    n : int
        How many, at most N.

    Returns
    -------
    chosen : (n,) int64
        Positions among the points, the first of them first.
    """
    chosen = np.zeros(n, np.int64)
    distance = np.full(len(points), np.inf)
    for k in range(1, n):
        last, best = points[chosen[k - 1]], 0
        for i in range(len(points)):
            d = (points[i, 0] - last[0]) ** 2 + (points[i, 1] - last[1]) ** 2 + (points[i, 2] - last[2]) ** 2
            distance[i] = min(distance[i], d)
            if distance[i] > distance[best]:
                best = i
        chosen[k] = best
    return chosen


def nearest_neighbours(positions: npt.NDArray[np.integer], n: int) -> IntArray:
    """The nearest other positions of each, nearest first, of equally near ones that of the smaller index.

    Parameters
    ----------
    positions : (K, 3) integer array
        Of sizes below 2^20.
    n : int
        How many; fewer where there are not so many.

    Returns
    -------
    neighbours : (K, min(n, K - 1)) int64
    """
    positions = np.asarray(positions, np.int64)
    n_points = len(positions)
    n = min(n, n_points - 1)
    found = np.zeros((n_points, n), np.int64)
    for start in range(0, n_points if n else 0, _ROWS_AT_ONCE):
        rows = np.arange(start, min(start + _ROWS_AT_ONCE, n_points))
        square = sum((positions[rows, axis, None] - positions[:, axis]) ** 2 for axis in range(3))
        # One number orders by distance and then by index.
        order = square * n_points + np.arange(n_points)
        order[np.arange(len(rows)), rows] = np.iinfo(np.int64).max
        found[rows] = np.sort(np.partition(order, n - 1, axis=1)[:, :n], axis=1) % n_points
    return found


def edges_of_neighbours(neighbours: IntArray) -> IntArray:
    """(E, 2) edges from every key point to its neighbours and back, sorted, none twice."""
    ends = np.repeat(np.arange(len(neighbours)), neighbours.shape[1]), neighbours.ravel()
    return _both_ways(np.stack(ends, 1))


def edges_of_faces(faces: npt.NDArray[np.integer]) -> IntArray:
    """(E, 2) edges of (F, 3) triangles in both directions, sorted, none twice."""
    return _both_ways(np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]]).astype(np.int64))


def _both_ways(edges: IntArray) -> IntArray:
    found: IntArray = np.unique(np.concatenate([edges, edges[:, ::-1]]), axis=0).reshape(-1, 2)
    return found
