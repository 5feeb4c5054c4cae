"""The surface of a frame: that of the base shape, carried by the nodes.

::

    base surface --paths along it--> nodes of each vertex, weights
    nodes in the base, nodes in the frame --> A_i
    x(t) = sum of w_i (A_i (x - c_i) + p_i(t))

The local frames of LGCL re-centre: T_i(x) = (x - p_i) / spacing. Ours turn and stretch with the surface as well, T_i(x)
= A_i^-1 (x - p_i) / spacing, so that local codes stay what they are while the shape moves: those of the base serve all
frames. The surface of a region is then that of the base, moved, whatever method has coded it, and weights blend where
regions meet (embedded deformation [1]_).

References
----------
.. [1] R. W. Sumner, J. Schmid, M. Pauly, Embedded deformation for shape manipulation, ACM Transactions on Graphics
   26(3), 2007.
"""

from __future__ import annotations

import heapq

import numpy as np
import numpy.typing as npt
import scipy.sparse
from scipy.spatial import cKDTree

from ..compiled import njit

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

# Part of the format, never change.
N_CARRYING = 6  # nodes that a vertex follows
TURN = 0.01  # how much speaks for the rotation of the frame before, of what the edges say
STRETCH = 0.05  # how much speaks against a stretch
MOST_STRETCH = 3.0
_LEAST, _FIRST = 1e-30, 1e-9  # against divisions by zero


class NodeFrames:
    """How the surroundings of nodes turn and stretch.

    Parameters
    ----------
    nodes : (K, 3) float64
        In the base shape.
    edges : (E, 2) int64
        Pairs of nodes that move together, each once.
    """

    def __init__(self, nodes: FloatArray, edges: IntArray) -> None:
        self._n = len(nodes)
        self._edges = np.concatenate([edges, edges[:, ::-1]])
        self._arms = nodes[self._edges[:, 1]] - nodes[self._edges[:, 0]]
        self._strength = 1 / np.maximum((self._arms**2).sum(1), np.finfo(np.float64).tiny)
        self._spread = self._moments(self._arms)

    def of(self, positions: FloatArray, before: FloatArray | None = None) -> FloatArray:
        """What has become of the surroundings of each node since the base shape.

        Parameters
        ----------
        positions : (K, 3) float64
            Of the nodes in a frame.
        before : (K, 3, 3) float64, optional
            What this gave for the frame before; by default there is none.

        Returns
        -------
        turned : (K, 3, 3) float64
        """
        moments = self._moments(positions[self._edges[:, 1]] - positions[self._edges[:, 0]])
        size = np.linalg.norm(moments, axis=(1, 2), keepdims=True) + _LEAST
        prior = np.eye(3) if before is None else _rotations(before)
        rotations = _rotations(moments + TURN * size * prior)
        held = STRETCH * np.trace(self._spread, axis1=1, axis2=2)[:, None, None] + _LEAST
        stretched = (moments + held * rotations) @ np.linalg.inv(self._spread + held * np.eye(3))
        left, sizes, right = np.linalg.svd(stretched)
        found: FloatArray = (left * sizes.clip(1 / MOST_STRETCH, MOST_STRETCH)[:, None]) @ right
        return found

    def _moments(self, now: FloatArray) -> FloatArray:
        """(K, 3, 3) of the edges in a frame with those in the base, of a node and, half, of those it moves with."""
        start, end = self._edges.T
        each = np.zeros((self._n, 3, 3))
        np.add.at(each, start, (now * self._strength[:, None])[:, :, None] * self._arms[:, None])
        found = each.copy()
        # Its own edges may lie in a line or in a plane.
        np.add.at(found, start, each[end] / 2)
        return found


class Carrier:
    """A surface that follows nodes.

    Parameters
    ----------
    vertices : (V, 3) float64
        Of the base shape.
    nodes : (K, 3) float64
        In the base shape, in the same unit.
    chosen : (V, 6) int64
    weights : (V, 6) float64
        As `carrying_nodes` gives them.
    """

    def __init__(self, vertices: FloatArray, nodes: FloatArray, chosen: IntArray, weights: FloatArray) -> None:
        self._chosen, self._each = chosen, weights
        self._arms = vertices[:, None] - nodes[chosen]  # (V, 6, 3)
        rows = np.repeat(np.arange(len(vertices)), weights.shape[1])
        self.weights = scipy.sparse.csr_matrix((weights.ravel(), (rows, chosen.ravel())), (len(vertices), len(nodes)))

    def turned(self, turned: FloatArray) -> FloatArray:
        """(V, 3) what the vertices are without the nodes' positions: the weighted sum of A_i (x - c_i)."""
        found = np.zeros((len(self._arms), 3))
        for n in range(self._chosen.shape[1]):
            found += self._each[:, n, None] * np.einsum("vij,vj->vi", turned[self._chosen[:, n]], self._arms[:, n])
        return found

    def carried(self, positions: FloatArray, turned: FloatArray) -> FloatArray:
        """(V, 3) vertices of a frame, from (K, 3) positions of the nodes and what `NodeFrames.of` gives for these."""
        found: FloatArray = self.turned(turned) + self.weights @ positions
        return found


