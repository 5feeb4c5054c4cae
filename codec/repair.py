"""What a triangle mesh needs before its winding number means something: welding, no repeats, one orientation."""

from __future__ import annotations

from typing import Any

import igl
import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


def checked(vertices: Any, faces: Any) -> tuple[FloatArray, IntArray]:
    """Vertices (V, 3) float64 and faces (F, 3) int64, or ValueError where they are no mesh."""
    vertices = np.ascontiguousarray(vertices, dtype=np.float64)
    faces = np.ascontiguousarray(faces, dtype=np.int64)
    if vertices.ndim != 2 or vertices.shape[1] != 3:
        raise ValueError(f"vertices have shape {vertices.shape}, not (V, 3)")
    if faces.ndim != 2 or faces.shape[1] != 3 or not len(faces):
        raise ValueError(f"faces have shape {faces.shape}, not (F, 3) with F > 0")
    if faces.min() < 0 or faces.max() >= len(vertices):
        raise ValueError(f"faces name vertices {faces.min()} to {faces.max()} of {len(vertices)}")
    if not np.isfinite(vertices[faces.ravel()]).all():
        raise ValueError("a vertex in use is not finite")
    return vertices, faces


def weld(vertices: FloatArray, faces: IntArray) -> tuple[FloatArray, IntArray]:
    """Vertices in use without exact repeats, and the faces over them.

    Parameters
    ----------
    vertices : (V, 3) float64
    faces : (F, 3) int64

    Returns
    -------
    vertices : (V', 3) float64
        Lexicographically sorted.
    faces : (F, 3) int64
        The same triangles in the same order; some may have become degenerate.
    """
    used = np.zeros(len(vertices), bool)
    used[faces.ravel()] = True
    old = np.flatnonzero(used)
    points = vertices[old] + 0.0  # -0 and 0 are one position
    order = np.lexsort(points.T[::-1])
    points = points[order]
    is_new = np.ones(len(points), bool)
    is_new[1:] = (points[1:] != points[:-1]).any(axis=1)
    index = np.empty(len(vertices), np.int64)
    index[old[order]] = np.cumsum(is_new) - 1
    return np.ascontiguousarray(points[is_new]), np.ascontiguousarray(index[faces])


def distinct_faces(vertices: FloatArray, faces: IntArray) -> IntArray:
    """Rows of `faces` that have an area and do not repeat an earlier row with the same orientation."""
    corners = vertices[faces]
    normal = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    rows = np.flatnonzero(np.linalg.norm(normal, axis=1) > 0)
    names, parity = _face_names(faces[rows])
    names = np.column_stack([names, parity])
    order = np.lexsort(names.T)
    is_new = np.ones(len(rows), bool)
    is_new[1:] = (names[order[1:]] != names[order[:-1]]).any(axis=1)
    return np.sort(rows[order[is_new]])


def opposite_twins(faces: IntArray) -> IntArray:
    """Rows of distinct faces whose three vertices are also those of an earlier face, the other way round."""
    names, _ = _face_names(faces)
    order = np.lexsort(names.T)
    is_twin = np.zeros(len(faces), bool)
    is_twin[1:] = (names[order[1:]] == names[order[:-1]]).all(axis=1)
    return np.sort(order[is_twin])


def _face_names(faces: IntArray) -> tuple[IntArray, NDArray[np.bool_]]:
    """The sorted vertices of each face, and whether sorting them reversed its orientation."""
    order = np.argsort(faces, axis=1)
    reversed_ = (order[:, 1] - order[:, 0]) % 3 == 2
    return np.take_along_axis(faces, order, axis=1), reversed_


def split(corners: FloatArray, longest: float) -> tuple[FloatArray, IntArray]:
    """Triangles (F, 3, 3) halved across their longest edge until it is at most `longest`, and the row of each piece.

    Stops early once the pieces are many more than the faces.
    """
    budget = 2 * len(corners) + 300_000
    done: list[tuple[FloatArray, IntArray]] = []
    n_done, parent = 0, np.arange(len(corners))
    while len(corners):
        lengths = np.linalg.norm(corners - np.roll(corners, -1, axis=1), axis=2)  # (F, 3): corner i to corner i + 1
        which = lengths.argmax(axis=1)
        is_long = lengths.max(axis=1) > longest
        if n_done + len(corners) + is_long.sum() > budget:
            is_long[:] = False
        done.append((corners[~is_long], parent[~is_long]))
        n_done += len(done[-1][1])
        corners, parent, which = corners[is_long], parent[is_long], which[is_long]
        rows = np.arange(len(corners))
        start, end, apex = (corners[rows, (which + turn) % 3] for turn in range(3))
        middle = (start + end) / 2
        corners = np.concatenate([np.stack([start, middle, apex], 1), np.stack([middle, end, apex], 1)])
        parent = np.concatenate([parent, parent])
    return np.concatenate([part[0] for part in done]), np.concatenate([part[1] for part in done])


class Edges:
    """Undirected edges of faces: how many faces use each, one of them, and the sum of their directions."""

    def __init__(self, faces: IntArray) -> None:
        start, end = faces.ravel(), np.roll(faces, -1, axis=1).ravel()
        key = np.minimum(start, end) * (int(faces.max()) + 1) + np.maximum(start, end)
        _, first, inverse, self.count = np.unique(key, return_index=True, return_inverse=True, return_counts=True)
        self.first_face: IntArray = first // 3
        self.direction = np.bincount(inverse, np.where(start < end, 1, -1))


def consistent(vertices: FloatArray, faces: IntArray) -> IntArray:
    """Faces turned so that neighbours across a two-face edge agree, each patch as most of its area was."""
    edges = Edges(faces)
    if not np.any((edges.count == 2) & (edges.direction != 0)):
        return faces
    turned, patch = igl.bfs_orient(faces)
    n_patches = int(patch.max()) + 1
    corners = vertices[turned]
    cross = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]) / 2
    area = np.linalg.norm(cross, axis=1)
    # A cyclic shift is the same direction; a swap is not.
    same = (turned == faces).all(axis=1)
    for shift in (1, 2):
        same |= (turned == np.roll(faces, shift, axis=1)).all(axis=1)
    total = np.bincount(patch, area, minlength=n_patches)
    agreeing = np.bincount(patch, area * same, minlength=n_patches) / total
    # No clear majority: the direction in which the patch encloses a positive volume, seen from its centroid.
    middle = corners.mean(axis=1)
    moments = [np.bincount(patch, area * middle[:, axis], minlength=n_patches) for axis in range(3)]
    centroid = np.stack(moments, axis=1) / total[:, None]
    volume = np.bincount(patch, np.einsum("fx,fx->f", cross, middle - centroid[patch]), minlength=n_patches)
    undecided = np.abs(agreeing - 0.5) < 0.25
    turn = np.where(undecided, volume < 0, agreeing < 0.5)
    return np.ascontiguousarray(np.where(turn[patch][:, None], turned[:, ::-1], turned))


def patches(faces: IntArray) -> tuple[IntArray, NDArray[np.bool_]]:
    """The patch (0, 1, ...) of each face, connected by edges of two faces; and whether each patch has a border."""
    patch = igl.orientable_patches(faces)
    edges = Edges(faces)
    is_open = np.zeros(int(patch.max()) + 1, bool)
    is_open[patch[edges.first_face[edges.count == 1]]] = True
    return patch, is_open
