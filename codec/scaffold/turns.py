"""Edges of a control mesh turned so that they run along what they were fitted to, not across it.

Decimation chooses where vertices are, and leaves their connections to chance. An edge between two faces may as well
join the other two corners of these; which is better shows once the mesh is fitted again.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..closest import Triangles
from .subdivision import Creased, creased
from .topology import Topology, topology
from .vectors import unit_vectors

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

# Where along an edge its distance to the target is looked at.
_PLACES = (0.25, 0.5, 0.75)
# The cosine of the angle up to which faces may be bent against each other, before or after.
_BENT = 0.5
_LEAST_VALENCE = 4  # of a vertex that loses an edge


def corners_of(mesh: Topology, edges: IntArray) -> IntArray:
    """(N, 4) the vertices around inner edges (N,): tail and head of each, and the corners to its left and right."""
    left, right = mesh.half_edges[edges].T
    tail, head, apex = (mesh.faces[left // 3, (left + k) % 3] for k in range(3))
    return np.stack([tail, head, apex, mesh.faces[right // 3, (right + 2) % 3]], axis=1)


def promising(control: Creased, points: FloatArray, surface: Triangles, least: float) -> IntArray:
    """Edges (N,) that come nearer to a target, as straight lines, by more than `least` when they are turned.

    Parameters
    ----------
    control : Creased
    points : (V, 3) float64
        Where the surface is at its vertices.
    surface : Triangles
        The target.
    least : float

    Returns
    -------
    (N,) int64
        Smooth inner edges that may be turned: what comes of it is a manifold, and nothing folds. Those that gain most,
        over the largest areas, come first; no two share any of their `corners_of`.
    """
    mesh, n = control.topology, control.n_vertices
    edges = np.flatnonzero(~mesh.is_boundary & (control.sharpness == 0))
    corners = corners_of(mesh, edges)
    names, wanted = mesh.edges @ [n, 1], np.sort(corners[:, 2:], axis=1) @ [n, 1]
    is_taken = np.isin(wanted, names)
    has_enough = (mesh.valences[corners[:, :2]] >= _LEAST_VALENCE).all(axis=1)
    tail, head, apex, other = points[corners].transpose(1, 0, 2)
    before = _normals(tail, head, apex), _normals(head, tail, other)
    after = _normals(tail, other, apex), _normals(head, apex, other)
    is_flat = np.ones(len(edges), bool)
    for first, second in ((after[0], after[1]), (before[0] + before[1], after[0] + after[1])):
        is_flat &= np.einsum("nx,nx->n", unit_vectors(first), unit_vectors(second)) > _BENT
    free = ~is_taken & has_enough & is_flat
    gain = _off(tail[free], head[free], surface) - _off(apex[free], other[free], surface)
    area = sum(np.linalg.norm(normal[free], axis=1) for normal in before)
    best_first = np.argsort(-gain * area, kind="stable")
    return _apart(edges[free], corners[free], best_first[gain[best_first] > least], n)


def turned(control: Creased, edges: IntArray) -> Creased:
    """A control mesh with some smooth inner edges (N,) turned, no two of one face; faces keep their places."""
    mesh, n = control.topology, control.n_vertices
    tail, head, apex, other = corners_of(mesh, edges).T
    left, right = (mesh.half_edges[edges] // 3).T
    faces = mesh.faces.copy()
    faces[left] = np.stack([tail, other, apex], axis=1)
    faces[right] = np.stack([head, apex, other], axis=1)
    after = topology(faces, n)
    sharpness = np.zeros(after.n_edges, np.uint8)
    # Edges are in lexicographic order, so that their names are sorted. What is turned is smooth before and after.
    sharp = np.flatnonzero(control.sharpness)
    sharpness[np.searchsorted(after.edges @ [n, 1], mesh.edges[sharp] @ [n, 1])] = control.sharpness[sharp]
    return creased(faces, n, sharpness, control.pinned)


def _normals(first: FloatArray, second: FloatArray, third: FloatArray) -> FloatArray:
    return np.cross(second - first, third - first)


def _off(start: FloatArray, end: FloatArray, surface: Triangles) -> FloatArray:
    """(N,) how far straight lines are from the target, in the mean."""
    along = [surface.distances(start + place * (end - start))[0] for place in _PLACES]
    return np.asarray(np.mean(along, axis=0), np.float64)


def _apart(edges: IntArray, corners: IntArray, order: IntArray, n_vertices: int) -> IntArray:
    taken = np.zeros(n_vertices, bool)
    chosen: list[int] = []
    for i in order:
        if not taken[corners[i]].any():
            taken[corners[i]] = True
            chosen.append(int(edges[i]))
    return np.array(chosen, np.int64)
