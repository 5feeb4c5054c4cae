"""Distances between two point clouds sampled from surfaces, as papers measure them.

Not for comparing codecs: the clouds of one and the same surface are apart as well. Of n points drawn independently and
uniformly on an area A the nearest is at sqrt(A / n) / 2 on average, and its squared distance is A / (pi n) on average.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..peers.contract import FloatArray, Mesh


@dataclass(frozen=True, eq=False)
class CloudDistances:
    """Distances from each point of one cloud to the nearest point of the other.

    Attributes
    ----------
    forward : (N,) float64
        From the reference's points.
    backward : (M,) float64
        From the other cloud's points.
    """

    forward: FloatArray
    backward: FloatArray

    @property
    def chamfer_l1(self) -> float:
        """Chamfer distance of un-squared distances: the mean of the two directed means."""
        return float(self.forward.mean() + self.backward.mean()) / 2

    @property
    def chamfer_l2(self) -> float:
        """Chamfer distance of squared distances: the sum of the two directed means."""
        return float(np.mean(self.forward**2) + np.mean(self.backward**2))

    @property
    def hausdorff(self) -> float:
        """Largest distance, either way."""
        return float(max(self.forward.max(), self.backward.max()))

    def recall(self, distance: float) -> float:
        """Share of the reference's points that have one of the other's at most so far away, 0 to 1."""
        return float(np.mean(self.forward <= distance))

    def precision(self, distance: float) -> float:
        """Share of the other's points that have one of the reference's at most so far away, 0 to 1."""
        return float(np.mean(self.backward <= distance))

    def f_score(self, distance: float) -> float:
        """Harmonic mean of precision and recall, 0 to 1."""
        precision, recall = self.precision(distance), self.recall(distance)
        return 2 * precision * recall / (precision + recall) if precision + recall else 0.0


def cloud_distances(reference: FloatArray, other: FloatArray, *, unit: float = 1.0) -> CloudDistances:
    """Distances between (N, 3) and (M, 3) points.

    Parameters
    ----------
    reference, other : (N, 3) and (M, 3) float64
        At least one point each.
    unit : float
        Length of the unit of the result, in that of the points.
    """
    from scipy.spatial import cKDTree

    forward, _ = cKDTree(other).query(reference)
    backward, _ = cKDTree(reference).query(other)
    return CloudDistances(forward / unit, backward / unit)


def earth_movers_distance(reference: FloatArray, other: FloatArray, *, unit: float = 1.0) -> float:
    """Mean distance between partners in the best one-to-one assignment of two clouds of equal size.

    Parameters
    ----------
    reference, other : (N, 3) float64
        Time grows with N^3: 500 points take 10 ms, 5,000 some seconds.
    unit : float
        Length of the unit of the result, in that of the points.

    Raises
    ------
    ValueError
        The clouds differ in size.
    """
    from scipy.optimize import linear_sum_assignment
    from scipy.spatial.distance import cdist

    if len(reference) != len(other):
        raise ValueError(f"clouds of {len(reference)} and {len(other)} points cannot be assigned one to one")
    cost = cdist(reference, other)
    return float(cost[linear_sum_assignment(cost)].mean()) / unit


def independent_points(mesh: Mesh, n: int, rng: np.random.Generator) -> FloatArray:
    """(n, 3) points drawn independently and uniformly from the area of a mesh.

    `codec.sample.surface_points` spreads its points more evenly; between two such clouds the distances are up to an
    eighth smaller than what papers measured.

    Raises
    ------
    ValueError
        The mesh has no area.
    """
    origin, first, second = (mesh.vertices[mesh.faces[:, corner]] for corner in range(3))
    first, second = first - origin, second - origin  # edges, (F, 3)
    areas = face_areas(mesh)
    if not areas.sum() > 0:
        raise ValueError("the mesh has no area to sample")
    face = rng.choice(len(areas), n, p=areas / areas.sum())
    across, along = np.sqrt(rng.random(n)), rng.random(n)
    return origin[face] + (across * (1 - along))[:, None] * first[face] + (across * along)[:, None] * second[face]


def face_areas(mesh: Mesh) -> NDArray[np.float64]:
    """(F,) areas of a mesh's triangles."""
    first, second, third = (mesh.vertices[mesh.faces[:, corner]] for corner in range(3))
    return np.linalg.norm(np.cross(second - first, third - first), axis=1) / 2
