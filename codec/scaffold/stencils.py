"""Which control vertices the points of a dense surface depend on, patch by patch, and the matrix pattern that follows.

A patch is what subdivision makes of one control face. All of its points depend on the control vertices near that face,
its *support*: sums over points of products of weights are sums over patches of small dense matrices.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from ..compiled import njit
from .topology import IntArray, Topology, split_in_four, topology

FloatArray = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Stencils:
    """The weights of control vertices in the vertices of each patch.

    Attributes
    ----------
    corners : (T, 3) int64
        Vertices of a patch's triangles, numbered within the patch; the same for all.
    starts : (F + 1,) int64
        Where the support of each patch begins.
    support : (S,) int64
        Control vertices, ascending in each patch.
    weights : (N S,) float64
        For each patch, of K supporting vertices: an (N, K) array of their weights in its N vertices.
    rows : (V + 1,) int64
    columns : (B,) int64
        The pattern, as in a csr matrix: pairs of control vertices that support a patch together, or are the same.
    places : (L,) int64
        For each patch, where in `columns` the pairs (i, j <= i) of its support stand, row by row.
    """

    corners: IntArray
    starts: IntArray
    support: IntArray
    weights: FloatArray
    rows: IntArray
    columns: IntArray
    places: IntArray


def stencils(mesh: Topology, matrix: csr_array, n_patches: int) -> Stencils:
    """The stencils of a subdivided mesh.

    Parameters
    ----------
    mesh : Topology
        Of the dense triangles: those of a patch stand together, in the order of `topology.split_in_four`.
    matrix : (V', V) csr_array of float64
        Dense vertices from control vertices.
    n_patches : int
        F, the number of control faces.
    """
    n_triangles = len(mesh.faces) // n_patches
    corners = _patch(n_triangles)
    _, first = np.unique(corners, return_index=True)
    vertices = mesh.faces.reshape(n_patches, -1)[:, first]  # (F, N)
    arrays = matrix.indptr.astype(np.int64), matrix.indices.astype(np.int64), matrix.data
    starts = _supports(vertices, arrays[0], arrays[1], matrix.shape[1])
    support, weights = np.empty(starts[-1], np.int64), np.zeros(len(first) * starts[-1])
    _weights(vertices, *arrays, matrix.shape[1], starts, support, weights)
    each = csr_array((np.ones(len(support), np.int32), support, starts), shape=(n_patches, matrix.shape[1]))
    pattern = (each.T @ each).tocsr()
    pattern.sort_indices()
    rows, columns = pattern.indptr.astype(np.int64), pattern.indices.astype(np.int64)
    sizes = np.diff(starts)
    places = np.empty(int((sizes * (sizes + 1) // 2).sum()), np.int64)
    _find(starts, support, rows, columns, places)
    return Stencils(corners, starts, support, weights, rows, columns, places)


def _patch(n_triangles: int) -> IntArray:
    """The triangles of a patch."""
    mesh = topology(np.array([[0, 1, 2]]), 3)
    while len(mesh.faces) < n_triangles:
        mesh = split_in_four(mesh)
    return mesh.faces


@njit(cache=True)
def _supports(vertices: IntArray, rows: IntArray, columns: IntArray, n: int) -> IntArray:
    """(F + 1,) running total of the sizes of the supports."""
    seen = np.full(n, -1)
    starts = np.zeros(len(vertices) + 1, np.int64)
    for patch in range(len(vertices)):
        size = 0
        for vertex in vertices[patch]:
            for entry in range(rows[vertex], rows[vertex + 1]):
                if seen[columns[entry]] != patch:
                    seen[columns[entry]] = patch
                    size += 1
        starts[patch + 1] = starts[patch] + size
    return starts


@njit(cache=True)
def _weights(
    vertices: IntArray,
    rows: IntArray,
    columns: IntArray,
    values: FloatArray,
    n: int,
    starts: IntArray,
    support: IntArray,
    weights: FloatArray,
) -> None:
    """Fill in the supports and the weights."""
    seen, place = np.full(n, -1), np.zeros(n, np.int64)
    n_vertices = vertices.shape[1]
    for patch in range(len(vertices)):
        begin, size = starts[patch], 0
        for vertex in vertices[patch]:
            for entry in range(rows[vertex], rows[vertex + 1]):
                if seen[columns[entry]] != patch:
                    seen[columns[entry]] = patch
                    support[begin + size] = columns[entry]
                    size += 1
        own = support[begin : begin + size]
        own.sort()
        for i in range(size):
            place[own[i]] = i
        for i in range(n_vertices):
            for entry in range(rows[vertices[patch, i]], rows[vertices[patch, i] + 1]):
                weights[n_vertices * begin + size * i + place[columns[entry]]] += values[entry]


@njit(cache=True)
def _find(starts: IntArray, support: IntArray, rows: IntArray, columns: IntArray, places: IntArray) -> None:
    """Fill in the places of pairs."""
    found = 0
    for patch in range(len(starts) - 1):
        own = support[starts[patch] : starts[patch + 1]]
        for i in range(len(own)):
            # Both are ascending: one walk along the row finds them all.
            place = rows[own[i]]
            for j in range(i + 1):
                while columns[place] != own[j]:
                    place += 1
                places[found] = place
                found += 1
