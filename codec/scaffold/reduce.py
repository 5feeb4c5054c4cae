"""Collapsing the cheapest edges first, and leaving out small components in their turn; compiled."""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from .collapse import collapse, edge_of, flips, is_allowed
from .halfedges import following, preceding
from .heap import empty_heap, put, remove
from .quadrics import merge

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

# A component of at most so many faces none of whose edges can go may go itself.
_LARGEST_CRUMB = 64


@njit(cache=True)
def collapse_to(
    n_faces: int,
    n_alive: int,
    vertices: FloatArray,
    corner: IntArray,
    opposite: IntArray,
    out: IntArray,
    alive: BoolArray,
    quadrics: FloatArray,
    areas: FloatArray,
    budget: float,
) -> tuple[int, float]:
    """Collapse edges, cheapest first, until at most `n_faces` faces are alive or none can go.

    A small component that is stuck (a tetrahedron, a triangle, a prism without ends) is dropped in its turn: what is
    lost costs its area times its squared width, for nobody knows how far it is from what remains.

    Parameters
    ----------
    n_faces : int
        Wanted.
    n_alive : int
        Faces alive now.
    vertices, quadrics, areas : (V, 3), (V, 10), (V,) float64
        Positions, quadrics and surface areas that the vertices stand for.
    corner, opposite, out : (3 F,), (3 F,), (V,) int64
        The mesh, see `collapse`.
    alive : (F,) bool
    budget : float
        How much may be lost with components: the sum of their areas times their widths.

    Returns
    -------
    n_alive : int
        Faces alive now.
    budget : float
        What is left of it.
    """
    items, place, key = empty_heap(len(corner))
    size = 0
    spot = np.empty(3)
    mark = np.full(len(vertices), -1)
    crumb = np.empty(_LARGEST_CRUMB, np.int64)
    is_crumb = np.zeros(len(corner), np.bool_)  # of edges: on the heap for their component
    while n_alive > n_faces:
        for h in range(len(corner)):
            if alive[h // 3] and edge_of(h, opposite) == h:
                is_crumb[h] = False
                cost = _cost(h, vertices, corner, quadrics, areas, spot)
                size = put(items, place, key, size, h, cost)
        before = n_alive
        while size and n_alive > n_faces:
            h = items[0]
            size = remove(items, place, key, size, h)
            if is_crumb[h]:
                n_crumb = _part_of(h, opposite, place, crumb)
                area, squared_width = _extent(crumb[:n_crumb], vertices, corner, areas, mark)
                loss = area * np.sqrt(squared_width)
                if n_crumb < n_alive and loss <= budget:
                    alive[crumb[:n_crumb]] = False
                    n_alive -= n_crumb
                    budget -= loss
                continue
            u, v = corner[h], corner[following(h)]
            merge(quadrics[u], quadrics[v], vertices[u], vertices[v], 0.0, spot)
            if (
                not is_allowed(h, corner, opposite, out, mark)
                or flips(u, v, spot, vertices, corner, opposite, out)
                or flips(v, u, spot, vertices, corner, opposite, out)
            ):
                n_crumb = _part_of(h, opposite, place, crumb)
                if n_crumb:
                    area, squared_width = _extent(crumb[:n_crumb], vertices, corner, areas, mark)
                    is_crumb[h] = True
                    size = put(items, place, key, size, h, area * squared_width)
                continue
            n_alive -= 1 if opposite[h] < 0 else 2
            size = _unlist(h, opposite, items, place, key, size)
            collapse(h, corner, opposite, out, alive)
            vertices[u] = spot
            quadrics[u] += quadrics[v]
            areas[u] += areas[v]
            size = _weigh_around(u, vertices, corner, opposite, out, quadrics, areas, spot, items, place, key, size)
        if n_alive == before:
            break
    return n_alive, budget


@njit(cache=True)
def _cost(
    edge: int, vertices: FloatArray, corner: IntArray, quadrics: FloatArray, areas: FloatArray, spot: FloatArray
) -> float:
    u, v = corner[edge], corner[following(edge)]
    return merge(quadrics[u], quadrics[v], vertices[u], vertices[v], areas[u] + areas[v], spot)


@njit(cache=True)
def _weigh_around(
    vertex: int,
    vertices: FloatArray,
    corner: IntArray,
    opposite: IntArray,
    out: IntArray,
    quadrics: FloatArray,
    areas: FloatArray,
    spot: FloatArray,
    items: IntArray,
    place: IntArray,
    key: FloatArray,
    size: int,
) -> int:
    """Put the edges at a vertex on the heap, or in their new place there; the heap's size."""
    walk = out[vertex]
    while True:
        edge = edge_of(walk, opposite)
        size = put(items, place, key, size, edge, _cost(edge, vertices, corner, quadrics, areas, spot))
        before = preceding(walk)
        walk = opposite[before]
        if walk < 0:
            return put(items, place, key, size, before, _cost(before, vertices, corner, quadrics, areas, spot))
        if walk == out[vertex]:
            return size


@njit(cache=True)
def _unlist(half_edge: int, opposite: IntArray, items: IntArray, place: IntArray, key: FloatArray, size: int) -> int:
    """Take the edges of the faces of an edge off the heap; the heap's size."""
    for side in (half_edge, opposite[half_edge]):
        if side >= 0:
            for h in (side, following(side), preceding(side)):
                size = remove(items, place, key, size, edge_of(h, opposite))
    return size


@njit(cache=True)
def _part_of(half_edge: int, opposite: IntArray, place: IntArray, crumb: IntArray) -> int:
    """Write the faces of a half-edge's component to `crumb`; how many, 0 if an edge is on the heap or they are more."""
    crumb[0] = half_edge // 3
    n_crumb, n_done = 1, 0
    while n_done < n_crumb:
        face = crumb[n_done]
        n_done += 1
        for h in range(3 * face, 3 * face + 3):
            if place[edge_of(h, opposite)] >= 0:
                return 0
            neighbour = opposite[h] // 3 if opposite[h] >= 0 else face
            if (crumb[:n_crumb] != neighbour).all():
                if n_crumb == len(crumb):
                    return 0
                crumb[n_crumb] = neighbour
                n_crumb += 1
    return n_crumb


@njit(cache=True)
def _extent(
    crumb: IntArray, vertices: FloatArray, corner: IntArray, areas: FloatArray, mark: IntArray
) -> tuple[float, float]:
    """The area that the vertices of some faces stand for, and the squared diagonal of their bounding box."""
    area = 0.0
    lower, upper = np.full(3, np.inf), np.full(3, -np.inf)
    for face in crumb:
        for vertex in corner[3 * face : 3 * face + 3]:
            if mark[vertex] != -2:
                mark[vertex] = -2
                area += areas[vertex]
            lower = np.minimum(lower, vertices[vertex])
            upper = np.maximum(upper, vertices[vertex])
    for face in crumb:
        for vertex in corner[3 * face : 3 * face + 3]:
            mark[vertex] = -1
    return area, ((upper - lower) ** 2).sum()
