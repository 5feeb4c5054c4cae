"""Remove the crumbs of a level set: separate pieces too small to be a part of the shape."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import scipy.sparse
from scipy.sparse.csgraph import connected_components


def drop_crumbs(
    vertices: npt.NDArray[np.float64],
    faces: npt.NDArray[np.int64],
    extent: float,
    anchored: npt.NDArray[np.bool_] | None = None,
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """The mesh without connected pieces whose bounding boxes fit in a cube, or that nothing anchors.

    Parameters
    ----------
    vertices : (V, 3) float64
    faces : (F, 3) int64
    extent : float
        Edge of the cube, in the vertices' unit. If every piece fits, the largest stays.
    anchored : (F,) bool, optional
        A piece goes if it has no face that is anchored, unless no face is.

    Returns
    -------
    vertices : (V', 3) float64
    faces : (F', 3) int64
    """
    if not len(faces):
        return vertices, faces
    piece, size = pieces_of(vertices, faces)
    if len(size) == 1:
        return vertices, faces
    if anchored is not None and anchored.any():
        holds = np.zeros(len(size), bool)
        holds[piece[faces[anchored, 0]]] = True
        size[~holds] = 0
    kept = size > min(extent, np.nextafter(size.max(), 0))
    return without_unused(vertices, faces[kept[piece[faces[:, 0]]]])


def pieces_of(
    vertices: npt.NDArray[np.float64], faces: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
    """The connected piece (V,) that each vertex is in, and of each piece (P,) the longest side of its bounding box."""
    n_vertices = len(vertices)
    ends = faces[:, [1, 2]].ravel(), np.repeat(faces[:, 0], 2)
    graph = scipy.sparse.coo_matrix((np.ones(len(ends[0]), np.int8), ends), shape=(n_vertices, n_vertices))
    n_pieces, piece = connected_components(graph, directed=False)
    if n_pieces == 1:
        return piece.astype(np.int64), np.ptp(vertices, axis=0).max(keepdims=True)
    size = np.zeros(n_pieces)
    for axis in range(3):
        upper, lower = np.full(n_pieces, -np.inf), np.full(n_pieces, np.inf)
        np.maximum.at(upper, piece, vertices[:, axis])
        np.minimum.at(lower, piece, vertices[:, axis])
        size = np.maximum(size, upper - lower)
    return piece.astype(np.int64), size


def without_unused(
    vertices: npt.NDArray[np.float64], faces: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
    """The mesh without vertices that no face uses, the others in the same order."""
    used = np.zeros(len(vertices), bool)
    used[faces] = True
    return vertices[used], (np.cumsum(used) - 1)[faces]
