"""Any triangles as oriented manifold sheets, without moving a corner: what a control mesh is made from.

    weld, drop repeats -> glue faces in pairs across edges -> orient each sheet -> corners glued together are a vertex

Where more than two faces meet at an edge, who is glued to whom decides how the surface comes apart (`pairing`). Sheets
that only touch get vertices of their own. Vertices of the result may therefore coincide; that is the price of a
surface every part of which is a plain 2-manifold.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..compiled import njit
from ..repair import checked, weld
from .halfedges import by_edge, corner_fans, edge_starts, face_parts, find, one_fan_each
from .pairing import pair_half_edges
from .topology import topology

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

# Rounds in which faces that share an edge twice over swap partners, before they are cut loose.
_SWAP_ROUNDS = 8


@dataclass(frozen=True)
class Sheets:
    """Oriented 2-manifolds with boundary.

    Attributes
    ----------
    vertices : (V, 3) float64
        Positions, each exactly that of an input vertex; several may coincide.
    faces : (F, 3) int64
        A simplicial manifold (`is_simplicial_manifold`), faces in the input's order.
    origin : (V,) int64
        The input vertex that each vertex comes from.
    part : (F,) int64
        The connected component of each face: 0, 1, ... in the order of their first faces.
    """

    vertices: FloatArray
    faces: IntArray
    origin: IntArray
    part: IntArray

    @property
    def n_parts(self) -> int:
        """Number of connected components."""
        return int(self.part.max()) + 1


def manifold_sheets(vertices: Any, faces: Any) -> Sheets:
    """The triangles of a mesh as oriented manifold sheets.

    Parameters
    ----------
    vertices : (V, 3) array_like of float
        Vertex positions, any finite unit and offset.
    faces : (F, 3) array_like of int
        Vertex indices. Soups, repeats, non-manifold edges and vertices and mixed orientation are allowed.

    Returns
    -------
    Sheets

    Raises
    ------
    ValueError
        Wrong shapes, an index out of range, coordinates that are not finite, no face with an area.

    Notes
    -----
    Dropped are faces that name a position twice, that repeat another one whatever their orientation (a sheet modelled
    with two sides is one sheet), and faces without an area unless they hold two others together. All other faces stay
    where they are. A sheet keeps the orientation of most of its area; a one-sided sheet (a Moebius strip) is cut where
    the input's orientation contradicts itself.
    """
    vertices, faces = checked(vertices, faces)
    points, welded = weld(vertices, faces)
    origin = np.empty(len(points), np.int64)
    origin[welded.ravel()[::-1]] = faces.ravel()[::-1]  # the last assignment, so the first corner, stays
    unit = _normalized(points)
    faces = _worthwhile(unit, welded)
    glued, turned = _orient(faces, pair_half_edges(unit, faces), _areas(unit, faces))
    faces = np.where(turned[:, None], faces[:, ::-1], faces)
    fans = _simplicial(faces, glued)
    part = face_parts(glued)
    kept = np.bincount(part, _areas(unit, faces))[part] > 0
    fans, part = fans.reshape(-1, 3)[kept], part[kept]
    if not len(fans):
        raise ValueError("no face of the mesh has an area")
    _, first, compact = np.unique(fans.ravel(), return_index=True, return_inverse=True)
    point = faces[kept].ravel()[first]
    return Sheets(
        vertices=points[point],
        faces=compact.reshape(-1, 3),
        origin=origin[point],
        part=np.unique(part, return_inverse=True)[1],
    )


def is_simplicial_manifold(faces: IntArray) -> bool:
    """Whether faces are an oriented 2-manifold, possibly with boundary, that its vertex triples describe fully.

    That is: three different vertices to a face, no two faces with the same three, no directed edge twice (so at most
    two faces at an edge, which agree in orientation), and the faces around each vertex form one fan.

    Parameters
    ----------
    faces : (F, 3) int64

    Returns
    -------
    bool
    """
    try:
        twins = topology(faces, int(faces.max(initial=-1)) + 1).twins
    except ValueError:
        return False
    return one_fan_each(faces, twins)


def _normalized(points: FloatArray) -> FloatArray:
    """The points moved and scaled into a unit cube, so that areas neither vanish nor overflow."""
    lower = points.min(axis=0)
    extent = float((points / 2 - lower / 2).max())
    return (points / 2 - lower / 2) / (extent or 1.0)


def _areas(points: FloatArray, faces: IntArray) -> FloatArray:
    """Twice the area of each face."""
    corners = points[faces]
    return np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1)


def _distinct(faces: IntArray) -> IntArray:
    """Rows of faces whose three vertices are not those of an earlier face, ascending."""
    names = np.sort(faces, axis=1)
    order = np.lexsort(names.T)
    is_new = np.ones(len(faces), bool)
    is_new[1:] = (names[order[1:]] != names[order[:-1]]).any(axis=1)
    return np.sort(order[is_new])


def _worthwhile(points: FloatArray, faces: IntArray) -> IntArray:
    """The faces without repeats and without those that neither have an area nor hold two others together."""
    a, b, c = faces.T
    faces = faces[(a != b) & (b != c) & (c != a)]
    faces = faces[_distinct(faces)]
    flat = _areas(points, faces) == 0
    while flat.any():
        start, end = faces.ravel(), np.roll(faces, -1, axis=1).ravel()
        order = by_edge(start, end)
        sizes = np.diff(np.append(edge_starts(start, end, order), len(order)))
        is_shared = np.empty(len(order), bool)
        is_shared[order] = np.repeat(sizes > 1, sizes)
        n_shared = is_shared.reshape(-1, 3).sum(axis=1)
        useless = flat & (n_shared < 2)
        if not useless.any():
            break
        faces, flat = faces[~useless], flat[~useless]
    if not len(faces):
        raise ValueError("no face of the mesh has an area")
    return faces


def _orient(faces: IntArray, partner: IntArray, areas: FloatArray) -> tuple[IntArray, NDArray[np.bool_]]:
    """Faces turned so that glued neighbours agree.

    Returns
    -------
    glued : (3 F,) int64
        `partner` of the half-edges of the turned faces, without the pairs that cannot agree.
    turned : (F,) bool
        Which faces are to be read backwards.
    """
    start = faces.ravel()
    first = np.flatnonzero(partner > np.arange(len(partner)))
    agree = start[first] != start[partner[first]]
    # The pairs that agree already come first: a one-sided sheet is cut where the input has a seam.
    first = np.concatenate([first[agree], first[~agree]])
    root, parity, cut = _two_colour(len(faces), first // 3, partner[first] // 3, int(agree.sum()))
    glued = partner.copy()
    glued[first[cut]] = -1
    glued[partner[first[cut]]] = -1
    upright = np.bincount(root, np.where(parity, -areas, areas), minlength=len(faces)) >= 0
    turned = parity == upright[root]
    # Of a face read backwards, half-edges 0 and 1 change places.
    half_edges = np.arange(len(glued)).reshape(-1, 3)
    place = np.where(turned[:, None], half_edges[:, [1, 0, 2]], half_edges).ravel()
    moved = np.full(len(glued), -1)
    is_glued = glued >= 0
    moved[place[is_glued]] = place[glued[is_glued]]
    return moved, turned


@njit(cache=True)
def _two_colour(
    n_faces: int, first: IntArray, second: IntArray, n_equal: int
) -> tuple[IntArray, NDArray[np.bool_], NDArray[np.bool_]]:
    """Colours of faces such that the first `n_equal` pairs are equal and the others are not.

    Pairs come first to last; one that contradicts those before it is left as it is.
    Returns the root of each face's component, its colour relative to the root's, and the pairs left unsatisfied.
    """
    # Item f is face f as it is, item f + n_faces the face turned round: a union-find forest over both holds parities.
    parent = np.arange(2 * n_faces)
    cut = np.zeros(len(first), np.bool_)
    for pair in range(len(first)):
        upright, turned = second[pair], second[pair] + n_faces
        if pair >= n_equal:
            upright, turned = turned, upright
        here, there = find(parent, first[pair]), find(parent, upright)
        back, away = find(parent, first[pair] + n_faces), find(parent, turned)
        if here == away:
            cut[pair] = True
            continue
        parent[max(here, there)] = min(here, there)
        parent[max(back, away)] = min(back, away)
    root = np.empty(n_faces, np.int64)
    colour = np.zeros(n_faces, np.bool_)
    for face in range(n_faces):
        upright, turned = find(parent, face), find(parent, face + n_faces)
        # The smaller of the two roots is a face as it is: indices of turned ones are all larger.
        root[face] = min(upright, turned)
        colour[face] = upright > turned
    return root, colour, cut


def _simplicial(faces: IntArray, glued: IntArray) -> IntArray:
    """The vertex (fan) of each corner, such that vertices alone tell which half-edges are glued. Changes `glued`."""
    for n_rounds in range(len(faces) + _SWAP_ROUNDS):
        fans = corner_fans(glued)
        end = np.roll(fans.reshape(-1, 3), -1, axis=1).ravel()
        order = by_edge(fans, end)
        starts = np.append(edge_starts(fans, end, order), len(order))
        if not _untangle(fans, glued, order, starts, n_rounds < _SWAP_ROUNDS):
            _close(glued, order, starts)
            return fans
    raise AssertionError("each round cuts a face loose")


@njit(cache=True)
def _untangle(fans: IntArray, glued: IntArray, order: IntArray, starts: IntArray, may_swap: bool) -> bool:
    """Mend the edges that two vertices do not name uniquely; whether there was one that moved a vertex."""
    changed = False
    for group in range(len(starts) - 1):
        half_edges = order[starts[group] : starts[group + 1]]
        first = half_edges[0]
        if len(half_edges) == 1 or (len(half_edges) == 2 and glued[first] == half_edges[1]):
            continue
        if len(half_edges) == 2 and fans[first] != fans[half_edges[1]]:
            continue  # two borders along the same vertices, to be closed
        changed = True
        pairs = [h for h in half_edges if glued[h] > h]
        if may_swap and len(pairs) > 1:
            # Two tunnels through one edge: other partners make it two edges, and nothing is torn open.
            h, k = pairs[0], pairs[1]
            if fans[h] != fans[k]:
                k = glued[k]
            other_h, other_k = glued[h], glued[k]
            glued[h], glued[other_k] = other_k, h
            glued[k], glued[other_h] = other_h, k
            continue
        keep = pairs[0] if len(pairs) else first
        for h in half_edges:
            if h != keep and h != glued[keep]:
                _cut_loose(glued, h // 3)
    return changed


@njit(cache=True)
def _close(glued: IntArray, order: IntArray, starts: IntArray) -> None:
    """Glue what two vertices name: borders that run along each other."""
    for group in range(len(starts) - 1):
        if starts[group + 1] - starts[group] == 2:
            first, second = order[starts[group]], order[starts[group] + 1]
            glued[first], glued[second] = second, first


@njit(cache=True)
def _cut_loose(glued: IntArray, face: int) -> None:
    for half_edge in range(3 * face, 3 * face + 3):
        if glued[half_edge] >= 0:
            glued[glued[half_edge]] = -1
            glued[half_edge] = -1
