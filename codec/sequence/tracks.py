"""Points of a base shape, followed along registered meshes."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.spatial import cKDTree

from ..closest import Triangles
from ..sample import surface_points

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_MOST_POINTS = 20_000  # of the base shape, that are followed
_N_SAMPLES, _NORMAL_WEIGHT, _LEAST_COSINE = 100_000, 0.1, 0.0  # of the search for the sheet that a point belongs to


class Tracks:
    """Points of the base shape, and where the registered meshes have them.

    Attributes
    ----------
    vertices, faces : array
        Of the base shape.
    base_normals : (V, 3) float64
    rows : (N,) int64
        Vertices that are followed.
    areas : (N,) float64
        Of what they stand for; 1 on average.
    targets, normals : (T, N, 3) float64
        Where they are in each frame, and which way the registered surface faces there.

    Parameters
    ----------
    vertices : (V, 3) float64
        Of the base shape, normalized units.
    faces : (F, 3) int64
    frames : (T, W, 3) float64
        Registered vertices, normalized units.
    triangles : (G, 3) int64
        Of all frames.
    reference : int
        The frame that the base shape is of.
    """

    def __init__(
        self, vertices: FloatArray, faces: IntArray, frames: FloatArray, triangles: IntArray, reference: int
    ) -> None:
        self.vertices, self.faces = vertices, faces
        self._frames, self._triangles = frames, triangles
        self._tree = Triangles(frames[reference], triangles)
        self._reference = reference
        self._normals = face_normals(frames[reference], triangles)
        rng = np.random.default_rng(0)
        points, self._sample_faces = surface_points(frames[reference], triangles, _N_SAMPLES, rng)
        self._samples = cKDTree(np.concatenate([points, _NORMAL_WEIGHT * self._normals[self._sample_faces]], 1))
        self.base_normals, areas = vertex_normals(vertices, faces)
        self.rows = np.arange(len(vertices))
        if len(vertices) > _MOST_POINTS:
            self.rows = np.sort(rng.choice(len(vertices), _MOST_POINTS, replace=False))
        self.areas = areas[self.rows] / areas[self.rows].mean()
        self.targets = self.follow(vertices[self.rows], self.base_normals[self.rows])
        self.normals = self._normals_of_targets()

    def follow(self, points: FloatArray, normals: FloatArray) -> FloatArray:
        """(T, N, 3) where the points of the registered meshes go that (N, 3) points are nearest to.

        Where that is a sheet that faces elsewhere than the (N, 3) normals, it is the nearest that does not.
        """
        face, shares = self._closest(points, normals)
        found: FloatArray = np.einsum("nc,tncx->tnx", shares, self._frames[:, self._triangles[face]])
        return found

    def _closest(self, points: FloatArray, normals: FloatArray) -> tuple[IntArray, FloatArray]:
        """Triangle and shares of its corners, of the reference frame."""
        face, shares = self._tree.closest(points)
        lost = (self._normals[face] * normals).sum(1) < _LEAST_COSINE
        if lost.any():
            query = np.concatenate([points[lost], _NORMAL_WEIGHT * normals[lost]], 1)
            face[lost] = self._sample_faces[self._samples.query(query)[1]]
            shares[lost] = _barycentric(self._frames[self._reference][self._triangles[face[lost]]], points[lost])
        return face, shares

    def _normals_of_targets(self) -> FloatArray:
        face, shares = self._closest(self.vertices[self.rows], self.base_normals[self.rows])
        corners = self._triangles[face]
        smooth = (vertex_normals(frame, self._triangles)[0][corners] for frame in self._frames)
        return np.stack([_unit(np.einsum("nc,ncx->nx", shares, normals)) for normals in smooth])


def face_normals(vertices: FloatArray, faces: IntArray) -> FloatArray:
    """(F, 3) unit normals; 0 of a triangle without area."""
    origin, first, second = (vertices[faces[:, corner]] for corner in range(3))
    return _unit(np.cross(first - origin, second - origin))


def vertex_normals(vertices: FloatArray, faces: IntArray) -> tuple[FloatArray, FloatArray]:
    """(V, 3) unit normals, those of the triangles around by their areas, and (V,) a third of these areas."""
    origin, first, second = (vertices[faces[:, corner]] for corner in range(3))
    cross = np.cross(first - origin, second - origin)
    found, areas = np.zeros_like(vertices), np.zeros(len(vertices))
    for corner in range(3):
        np.add.at(found, faces[:, corner], cross)
        np.add.at(areas, faces[:, corner], np.linalg.norm(cross, axis=1) / 6)
    return _unit(found), areas


def _unit(vectors: FloatArray) -> FloatArray:
    return vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), np.finfo(np.float64).tiny)


def _barycentric(corners: FloatArray, points: FloatArray) -> FloatArray:
    """(N, 3) shares of the corners (N, 3, 3) of triangles in points beside them."""
    first, second = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    offset = points - corners[:, 0]
    aa, ab, bb = (np.einsum("nx,nx->n", u, v) for u, v in ((first, first), (first, second), (second, second)))
    pa, pb = np.einsum("nx,nx->n", offset, first), np.einsum("nx,nx->n", offset, second)
    area = np.maximum(aa * bb - ab * ab, np.finfo(np.float64).tiny)
    v, w = (bb * pa - ab * pb) / area, (aa * pb - ab * pa) / area
    shares = np.stack([1 - v - w, v, w], 1).clip(0, 1)
    found: FloatArray = shares / shares.sum(1, keepdims=True)
    return found
