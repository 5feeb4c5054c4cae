"""Half-edges of any triangles: which of them share an edge, and what hangs together once some are glued.

Half-edge 3 f + i runs from corner i of face f to its corner (i + 1) % 3, as in `topology`, which is for manifolds.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..compiled import njit

IntArray = NDArray[np.int64]


def opposites(faces: IntArray) -> IntArray:
    """For each half-edge the one that runs the other way between the same vertices, -1 at a boundary; nothing checked.

    Parameters
    ----------
    faces : (F, 3) int64
        Oriented faces, no directed edge twice.

    Returns
    -------
    opposite : (3 F,) int64
    """
    start, end = faces.ravel(), np.roll(faces, -1, axis=1).ravel()
    order = by_edge(start, end)
    first, second = order[:-1], order[1:]
    is_pair = (start[first] == end[second]) & (end[first] == start[second])
    opposite = np.full(faces.size, -1)
    opposite[first[is_pair]] = second[is_pair]
    opposite[second[is_pair]] = first[is_pair]
    return opposite


def by_edge(start: IntArray, end: IntArray) -> IntArray:
    """An order of half-edges in which those of one undirected edge are neighbours; among these, the input's order."""
    n_vertices = int(max(start.max(initial=0), end.max(initial=0))) + 1
    return np.argsort(np.minimum(start, end) * n_vertices + np.maximum(start, end), kind="stable")


def edge_starts(start: IntArray, end: IntArray, order: IntArray) -> IntArray:
    """Where the half-edges of each undirected edge begin in `order`, which is one by edge."""
    lower, upper = np.minimum(start, end)[order], np.maximum(start, end)[order]
    is_new = np.ones(len(order), bool)
    is_new[1:] = (lower[1:] != lower[:-1]) | (upper[1:] != upper[:-1])
    return np.flatnonzero(is_new)


@njit(cache=True)
def find(parent: IntArray, item: int) -> int:
    """The root of an item's tree in a union-find forest; shortens the path to it."""
    while parent[item] != item:
        parent[item] = parent[parent[item]]
        item = parent[item]
    return item


@njit(cache=True)
def unite(parent: IntArray, first: int, second: int) -> None:
    """Join two trees; the smaller root stays."""
    first, second = find(parent, first), find(parent, second)
    parent[max(first, second)] = min(first, second)


@njit(cache=True)
def corner_fans(opposite: IntArray) -> IntArray:
    """The fan of each corner: corners joined across glued half-edges share a vertex.

    Parameters
    ----------
    opposite : (3 F,) int64
        The half-edge glued to each one, -1 where there is none. Half-edges are glued head to tail.

    Returns
    -------
    fan : (3 F,) int64
        0, 1, ... in the order of their first corners.
    """
    parent = np.arange(len(opposite))
    for half_edge in range(len(opposite)):
        other = opposite[half_edge]
        if other > half_edge:
            unite(parent, half_edge, following(other))
            unite(parent, following(half_edge), other)
    return numbered(parent)


def one_fan_each(faces: IntArray, twins: IntArray) -> bool:
    """Whether the faces around each vertex are one fan, given the twins (3 F,) of the half-edges of faces (F, 3)."""
    return bool(corner_fans(twins).max(initial=-1) + 1 == len(np.unique(faces)))


@njit(cache=True)
def face_parts(opposite: IntArray) -> IntArray:
    """The component of each face: faces joined across glued half-edges, numbered 0, 1, ... by their first faces."""
    parent = np.arange(len(opposite) // 3)
    for half_edge in range(len(opposite)):
        if opposite[half_edge] > half_edge:
            unite(parent, half_edge // 3, opposite[half_edge] // 3)
    return numbered(parent)


@njit(cache=True)
def numbered(parent: IntArray) -> IntArray:
    """The tree of each item of a union-find forest, numbered 0, 1, ... in the order of their smallest items."""
    number = np.empty(len(parent), np.int64)
    n_trees = 0
    for item in range(len(parent)):
        root = find(parent, item)
        if root == item:
            number[item] = n_trees
            n_trees += 1
        else:
            number[item] = number[root]
    return number


@njit(cache=True)
def following(half_edge: int) -> int:
    """The next half-edge of the same face."""
    return half_edge - 2 if half_edge % 3 == 2 else half_edge + 1


@njit(cache=True)
def preceding(half_edge: int) -> int:
    """The half-edge before it in the same face."""
    return half_edge + 2 if half_edge % 3 == 0 else half_edge - 1
