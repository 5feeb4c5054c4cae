"""Coarser meshes of the same surface: quadric decimation that keeps a manifold a manifold."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..compiled import njit
from .collapse import settle
from .halfedges import face_parts, one_fan_each
from .losses import SurfacePoints, spread_points
from .quadrics import vertex_quadrics
from .reduce import Surface, collapse_to, parts_of
from .topology import topology

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
Mesh = tuple[FloatArray, IntArray]


def decimate(vertices: Any, faces: Any, n_faces: int, *, standing: SurfacePoints | None = None) -> Mesh:
    """The mesh with at most `n_faces` faces, or the fewest that its topology allows.

    As `decimate_ladder` with a single count.
    """
    return decimate_ladder(vertices, faces, [n_faces], standing=standing)[0]


def decimate_ladder(
    vertices: Any, faces: Any, counts: Sequence[int], *, standing: SurfacePoints | None = None
) -> list[Mesh]:
    """Coarser and coarser meshes of the same surface, made in one pass.

    Parameters
    ----------
    vertices : (V, 3) array_like of float
    faces : (F, 3) array_like of int
        A simplicial manifold (`sheets.is_simplicial_manifold`), possibly with boundary, in several components.
    counts : sequence of int
        Numbers of faces > 0, not rising.
    standing : SurfacePoints, optional
        Points that stand for the surface that the mesh comes from, in the same frame, if that is not the mesh itself:
        what is lost with a component is told by them (`losses.spread_points`).

    Returns
    -------
    list of (vertices, faces)
        A simplicial manifold for each count, with at most that many faces unless the topology needs more; vertices
        (V', 3) float64 all in use, faces (F', 3) int64.

    Raises
    ------
    ValueError
        No faces, faces that are no simplicial manifold, or counts that rise or are not positive.

    Notes
    -----
    Garland and Heckbert's edge collapse [1]_ with area-weighted planes and planes on the boundary [2]_, optimal
    placement, the link condition [3]_, and no collapse that turns a face over. Three things happen in their turn, where
    they cost least:

    - a component goes, for the integral of the squared distance from its surface to what remains, over its vertices;
    - a hole of three edges is filled, for the integral over the new face;
    - a handle is cut along a loop of three edges and both ends are capped, for the integral over the new faces.

    The last component stays, and so do holes and handles that are large for the error that is reached.

    References
    ----------
    .. [1] Garland, Heckbert, Surface simplification using quadric error metrics, SIGGRAPH 1997.
    .. [2] Garland, Heckbert, Simplifying surfaces with color and texture using quadric error metrics, VIS 1998.
    .. [3] Dey, Edelsbrunner, Guha, Nekhayev, Topology preserving edge contraction, Publ. Inst. Math. 66, 1999.
    """
    vertices, faces = np.array(vertices, np.float64), np.array(faces, np.int64)
    if not len(faces):
        raise ValueError("there are no faces")
    if any(count < 1 for count in counts) or any(b > a for a, b in pairwise(counts)):
        raise ValueError(f"face counts {list(counts)} are not positive and falling")
    opposite = topology(faces, len(vertices)).twins.copy()
    if not one_fan_each(faces, opposite):
        raise ValueError("a vertex has several fans of faces")
    lower, upper = vertices.min(axis=0), vertices.max(axis=0)
    scale = float((upper - lower).max()) or 1.0
    points = (vertices - lower) / scale  # near the origin quadrics keep their digits
    quadrics, areas = vertex_quadrics(points, faces, opposite)
    part = face_parts(opposite)
    if standing is None:
        standing = spread_points(points, faces)
    else:
        standing = SurfacePoints((standing.positions - lower) / scale, standing.areas / scale**2)
    parts = parts_of(points, faces, part, standing)
    corner, alive = faces.reshape(-1), np.ones(len(faces), bool)  # a view of `faces`
    out = _leaving(corner, opposite, len(points))
    surface = Surface(points, quadrics, areas, corner, opposite, out, alive)
    meshes = []
    for count in counts:
        collapse_to(count, surface, parts)
        used, compact = np.unique(faces[alive].ravel(), return_inverse=True)
        meshes.append((points[used] * scale + lower, compact.reshape(-1, 3)))
    return meshes


@njit(cache=True)
def _leaving(corner: IntArray, opposite: IntArray, n_vertices: int) -> IntArray:
    """A half-edge that leaves each vertex (V,), the boundary one if there is one; -1 for vertices not in use."""
    out = np.full(n_vertices, -1)
    for half_edge in range(len(corner)):
        if out[corner[half_edge]] < 0:
            settle(half_edge, corner, opposite, out)
    return out
