"""The surface that a control mesh is fitted to: samples with normals, its boundary, and closest points on either."""

from __future__ import annotations

from copy import copy
from typing import Any

import igl
import numpy as np
from numpy.typing import NDArray

from ..closest import Triangles
from ..compiled import njit
from ..sample import surface_points
from .topology import topology

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

_TINY = float(np.finfo(np.float64).tiny)


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

    def resampled(self, seed: int) -> FitTarget:
        """The same surface with other samples."""
        other = copy(self)
        other._seed, other._samples = seed, {}
        return other

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
    return normals_and_areas(points, faces)[0]


def normals_and_areas(points: FloatArray, faces: IntArray) -> tuple[FloatArray, FloatArray]:
    """As `face_normals`, and the areas (F,) of the faces."""
    normals, areas = np.empty((len(faces), 3)), np.empty(len(faces))
    _set_normals(np.ascontiguousarray(points), np.ascontiguousarray(faces), normals, areas)
    return normals, areas


@njit(cache=True, nogil=True)
def _set_normals(points: FloatArray, faces: IntArray, normals: FloatArray, areas: FloatArray) -> None:
    for face in range(len(faces)):
        p, q, r = points[faces[face, 0]], points[faces[face, 1]], points[faces[face, 2]]
        a0, a1, a2, b0, b1, b2 = q[0] - p[0], q[1] - p[1], q[2] - p[2], r[0] - p[0], r[1] - p[1], r[2] - p[2]
        n0, n1, n2 = a1 * b2 - a2 * b1, a2 * b0 - a0 * b2, a0 * b1 - a1 * b0
        length = np.sqrt(n0 * n0 + n1 * n1 + n2 * n2)
        areas[face], length = length / 2, max(length, _TINY)
        normals[face, 0], normals[face, 1], normals[face, 2] = n0 / length, n1 / length, n2 / length


def spread_over(areas: FloatArray, n: int, rng: np.random.Generator) -> tuple[IntArray, FloatArray]:
    """Places spread over a surface as `sample.surface_points` has them.

    Parameters
    ----------
    areas : (F,) float64
        Of the faces, not all zero.
    n : int
    rng : numpy.random.Generator

    Returns
    -------
    face : (n,) int64
        Ascending.
    share : (n, 3) float64
        Barycentric coordinates.
    """
    face, share = np.empty(n, np.int64), np.empty((n, 3))
    _spread(areas, rng.random(n), rng.random(n), face, share)
    return face, share


@njit(cache=True, nogil=True)
def _spread(areas: FloatArray, place: FloatArray, along: FloatArray, found: IntArray, share: FloatArray) -> None:
    total, last = 0.0, 0
    for face in range(len(areas)):
        total += areas[face]
        if areas[face] > 0:
            last = face
    face, end = 0, areas[0]
    for i in range(len(found)):
        position = (i + place[i]) * (total / len(found))
        while face < last and end <= position:
            face += 1
            end += areas[face]
        across = np.sqrt(min(max((position - (end - areas[face])) / max(areas[face], _TINY), 0.0), 1.0))
        found[i] = face
        share[i, 0], share[i, 1], share[i, 2] = 1 - across, across * (1 - along[i]), across * along[i]


def located(points: FloatArray, corners: IntArray, face: IntArray, share: FloatArray) -> FloatArray:
    """(N, 3) positions of barycentric coordinates (N, 3) in faces (N,) of `corners` (F, 3)."""
    positions = np.empty((len(face), 3))
    _locate(np.ascontiguousarray(points), np.ascontiguousarray(corners), face, share, positions)
    return positions


@njit(cache=True, nogil=True)
def _locate(points: FloatArray, corners: IntArray, face: IntArray, share: FloatArray, positions: FloatArray) -> None:
    for i in range(len(face)):
        p, q, r = points[corners[face[i], 0]], points[corners[face[i], 1]], points[corners[face[i], 2]]
        for x in range(3):
            positions[i, x] = share[i, 0] * p[x] + share[i, 1] * q[x] + share[i, 2] * r[x]


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
