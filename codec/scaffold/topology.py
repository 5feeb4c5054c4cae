"""Edges, half-edges and neighbours of an oriented triangle mesh, and of the same mesh with every face split in four.

A half-edge is one side of a face: number ``3 f + k`` runs from ``faces[f, k]`` to ``faces[f, (k + 1) % 3]``. An edge is
an unordered pair of vertices. Edges are numbered in the lexicographic order of their (smaller, larger) vertices, at
every level of refinement: crease flags and new vertices are counted in this order, which is part of the format.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

BoolArray = NDArray[np.bool_]
IntArray = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Topology:
    """An oriented 2-manifold of triangles, with or without boundary, and its edges.

    Attributes
    ----------
    faces : (F, 3) int64
        Counter-clockwise.
    n_vertices : int
        V; vertices without faces are allowed.
    face_edges : (F, 3) int64
        Edge of each half-edge.
    n_edges : int
        E.
    """

    faces: IntArray
    n_vertices: int
    face_edges: IntArray
    n_edges: int

    @cached_property
    def half_edges(self) -> IntArray:
        """(E, 2) int64: the half-edges of each edge, ascending; -1 second at the boundary."""
        edge = self.face_edges.ravel()
        first, last = np.empty((2, self.n_edges), np.int64)
        # Where an edge is named twice, the last assignment stays.
        first[edge[::-1]] = np.arange(len(edge))[::-1]
        last[edge] = np.arange(len(edge))
        last[last == first] = -1
        return np.stack([first, last], axis=1)

    @cached_property
    def edges(self) -> IntArray:
        """(E, 2) int64: the vertices of each edge, ascending; the rows are in lexicographic order."""
        first = self.half_edges[:, 0]
        return _ascending(self.faces.ravel()[first], self._heads[first])

    @cached_property
    def edge_faces(self) -> IntArray:
        """(E, 2) int64: the faces at each edge in the order of `half_edges`; -1 second at the boundary."""
        return self.half_edges // 3  # -1 // 3 is -1

    @cached_property
    def opposite(self) -> IntArray:
        """(E, 2) int64: the third vertices of `edge_faces`; -1 second at the boundary."""
        third = self.faces[:, [2, 0, 1]].ravel()[self.half_edges]
        return np.where(self.half_edges < 0, -1, third)

    @cached_property
    def is_boundary(self) -> BoolArray:
        """(E,) bool: whether an edge has one face only."""
        return self.half_edges[:, 1] < 0

    @cached_property
    def twins(self) -> IntArray:
        """(3 F,) int64: the half-edge on the other side of the same edge; -1 at the boundary."""
        first, second = self.half_edges.T
        twins = np.empty(self.faces.size, np.int64)
        twins[first] = second
        inner = ~self.is_boundary
        twins[second[inner]] = first[inner]
        return twins

    @cached_property
    def valences(self) -> IntArray:
        """(V,) int64: the number of edges at each vertex."""
        return np.bincount(self.edges.ravel(), minlength=self.n_vertices)

    @cached_property
    def stars(self) -> tuple[IntArray, IntArray]:
        """Edges at vertices: (2 E,) int64, ``2 e + i`` for ``edges[e, i]``, by vertex, then edge; (V + 1,) starts."""
        starts = np.concatenate([[0], np.cumsum(self.valences)])
        return _sorting(self.edges.ravel(), self.n_vertices), starts

    @property
    def _heads(self) -> IntArray:
        return self.faces[:, [1, 2, 0]].ravel()


def topology(faces: IntArray, n_vertices: int) -> Topology:
    """The edges of a mesh.

    Parameters
    ----------
    faces : (F, 3) int64
        Counter-clockwise; a 2-manifold with boundary in which no two faces have the same vertices.
    n_vertices : int

    Raises
    ------
    ValueError
        A face names a vertex twice or one that there is not, an edge has more than two faces or two that run along it
        in the same direction, or two faces have the same vertices.
    """
    if faces.size and (faces.min() < 0 or faces.max() >= n_vertices):
        raise ValueError(f"faces name vertices {faces.min()} to {faces.max()} of {n_vertices}")
    tails, heads = faces.ravel(), faces[:, [1, 2, 0]].ravel()
    if (tails == heads).any():
        raise ValueError("a face names a vertex twice")
    low, high = _ascending(tails, heads).T
    order = _lexicographic(low, high, n_vertices)
    names = low[order] * n_vertices + high[order]
    is_new = np.ones(len(order), bool)
    is_new[1:] = names[1:] != names[:-1]
    repeats = np.flatnonzero(~is_new)
    if not is_new[repeats - 1].all() or (tails[order[repeats]] == tails[order[repeats - 1]]).any():
        raise ValueError("an edge has more than two faces, or two that are not oriented alike")
    face_edges = np.empty(len(order), np.int64)
    face_edges[order] = np.cumsum(is_new) - 1
    found = Topology(faces, n_vertices, face_edges.reshape(-1, 3), int(is_new.sum()))
    if (found.opposite[:, 0] == found.opposite[:, 1]).any():
        raise ValueError("two faces have the same vertices")
    return found


def split_in_four(mesh: Topology) -> Topology:
    """The mesh with a new vertex on every edge and four faces for each.

    Vertices keep their numbers; the new one on edge e is V + e. Face (a, b, c) with the new vertices x on ab, y on bc
    and z on ca becomes (a, x, z), (b, y, x), (c, z, y), (x, y, z), in this order in the place of the one. Part of the
    format.
    """
    middles = mesh.n_vertices + mesh.face_edges
    before = [2, 0, 1]
    corners = np.stack([mesh.faces, middles, middles[:, before]], axis=2)  # (F, 3, 3)
    faces = np.concatenate([corners, middles[:, None]], axis=1).reshape(-1, 3)

    # Edges that lead to an old vertex come first in lexicographic order: by that vertex, then by the edge they halve.
    half = np.empty(2 * mesh.n_edges, np.int64)
    half[mesh.stars[0]] = np.arange(len(half))
    is_high = mesh.faces > mesh.faces[:, [1, 2, 0]]  # whether a half-edge starts at the larger vertex
    leaving, arriving = half[2 * mesh.face_edges + is_high], half[2 * mesh.face_edges + ~is_high]
    # Then the edges inside the old faces, between new vertices.
    low, high = _ascending(mesh.face_edges.ravel(), mesh.face_edges[:, before].ravel()).T
    inner = np.empty((len(faces) // 4, 3), np.int64)  # the edge that cuts off each corner
    inner.ravel()[_lexicographic(low, high, mesh.n_edges)] = len(half) + np.arange(len(low))

    sides = np.stack([leaving, inner, arriving[:, before]], axis=2)  # (F, 3, 3)
    face_edges = np.concatenate([sides, inner[:, None, [1, 2, 0]]], axis=1).reshape(-1, 3)
    return Topology(faces, mesh.n_vertices + mesh.n_edges, face_edges, len(half) + inner.size)


def _ascending(first: IntArray, second: IntArray) -> IntArray:
    return np.stack([np.minimum(first, second), np.maximum(first, second)], axis=1)


def _lexicographic(first: IntArray, second: IntArray, end: int) -> IntArray:
    """The stable order that sorts by `first`, then `second`; both lie in 0 .. end - 1."""
    order = _sorting(second, end)
    return order[_sorting(first[order], end)]


def _sorting(keys: IntArray, end: int) -> IntArray:
    """The stable order that sorts integers of 0 .. end - 1, in linear time: a counting sort is a matrix transposed."""
    n = len(keys)
    if not n:
        return np.zeros(0, np.int64)
    matrix = csr_array((np.ones(n, np.int8), keys, np.arange(n + 1)), shape=(n, end))
    return matrix.tocsc().indices.astype(np.int64)