def _rotations(matrices: FloatArray) -> FloatArray:
    """The rotations nearest to (K, 3, 3) matrices."""
    left, _, right = np.linalg.svd(matrices)
    left[:, :, 2] *= np.sign(np.linalg.det(left) * np.linalg.det(right))[:, None]
    found: FloatArray = left @ right
    return found


def carrying_nodes(vertices: FloatArray, faces: IntArray, nodes: FloatArray) -> tuple[IntArray, FloatArray]:
    """The nodes that each vertex follows, by the shortest paths along the edges of the mesh.

    Parameters
    ----------
    vertices : (V, 3) float64
        Of the base shape.
    faces : (F, 3) int64
    nodes : (K, 3) float64
        In the base shape, in the same unit.

    Returns
    -------
    chosen : (V, 6) int64
    weights : (V, 6) float64
        Of sum 1; they fade to 0 where a seventh node becomes as near.
    """
    tree = cKDTree(vertices)
    away, start = tree.query(nodes)
    offsets, ends, lengths = _edges_of_vertices(vertices, faces)
    chosen, paths = _nearest_sources(offsets, ends, lengths, start, away, N_CARRYING + 1)
    alone = chosen[:, 0] < 0  # parts without a node follow the nodes that are near
    if alone.any():
        n = min(N_CARRYING + 1, len(nodes))
        distance, near = cKDTree(nodes).query(vertices[alone], n)
        paths[alone, :n], chosen[alone, :n] = distance.reshape(-1, n), near.reshape(-1, n)
    last = np.where(np.isfinite(paths), paths, 0).max(1, keepdims=True)
    few = chosen[:, 1] < 0
    weights = np.where(chosen >= 0, (1 - paths / np.maximum(last, _LEAST)).clip(min=0) ** 2, 0)
    weights[few] = np.eye(1, N_CARRYING + 1)
    weights[:, 0] += _FIRST
    weights = weights[:, :N_CARRYING]
    return np.maximum(chosen[:, :N_CARRYING], 0), weights / weights.sum(1, keepdims=True)


def _edges_of_vertices(vertices: FloatArray, faces: IntArray) -> tuple[IntArray, IntArray, FloatArray]:
    """Edges by their first vertex: where those of each begin, their other ends, their lengths."""
    pairs = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    pairs = np.concatenate([pairs, pairs[:, ::-1]])
    names = np.unique(pairs[:, 0] * len(vertices) + pairs[:, 1])
    start, end = names // len(vertices), names % len(vertices)
    lengths = np.linalg.norm(vertices[end] - vertices[start], axis=1)
    return np.searchsorted(start, np.arange(len(vertices) + 1)), end, lengths


@njit(cache=True)
def _nearest_sources(
    offsets: IntArray, ends: IntArray, lengths: FloatArray, start: IntArray, away: FloatArray, n: int
) -> tuple[IntArray, FloatArray]:
    """The n sources of the shortest paths to each vertex, nearest first, and lengths; -1 and infinity for none."""
    n_vertices = len(offsets) - 1
    chosen = np.full((n_vertices, n), -1)
    paths = np.full((n_vertices, n), np.inf)
    count = np.zeros(n_vertices, np.int64)
    heap = [(away[i], start[i], np.int64(i)) for i in range(len(start))]
    heapq.heapify(heap)
    while len(heap):
        path, vertex, source = heapq.heappop(heap)
        if count[vertex] == n or (chosen[vertex, : count[vertex]] == source).any():
            continue
        chosen[vertex, count[vertex]], paths[vertex, count[vertex]] = source, path
        count[vertex] += 1
        for e in range(offsets[vertex], offsets[vertex + 1]):
            if count[ends[e]] < n:
                heapq.heappush(heap, (path + lengths[e], ends[e], source))
    return chosen, paths
