"""What a person does to a scan before decimating it: drop scraps, fill pinholes."""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from .contract import Mesh

_MOST_EDGES = 20  # of a hole that is filled; larger ones may be meant


def large_parts(mesh: Mesh, share: float) -> Mesh:
    """The connected parts of a mesh whose area is at least this share of all; all vertices stay.

    A decimator leaves a face or two of each part, however small: with many scraps it cannot get below their number.
    """
    n_vertices = len(mesh.vertices)
    start, end = mesh.faces[:, [0, 1]].ravel(), mesh.faces[:, [1, 2]].ravel()
    joined = coo_array((np.ones(len(start), np.int8), (start, end)), shape=(n_vertices, n_vertices))
    _, part = connected_components(joined, directed=False)
    first, second, third = (mesh.vertices[mesh.faces[:, corner]] for corner in range(3))
    area = np.linalg.norm(np.cross(second - first, third - first), axis=1)
    of_face = part[mesh.faces[:, 0]]
    of_part = np.bincount(of_face, weights=area)
    kept = of_part[of_face] >= share * area.sum()
    return mesh if kept.all() else Mesh(mesh.vertices, mesh.faces[kept])


def without_small_holes(mesh: Mesh) -> Mesh:
    """The mesh with its small holes closed, each by a fan around the mean of its border.

    A decimator keeps the borders of holes apart: with many pinholes it cannot get below their number. Only borders
    that pass through each of their vertices once are followed.
    """
    following: dict[int, int] = {}
    twice = set()
    for a, b in _border(mesh):
        twice.update({b} & following.keys())
        following[b] = a  # a fan runs along the border the other way than the faces do
    vertices, fans = [mesh.vertices], []
    n_vertices = len(mesh.vertices)
    for loop in _loops({a: b for a, b in following.items() if a not in twice}):
        vertices.append(mesh.vertices[loop].mean(axis=0, keepdims=True))
        fans += [(a, b, n_vertices) for a, b in zip(loop, loop[1:] + loop[:1], strict=True)]
        n_vertices += 1
    if not fans:
        return mesh
    return Mesh(np.concatenate(vertices), np.concatenate([mesh.faces, np.array(fans, np.int64)]))


def _border(mesh: Mesh) -> list[tuple[int, int]]:
    """Edges of one face, in its direction, in lexicographic order."""
    start, end = mesh.faces.ravel(), mesh.faces[:, [1, 2, 0]].ravel()
    n_vertices = len(mesh.vertices)
    single = np.setdiff1d(start * n_vertices + end, end * n_vertices + start)
    return list(zip((single // n_vertices).tolist(), (single % n_vertices).tolist(), strict=True))


def _loops(following: dict[int, int]) -> list[list[int]]:
    """Cycles of 3 to `_MOST_EDGES` steps."""
    found, seen = [], set()
    for first in following:
        loop, vertex = [], first
        while vertex in following and vertex not in seen:
            seen.add(vertex)
            loop.append(vertex)
            vertex = following[vertex]
        if loop and vertex == first and 3 <= len(loop) <= _MOST_EDGES:
            found.append(loop)
    return found
