"""The figures of the papers' tables, so that a method of theirs can be held against what they report.

None of these compares codecs: clouds have a floor (`clouds`, `noise`), and distances from vertices weigh a surface by
its tessellation. What each paper says, and what it leaves open:

LGCL [1]_, Tables 2 to 4
    CD and HD between 30,000 points on both surfaces, "in millimeters"; ED from the vertices of the ground truth to the
    surface of the reconstruction, as mean, standard deviation, median, the error below which 50 % and 90 % of the
    vertices are (the first is the median) and the percentage above 5, 10 and 20 mm. CD has no formula, and cannot be a
    length in millimetres: two samplings of one person, of nearly 2 m^2, are already 4 mm apart. Squared metres times
    10^3 have the order of its SDF rows.
LP-DIF [2]_
    Objects: "L2" CD times 10^3 between 100,000 points, F-score at 0.01, in a unit it does not name. Scenes and the
    statue: "L1" CD between 2 million points, in metres, F-score at 0.025. No formula for CD; the F-score is "the mean"
    of precision and recall, taken as the harmonic one, as everywhere else.
Implicit high resolution [3]_, Table 1
    CD times 10^3 between 10,000 points: squared distances, the sum of both directions, each divided by its number of
    points; EMD between 500 points. Shapes are centred and scaled into the unit sphere. The formula of EMD is a sum, but
    its figures are means: 0.087 is near what two samplings of the same surface have.
Compact latent space [4]_
    CD, F-score, precision and recall. The text at hand gives neither the number of points nor the F-score's distance;
    its figures agree with the harmonic mean. `CloudDistances` has all four.

References
----------
.. [1] Yao, Yang, Cheng, Mozerov, 3D shapes local geometry codes learning with SDF.
.. [2] Wang, Liu, Gao, Shi, Fang, Han, LP-DIF: learning local pattern-specific deep implicit function for 3D objects and
   scenes.
.. [3] Sergeev, Talabot, Donier, Fua, Implicit high resolution representation of 3D shapes, 2022.
.. [4] Learning compact latent space for representing neural signed distance functions with high-fidelity geometry
   details, AAAI 2026, arXiv 2511.14539.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ...codec.distance import SurfaceTree
from ..peers.contract import FloatArray, Mesh
from .clouds import cloud_distances, earth_movers_distance, face_areas, independent_points

N_CLOUD, N_EMD, F_DISTANCE = 30_000, 500, 0.025  # of the columns that `papers_variants` names
LGCL_LIMITS = (5.0, 10.0, 20.0)  # millimetres


@dataclass(frozen=True)
class CloudChamfer:
    """How a paper measures the Chamfer distance.

    Attributes
    ----------
    n_points : int
        On each surface.
    squared : bool
        Squared distances, the sum of the two directed means; else un-squared, half their sum.
    factor : float
        That the table multiplies by.
    unit : str
        Of length, before the factor.
    """

    n_points: int
    squared: bool
    factor: float
    unit: str


PROTOCOLS = {
    "lgcl": CloudChamfer(30_000, squared=True, factor=1e3, unit="metre"),
    "lpdif-objects": CloudChamfer(100_000, squared=True, factor=1e3, unit="not stated"),
    "lpdif-scenes": CloudChamfer(2_000_000, squared=False, factor=1.0, unit="metre"),
    "overfit": CloudChamfer(10_000, squared=True, factor=1e3, unit="radius of the enclosing sphere"),
}


@dataclass(frozen=True)
class VertexErrors:
    """Distances from the vertices of a reference to another surface: LGCL's ED.

    Attributes
    ----------
    mean, std, median : float
        Tables 2 and 4.
    p90 : float
        Nine of ten vertices are at most so far away: "< 90 %" of Table 3, where "< 50 %" is the median.
    above : dict of float to float
        Share of the vertices that are farther away than this, 0 to 1: the other columns of Table 3.
    """

    mean: float
    std: float
    median: float
    p90: float
    above: dict[float, float]


def paper_chamfer(protocol: CloudChamfer, reference: Mesh, other: Mesh, *, unit: float, seed: int = 0) -> float:
    """Chamfer distance as a paper's table has it.

    Parameters
    ----------
    protocol : CloudChamfer
        One of `PROTOCOLS`, or another number of points.
    reference, other : Mesh
        With an area.
    unit : float
        Length of the protocol's unit in that of the meshes, e.g. 1000 for metres where the meshes are in millimetres,
        or `unit_sphere_radius(reference)`.
    seed : int
        The same seed gives the same figure.

    Raises
    ------
    ValueError
        A mesh has no area.
    """
    first, second = (np.random.default_rng([seed, which]) for which in (0, 1))
    clouds = [independent_points(mesh, protocol.n_points, rng) for mesh, rng in ((reference, first), (other, second))]
    found = cloud_distances(clouds[0], clouds[1], unit=unit)
    return protocol.factor * (found.chamfer_l2 if protocol.squared else found.chamfer_l1)


def vertex_errors(
    reference: Mesh, other: Mesh, *, unit: float, limits: Sequence[float] = LGCL_LIMITS
) -> VertexErrors:  # fmt: skip
    """Distances from the vertices of a mesh to the surface of another, exactly.

    Parameters
    ----------
    reference, other : Mesh
        Only vertices that a face uses count.
    unit : float
        Length of the unit of the result in that of the meshes: 0.001 for millimetres where the meshes are in metres.
    limits : sequence of float
        Keys of `VertexErrors.above`, in the result's unit.

    Raises
    ------
    ValueError
        A mesh has no area.
    """
    if not len(_area_faces(other)):
        raise ValueError("the mesh has no area to measure distances to")
    vertices = _used_vertices(reference)
    lower = vertices.min(axis=0)  # near the origin, coordinates keep their digits
    tree = SurfaceTree((other.vertices[_area_faces(other)] - lower) / unit)
    distance, _, _ = tree.closest((vertices - lower) / unit)
    return VertexErrors(
        mean=float(distance.mean()),
        std=float(distance.std()),
        median=float(np.median(distance)),
        p90=float(np.percentile(distance, 90)),
        above={limit: float(np.mean(distance > limit)) for limit in limits},
    )


def papers_variants(reference: Mesh, other: Mesh, *, unit: float | None = None, seed: int = 0) -> dict[str, float]:
    """The papers' kinds of figures, one of each, as the bench's table has them.

    Parameters
    ----------
    reference, other : Mesh
        An `other` without area is infinitely far away.
    unit : float, optional
        Length of the unit of all figures (also of the F-score's distance) in that of the meshes; the squared distance
        is in its square. By default the reference's bounding-box diagonal, as for all columns of the table.
    seed : int
        The same seed gives the same figures.

    Returns
    -------
    dict of str to float
        cloud_l1_30k, cloud_l2_30k: `CloudDistances.chamfer_l1` and `chamfer_l2` of 30,000 points; ed_mean, ed_std,
        ed_median: `VertexErrors`; f_0.025: F-score of the same clouds; emd_500: `earth_movers_distance` of 500 points.

    Raises
    ------
    ValueError
        The reference has no area.
    """
    unit = diagonal(reference) if unit is None else unit
    if not len(_area_faces(other)):
        lengths = ("cloud_l1_30k", "cloud_l2_30k", "ed_mean", "ed_std", "ed_median", "emd_500")
        return dict.fromkeys(lengths, np.inf) | {"f_0.025": 0.0}
    first, second = (np.random.default_rng([seed, which]) for which in (0, 1))
    here, there = independent_points(reference, N_CLOUD, first), independent_points(other, N_CLOUD, second)
    clouds = cloud_distances(here, there, unit=unit)
    at_vertices = vertex_errors(reference, other, unit=unit)
    return {
        "cloud_l1_30k": clouds.chamfer_l1,
        "cloud_l2_30k": clouds.chamfer_l2,
        "ed_mean": at_vertices.mean,
        "ed_std": at_vertices.std,
        "ed_median": at_vertices.median,
        f"f_{F_DISTANCE}": clouds.f_score(F_DISTANCE),
        # Independent points: any 500 of them are a sample too.
        "emd_500": earth_movers_distance(here[:N_EMD], there[:N_EMD], unit=unit),
    }


def diagonal(mesh: Mesh) -> float:
    """Diagonal of the bounding box of the faces that have an area.

    Raises
    ------
    ValueError
        There are none.
    """
    return float(np.linalg.norm(np.ptp(_used_vertices(mesh), axis=0)))


def unit_sphere_radius(mesh: Mesh) -> float:
    """Radius of the sphere around the middle of the bounding box that holds a mesh: what [3]_ scales to 1.

    Raises
    ------
    ValueError
        No face has an area.
    """
    vertices = _used_vertices(mesh)
    centre = (vertices.min(axis=0) + vertices.max(axis=0)) / 2
    return float(np.linalg.norm(vertices - centre, axis=1).max())


def _area_faces(mesh: Mesh) -> np.ndarray:
    return mesh.faces[face_areas(mesh) > 0]


def _used_vertices(mesh: Mesh) -> FloatArray:
    faces = _area_faces(mesh)
    if not len(faces):
        raise ValueError("no face of the mesh has an area")
    return mesh.vertices[np.unique(faces)]
