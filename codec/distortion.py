"""How far apart two surfaces are: the one way sdfz measures distortion.

Errors are exact point-to-triangle distances, un-squared, as fractions of the reference's bounding-box diagonal, both
ways: from points of the reference to the other surface and from points of the other surface to the reference. The
points are area-uniform samples with a fixed seed; for the maximum the vertices are asked too.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .closest import Triangles
from .sample import surface_points

F_SCORE_DISTANCES = (0.001, 0.002, 0.005, 0.01)

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class OneWay:
    """Distances from the points of one surface to another surface, as fractions of the reference's diagonal.

    Attributes
    ----------
    mean, rms, p99 : float
        Over the area-uniform samples.
    max : float
        Over the samples and the vertices.
    normal_consistency : float
        Mean of |cosine| between the normal at a sample and the normal of the closest triangle.
    within : dict of float to float
        Share of the samples at most so far away.
    """

    mean: float
    rms: float
    p99: float
    max: float
    normal_consistency: float
    within: dict[float, float]


@dataclass(frozen=True)
class Distortion:
    """Distances between a reference and another surface, as fractions of the reference's bounding-box diagonal.

    Attributes
    ----------
    cd : float
        Mean of the two directed means (an un-squared Chamfer distance, halved).
    rms : float
        Root of the mean of the two directed mean squares.
    hd : float
        Larger of the two directed maxima, samples and vertices (Hausdorff distance).
    p99 : float
        Larger of the two directed 99th percentiles.
    normal_consistency : float
        Mean of the two directions; the orientation of faces does not count.
    f_scores : dict of float to float
        For each distance the harmonic mean of precision and recall, 0 to 1.
    forward : OneWay
        From the reference to the other surface: what is missing.
    backward : OneWay
        From the other surface to the reference: what is too much.
    """

    cd: float
    rms: float
    hd: float
    p99: float
    normal_consistency: float
    f_scores: dict[float, float]
    forward: OneWay
    backward: OneWay

    def as_dict(self) -> dict[str, Any]:
        """All figures as plain nested dicts of floats."""
        return asdict(self)


class Reference:
    """A surface that others are measured against; keeps its samples and its tree between measurements.

    Parameters
    ----------
    vertices : (V, 3) array_like of float
    faces : (F, 3) array_like of int
    n_samples : int
        Samples in each direction.
    seed : int
        Of the samples.

    Raises
    ------
    ValueError
        No face has an area.
    """

    def __init__(self, vertices: Any, faces: Any, n_samples: int = 100_000, seed: int = 0) -> None:
        vertices, faces = _in_use(vertices, faces)
        if not len(faces):
            raise ValueError("no face of the reference has an area")
        self._lower = vertices.min(axis=0)
        self.diagonal = float(np.linalg.norm(vertices.max(axis=0) - self._lower))
        self._n_samples, self._seed = n_samples, seed
        self._surface = self._prepare(vertices, faces, seed)

    def measure(self, vertices: Any, faces: Any) -> Distortion:
        """Distortion of another mesh. One without any area, so also without faces, is infinitely far away."""
        vertices, faces = _in_use(vertices, faces)
        if not len(faces):
            return _summary(_NOWHERE, _NOWHERE)
        other = self._prepare(vertices, faces, self._seed + 1)
        return _summary(_one_way(self._surface, other), _one_way(other, self._surface))

    def measure_points(self, points: Any) -> Distortion:
        """Distortion of a point cloud, in the fields of that of a mesh.

        Parameters
        ----------
        points : (N, 3) array_like of float
            In the frame of the reference. Each counts once, wherever it is: a cloud has no area that could weigh it.

        Returns
        -------
        Distortion
            Forward: from the reference's samples (for the maximum also its vertices) to the *nearest point*. Backward:
            from each point to the nearest triangle of the reference, exactly. Normal consistency is NaN. No points at
            all are infinitely far away, as a mesh without faces is.

        Notes
        -----
        Forward is not zero for points that lie exactly on the surface: half the spacing of the points is in it, because
        nothing says what is between them. It is what a receiver has who does not reconstruct a surface.
        """
        from scipy.spatial import cKDTree  # slow to import, and encoding never comes here

        points = np.asarray(points, dtype=np.float64).reshape(-1, 3)
        if not len(points):
            return _summary(_NOWHERE, _NOWHERE)
        points = (points - self._lower) / self.diagonal
        cloud = cKDTree(points)
        backward, _ = self._surface.triangles.distances(points)
        forward, _ = cloud.query(self._surface.samples)
        at_vertices, _ = cloud.query(self._surface.vertices)
        return _summary(
            _figures(forward, float(at_vertices.max()), np.nan), _figures(backward, float(backward.max()), np.nan)
        )

    def _prepare(self, vertices: FloatArray, faces: IntArray, seed: int) -> _Surface:
        # Moved and scaled before anything is computed: a shape far from the origin keeps its digits.
        return _Surface((vertices - self._lower) / self.diagonal, faces, self._n_samples, seed)


def measure(reference: Any, other: Any, n_samples: int = 100_000, seed: int = 0) -> Distortion:
    """Distortion between two meshes.

    Parameters
    ----------
    reference, other : (vertices, faces)
        (V, 3) array_like of float and (F, 3) array_like of int each. Errors are fractions of the diagonal of
        `reference`.
    n_samples : int
        Samples in each direction.
    seed : int
        The same seed gives the same figures.

    Returns
    -------
    Distortion

    Raises
    ------
    ValueError
        No face of the reference has an area.
    """
    vertices, faces = reference
    return Reference(vertices, faces, n_samples, seed).measure(*other)


class _Surface:
    """A mesh as the measurement needs it: samples with normals, vertices, triangles."""

    def __init__(self, vertices: FloatArray, faces: IntArray, n_samples: int, seed: int) -> None:
        self.vertices = vertices
        self.samples, self.sample_faces = surface_points(vertices, faces, n_samples, np.random.default_rng(seed))
        corners = vertices[faces]
        cross = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        # The product of two tiny edges may be nothing though their mesh has an area: such a face has no direction.
        self.normals = cross / np.maximum(np.linalg.norm(cross, axis=1), np.finfo(np.float64).tiny)[:, None]
        self.triangles = Triangles(vertices, faces)


def _in_use(vertices: Any, faces: Any) -> tuple[FloatArray, IntArray]:
    """The faces that have an area, and the vertices they use."""
    vertices = np.asarray(vertices, dtype=np.float64).reshape(-1, 3)
    faces = np.asarray(faces, dtype=np.int64).reshape(-1, 3)
    first, second, third = (vertices[faces[:, corner]] for corner in range(3))
    faces = faces[np.linalg.norm(np.cross(second - first, third - first), axis=1) > 0]
    used = np.zeros(len(vertices), bool)
    used[faces.ravel()] = True
    return vertices[used], (np.cumsum(used) - 1)[faces]


def _one_way(source: _Surface, target: _Surface) -> OneWay:
    distance, face = target.triangles.distances(source.samples)
    at_vertices = target.triangles.reach(source.vertices)
    cosine = np.einsum("nx,nx->n", source.normals[source.sample_faces], target.normals[face])
    return _figures(distance, at_vertices, float(np.abs(cosine).mean()))


def _figures(distance: FloatArray, at_vertices: float, normal_consistency: float) -> OneWay:
    """Figures of (N,) distances at samples, given the largest one at the vertices."""
    return OneWay(
        mean=float(distance.mean()),
        rms=float(np.sqrt(np.mean(distance**2))),
        p99=float(np.percentile(distance, 99)),
        max=float(max(distance.max(), at_vertices)),
        normal_consistency=normal_consistency,
        within={limit: float(np.mean(distance <= limit)) for limit in F_SCORE_DISTANCES},
    )


_NOWHERE = OneWay(np.inf, np.inf, np.inf, np.inf, 0.0, dict.fromkeys(F_SCORE_DISTANCES, 0.0))


def _summary(forward: OneWay, backward: OneWay) -> Distortion:
    f_scores = {}
    for limit in F_SCORE_DISTANCES:
        recall, precision = forward.within[limit], backward.within[limit]
        f_scores[limit] = 2 * precision * recall / (precision + recall) if precision + recall else 0.0
    return Distortion(
        cd=(forward.mean + backward.mean) / 2,
        rms=float(np.sqrt((forward.rms**2 + backward.rms**2) / 2)),
        hd=max(forward.max, backward.max),
        p99=max(forward.p99, backward.p99),
        normal_consistency=(forward.normal_consistency + backward.normal_consistency) / 2,
        f_scores=f_scores,
        forward=forward,
        backward=backward,
    )
