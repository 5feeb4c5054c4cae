"""Collapsing the cheapest edges first, and leaving out whole parts in their turn; compiled."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from ..compiled import njit
from .collapse import collapse, edge_of, flips, is_allowed
from .halfedges import following, preceding
from .heap import empty_heap, put, remove
from .losses import Accounts, SurfacePoints, give_up, loss, open_accounts
from .mend import cap_cost, cut, fill, handle_at, hole_at, is_handle
from .quadrics import merge

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
BoolArray = NDArray[np.bool_]

# What is lost with a part counts in one of the two directions of the Chamfer distance, what a collapse moves in both.
_ONE_WAY = 0.5


class Surface(NamedTuple):
    """A mesh that becomes coarser in place.

    Attributes
    ----------
    vertices, quadrics, areas : (V, 3), (V, 10), (V,) float64
        Positions, quadrics and surface areas that the vertices stand for.
    corner, opposite, out : (3 F,), (3 F,), (V,) int64
        See `collapse`.
    alive : (F,) bool
    """

    vertices: FloatArray
    quadrics: FloatArray
    areas: FloatArray
    corner: IntArray
    opposite: IntArray
    out: IntArray
    alive: BoolArray


class _Work(NamedTuple):
    """What could be done next, cheapest first, and scratch.

    Items are edges to collapse, by name; then edges to mend at; then parts to leave out.
    """

    items: IntArray
    place: IntArray
    key: FloatArray
    size: IntArray  # (1,)
    spot: FloatArray  # (3,) where the vertices of an edge merge
    mark: IntArray  # (V,) see `is_allowed`
    side: IntArray  # (F,) see `is_handle`
    unused: IntArray  # (V,) vertices that are gone
    n_unused: IntArray  # (1,)


class Parts(NamedTuple):
    """The connected components of a mesh as candidates for leaving out.

    Attributes
    ----------
    of_face : (F,) int64
    faces, starts : (F,), (P + 1,) int64
        The faces of part p, alive or not, are `faces[starts[p]:starts[p + 1]]`.
    n_vertices : (P,) int64
        Of what is alive.
    accounts : Accounts
    free, n_free : (F,), (P,) int64
        Faces of part p that are gone: `free[starts[p]:starts[p] + n_free[p]]`.
    """

    of_face: IntArray
    faces: IntArray
    starts: IntArray
    n_vertices: IntArray
    accounts: Accounts
    free: IntArray
    n_free: IntArray


def parts_of(points: FloatArray, faces: IntArray, part: IntArray, standing: SurfacePoints) -> Parts:
    """The parts (F,) of a mesh; `standing` are points of the surface that it stands for."""
    order = np.argsort(part, kind="stable")
    n_parts = int(part.max()) + 1
    starts = np.searchsorted(part[order], np.arange(n_parts + 1))
    of_vertex = np.zeros(len(points), np.int64)
    of_vertex[faces] = part[:, None]
    n_vertices = np.bincount(of_vertex[np.unique(faces)], minlength=n_parts)
    accounts = open_accounts(points, faces, part, standing)
    return Parts(part, order, starts, n_vertices, accounts, np.empty(len(faces), np.int64), np.zeros(n_parts, np.int64))


@njit(cache=True)
def collapse_to(n_faces: int, surface: Any, parts: Any) -> int:
    """Make a surface coarser, by what costs least first, until at most `n_faces` faces are alive or nothing helps.

    Edges collapse. Where one cannot, since that would close a hole of three edges or pinch a handle, the hole is filled
    or the handle cut. A part goes as a whole when what is lost with it, for each of its vertices, is the least cost of
    all; the last one stays.

    Parameters
    ----------
    n_faces : int
    surface : Surface
    parts : Parts

    Returns
    -------
    n_alive : int
        Faces alive now.
    """
    n_edges, n_alive = len(surface.corner), int(surface.alive.sum())
    work = _no_work(surface, parts)
    for part in range(len(parts.n_vertices)):
        if parts.accounts.is_left[part]:
            _put(work, 2 * n_edges + part, _part_cost(parts, part))
    while n_alive > n_faces:
        for h in range(n_edges):
            if surface.alive[h // 3] and edge_of(h, surface.opposite) == h:
                _put(work, h, _cost(h, surface, work.spot))
        before = n_alive
        while work.size[0] and n_alive > n_faces:
            item = work.items[0]
            _remove(work, item)
            if item >= 2 * n_edges:
                n_alive -= _leave_out(item - 2 * n_edges, item, surface, parts, work)
            elif item >= n_edges:
                n_alive += _mend(item - n_edges, item, surface, parts, work)
            else:
                n_alive -= _collapse(item, surface, parts, work)
        if n_alive == before:
            break
    return n_alive


@njit(cache=True)
def _no_work(surface: Any, parts: Any) -> Any:
    n_edges, n_vertices = len(surface.corner), len(surface.vertices)
    items, place, key = empty_heap(2 * n_edges + len(parts.n_vertices))
    return _Work(
        items,
        place,
        key,
        np.zeros(1, np.int64),
        np.empty(3),
        np.full(n_vertices, -1),
        np.zeros(n_edges // 3, np.int64),
        np.empty(n_vertices, np.int64),
        np.zeros(1, np.int64),
    )


@njit(cache=True)
def _put(work: Any, item: int, cost: float) -> None:
    work.size[0] = put(work.items, work.place, work.key, work.size[0], item, cost)


@njit(cache=True)
def _remove(work: Any, item: int) -> None:
    work.size[0] = remove(work.items, work.place, work.key, work.size[0], item)


@njit(cache=True)
def _part_cost(parts: Any, part: int) -> float:
    """The cost of leaving out a part, for each vertex that this saves; never falls."""
    return _ONE_WAY * loss(parts.accounts, part) / parts.n_vertices[part]


@njit(cache=True)
def _leave_out(part: int, item: int, surface: Any, parts: Any, work: Any) -> int:
    """Leave out a part if that still costs as little as was thought; how many faces go."""
    cost = _part_cost(parts, part)
    if cost > work.key[item]:
        _put(work, item, cost)
        return 0
    if cost == np.inf or parts.accounts.is_left.sum() == 1:
        return 0
    give_up(parts.accounts, part)
    n_gone = 0
    for face in parts.faces[parts.starts[part] : parts.starts[part + 1]]:
        n_gone += surface.alive[face]
        surface.alive[face] = False
    return n_gone


@njit(cache=True)
def _collapse(edge: int, surface: Any, parts: Any, work: Any) -> int:
    """Collapse an edge if that is allowed, or plan to mend the surface there; how many faces go."""
    vertices, corner, opposite, out = surface.vertices, surface.corner, surface.opposite, surface.out
    if not surface.alive[edge // 3]:
        return 0
    u, v = corner[edge], corner[following(edge)]
    merge(surface.quadrics[u], surface.quadrics[v], vertices[u], vertices[v], 0.0, work.spot)
    if not is_allowed(edge, corner, opposite, out, work.mark):
        third, cost = _mending(edge, surface, work)
        if third >= 0:
            _put(work, len(corner) + edge, cost)
        return 0
    if flips(u, v, work.spot, vertices, corner, opposite, out) or flips(
        v, u, work.spot, vertices, corner, opposite, out
    ):
        return 0
    part, twin, n_gone = parts.of_face[edge // 3], opposite[edge], 1
    _free_face(parts, part, edge // 3)
    if twin >= 0:
        _free_face(parts, part, twin // 3)
        n_gone = 2
    parts.n_vertices[part] -= 1
    work.unused[work.n_unused[0]] = v
    work.n_unused[0] += 1
    _unlist(edge, surface, work)
    collapse(edge, corner, opposite, out, surface.alive)
    vertices[u] = work.spot
    surface.quadrics[u] += surface.quadrics[v]
    surface.areas[u] += surface.areas[v]
    _weigh_around(u, surface, work)
    return n_gone


@njit(cache=True)
def _mending(edge: int, surface: Any, work: Any) -> tuple[int, float]:
    """The third vertex of the hole or the handle at an edge, -1 if there is none, and what it costs to mend it."""
    corner, opposite, out, vertices = surface.corner, surface.opposite, surface.out, surface.vertices
    is_hole = opposite[edge] < 0
    third = hole_at(edge, corner, opposite, out) if is_hole else handle_at(edge, corner, opposite, out, work.mark)
    if third < 0:
        return -1, np.inf
    cost = cap_cost(vertices[corner[edge]], vertices[corner[following(edge)]], vertices[third])
    return third, cost * (_ONE_WAY if is_hole else 2 * _ONE_WAY)


@njit(cache=True)
def _mend(edge: int, item: int, surface: Any, parts: Any, work: Any) -> int:
    """Fill the hole or cut the handle at an edge if it is still there and as cheap; how many faces are added."""
    corner, opposite, out = surface.corner, surface.opposite, surface.out
    if not surface.alive[edge // 3] or edge_of(edge, opposite) != edge:
        return 0
    third, cost = _mending(edge, surface, work)
    part, n_caps = parts.of_face[edge // 3], 1 if opposite[edge] < 0 else 2
    if third < 0 or parts.n_free[part] < n_caps:
        return 0
    if cost > work.key[item]:
        _put(work, item, cost)
        return 0
    u, v = corner[edge], corner[following(edge)]
    if n_caps == 1:
        fill(edge, _take_face(parts, part), corner, opposite, out, surface.alive)
    elif work.n_unused[0] < 3 or not is_handle(edge, third, corner, opposite, out, work.side):
        return 0
    else:
        copies = (_copied(u, surface, work), _copied(v, surface, work), _copied(third, surface, work))
        caps = (_take_face(parts, part), _take_face(parts, part))
        cut(edge, third, copies, caps, corner, opposite, out, surface.alive)
        parts.n_vertices[part] += 3
        for vertex in copies:
            _weigh_around(vertex, surface, work)
    for vertex in (u, v, third):
        _weigh_around(vertex, surface, work)
    return n_caps


@njit(cache=True)
def _copied(vertex: int, surface: Any, work: Any) -> int:
    """Another vertex in the same place, to which half of what this one stands for goes."""
    work.n_unused[0] -= 1
    copy = work.unused[work.n_unused[0]]
    surface.vertices[copy] = surface.vertices[vertex]
    surface.quadrics[vertex] /= 2
    surface.quadrics[copy] = surface.quadrics[vertex]
    surface.areas[vertex] /= 2
    surface.areas[copy] = surface.areas[vertex]
    return copy


@njit(cache=True)
def _free_face(parts: Any, part: int, face: int) -> None:
    parts.free[parts.starts[part] + parts.n_free[part]] = face
    parts.n_free[part] += 1


@njit(cache=True)
def _take_face(parts: Any, part: int) -> int:
    """A face of a part that is gone, to be used again."""
    parts.n_free[part] -= 1
    return parts.free[parts.starts[part] + parts.n_free[part]]


@njit(cache=True)
def _cost(edge: int, surface: Any, spot: FloatArray) -> float:
    u, v = surface.corner[edge], surface.corner[following(edge)]
    area = surface.areas[u] + surface.areas[v]
    return merge(surface.quadrics[u], surface.quadrics[v], surface.vertices[u], surface.vertices[v], area, spot)


@njit(cache=True)
def _weigh_around(vertex: int, surface: Any, work: Any) -> None:
    """Put the edges at a vertex on the heap, or in their new place there."""
    walk = surface.out[vertex]
    while True:
        edge = edge_of(walk, surface.opposite)
        _put(work, edge, _cost(edge, surface, work.spot))
        before = preceding(walk)
        walk = surface.opposite[before]
        if walk < 0:
            _put(work, before, _cost(before, surface, work.spot))
            return
        if walk == surface.out[vertex]:
            return


@njit(cache=True)
def _unlist(half_edge: int, surface: Any, work: Any) -> None:
    """Take the edges of the faces of an edge off the heap."""
    for side in (half_edge, surface.opposite[half_edge]):
        if side >= 0:
            for h in (side, following(side), preceding(side)):
                _remove(work, edge_of(h, surface.opposite))
