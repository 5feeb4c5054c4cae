"""The surface that a control mesh is fitted to: samples with normals, its boundary, and closest points on either."""

from __future__ import annotations

from typing import Any

import igl
import numpy as np
from numpy.typing import NDArray

from ..sample import surface_points
from .closest import Triangles
from .topology import topology

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


class Segments:
    """Segments that are asked for closest points.

    Parameters
    ----------
    points : (V, 3) float64
    corners : (N, 2) int64
        Rows of `points`.
    """

    def __init__(self, points: FloatArray, corners: IntArray) -> None:
        self._points, self.corners = np.ascontiguousarray(points), np.ascontiguousarray(corners)
        self._tree = igl.AABB()
        self._tree.init(self._points, self.corners)

    def closest(self, queries: FloatArray) -> tuple[IntArray, FloatArray]:
        """Segment (N,) and position (N, 3) of the closest point of each of (N, 3) queries."""
        _, segment, position = self._tree.squared_distance(self._points, self.corners, queries)
        return np.asarray(segment, np.int64), position


class FitTarget:
    """A clean surface, scaled to a bounding-box diagonal of one, and what fitting asks of it.

    Parameters
    ----------
    vertices : (V, 3) array_like of float
        Any unit.
    faces : (F, 3) array_like of int
        A simplicial manifold with an area (`sheets.manifold_sheets`).
    seed : int
        Of the samples.

    Attributes
    ----------
    origin : (3,) float64
        The lower corner of the bounding box, in the unit of `vertices`.
    scale : float
        The diagonal of the bounding box, in the unit of `vertices`.
    points : (V, 3) float64
        The vertices in the frame that all of the fit works in: (vertices - origin) / scale.
    faces : (F, 3) int64
    normals : (F, 3) float64
        Unit normals; zero for faces without an area.
    surface : Triangles
    boundary : Segments or None
        The edges with one face; None where there are none.
    """

    def __init__(self, vertices: Any, faces: Any, seed: int = 0) -> None:
        vertices, self.faces = np.asarray(vertices, np.float64), np.asarray(faces, np.int64)
        self.origin = vertices.min(axis=0)
        self.scale = float(np.linalg.norm(vertices.max(axis=0) - self.origin))
        self.points = (vertices - self.origin) / self.scale
        self._seed = seed
        self.normals = face_normals(self.points, self.faces)
        self.surface = Triangles(self.points, self.faces)
        mesh = topology(self.faces, len(self.points))
        ends = mesh.edges[mesh.is_boundary]
        self.boundary = Segments(self.points, ends) if len(ends) else None
        self._samples: dict[int, tuple[FloatArray, IntArray]] = {}

    def samples(self, n: int) -> tuple[FloatArray, IntArray]:
        """`n` points spread evenly over the surface (n, 3), always the same ones, and the face of each (n,)."""
        if n not in self._samples:
            self._samples[n] = surface_points(self.points, self.faces, n, np.random.default_rng(self._seed))
        return self._samples[n]

    def boundary_samples(self, n: int) -> FloatArray:
        """`n` points spread evenly along the boundary (n, 3); none where there is no boundary."""
        if self.boundary is None:
            return np.empty((0, 3))
        return spread_along(self.points, self.boundary.corners, n)[0]


def face_normals(points: FloatArray, faces: IntArray) -> FloatArray:
    """(F, 3) unit normals, counter-clockwise seen from outside; zero for faces without an area."""
    first, second, third = (points[faces[:, corner]] for corner in range(3))
    cross = np.cross(second - first, third - first)
    return cross / np.maximum(np.linalg.norm(cross, axis=1, keepdims=True), np.finfo(np.float64).tiny)


def spread_along(points: FloatArray, ends: IntArray, n: int) -> tuple[FloatArray, IntArray, FloatArray]:
    """Points at even distances along segments, put end to end.

    Returns
    -------
    positions : (n, 3) float64
    segment : (n,) int64
    share : (n,) float64
        How far along its segment each point is, 0 to 1.
    """
    start, along = points[ends[:, 0]], points[ends[:, 1]] - points[ends[:, 0]]
    length = np.linalg.norm(along, axis=1)
    until = np.cumsum(length)
    places = (np.arange(n) + 0.5) * (until[-1] / n)
    segment = np.minimum(np.searchsorted(until, places, side="right"), len(ends) - 1)
    share = np.clip(1 - (until[segment] - places) / np.maximum(length[segment], np.finfo(np.float64).tiny), 0, 1)
    return start[segment] + share[:, None] * along[segment], segment, share
