"""What a mesh must be to have a surface, and the plainest mesh with the same surface."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .errors import MeshError
from .polygons import Floats, Ints

# Total area below this fraction of the squared bounding-box diagonal is a line, or rounding noise.
MIN_AREA = 1e-12


def check_mesh(vertices: npt.NDArray, faces: npt.NDArray) -> None:
    """Refuse a mesh that has no surface.

    Parameters
    ----------
    vertices : (V, 3) array of numbers
    faces : (F, 3) array of int

    Raises
    ------
    MeshError
        No faces, an index out of range, a coordinate that is not finite, or no area.
    ValueError
        An array has another shape or the faces are not integers.
    """
    if vertices.ndim != 2 or vertices.shape[1] != 3:
        raise ValueError(f"vertices: shape {vertices.shape} is not (V, 3)")
    if faces.ndim != 2 or faces.shape[1] != 3 or faces.dtype.kind not in "iu":
        raise ValueError(f"faces: {faces.dtype} of shape {faces.shape} is not an integer array of shape (F, 3)")
    if len(faces) == 0:
        raise MeshError("it has no faces")
    check_range(faces, len(vertices))
    finite = np.isfinite(vertices).all(axis=1)
    if not finite.all():
        raise MeshError(f"{(~finite).sum()} of {len(vertices)} vertices have coordinates that are not finite")
    if not _area(vertices, faces) > MIN_AREA:
        raise MeshError("its triangles have no area")


def clean_mesh(vertices: npt.NDArray, faces: npt.NDArray) -> tuple[Floats, Ints]:
    """A mesh without duplicate vertices, faces that name a vertex twice, or vertices that no face uses.

    Vertices are merged only where all three coordinates are equal; they and the faces keep their order.

    Parameters
    ----------
    vertices : (V, 3) array of numbers
        Unused ones may be anything.
    faces : (F, 3) array of int

    Returns
    -------
    vertices : (V', 3) float64
    faces : (F', 3) int64

    Raises
    ------
    MeshError, ValueError
        As `check_mesh`.
    """
    points = np.asarray(vertices, dtype=np.float64)
    triangles = np.asarray(faces)
    if triangles.size and points.ndim == 2:
        check_range(triangles, len(points))
        points, triangles = _drop_unused(points, triangles.astype(np.int64))
    check_mesh(points, triangles)
    points, triangles = _merge_duplicates(points, triangles)
    a, b, c = triangles.T
    return _drop_unused(points, triangles[(a != b) & (b != c) & (c != a)])


def check_range(corners: npt.NDArray, n_vertices: int) -> None:
    """Refuse vertex indices outside 0..n_vertices - 1; MeshError."""
    outside = (corners < 0) | (corners >= n_vertices)
    if outside.any():
        raise MeshError(f"a face has the vertex index {corners[outside].flat[0]}, but there are {n_vertices} vertices")


def _drop_unused(vertices: Floats, faces: Ints) -> tuple[Floats, Ints]:
    used = np.zeros(len(vertices), dtype=bool)
    used[faces] = True
    if used.all():
        return vertices, faces
    return vertices[used], (np.cumsum(used) - 1)[faces]


def _merge_duplicates(vertices: Floats, faces: Ints) -> tuple[Floats, Ints]:
    """The mesh with the first of equal vertices for all of them; the others stay, unused."""
    points = vertices + 0.0  # -0.0 and 0.0 are equal
    order = np.lexsort(points.T)  # stable: among equals the first one comes first
    new = np.ones(len(points), dtype=bool)
    new[1:] = (points[order[1:]] != points[order[:-1]]).any(axis=1)
    first = np.empty(len(points), dtype=np.int64)
    first[order] = order[new][np.cumsum(new) - 1]
    return points, first[faces]


def _area(vertices: Floats, faces: Ints) -> float:
    """Total area as a fraction of the squared bounding-box diagonal; 0 for a single point."""
    lower, upper = vertices.min(axis=0), vertices.max(axis=0)
    extent = float((upper / 2 - lower / 2).max())  # half: the whole could overflow
    if extent == 0:
        return 0.0
    points = (vertices / 2 - lower / 2) / extent  # neither overflows nor underflows when squared
    doubled = np.cross(points[faces[:, 1]] - points[faces[:, 0]], points[faces[:, 2]] - points[faces[:, 0]])
    return float(np.linalg.norm(doubled, axis=1).sum() / 2 / (points.max(axis=0) ** 2).sum())
