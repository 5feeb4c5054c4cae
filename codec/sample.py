"""Points on, near and around a surface, with their signed distances."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .distance import DistanceOracle


@dataclass(frozen=True, eq=False)
class Samples:
    """Points and the signed distances there.

    Attributes
    ----------
    points : (N, 3) float32
        Positions, in the frame of the mesh they were drawn for.
    distances : (N,) float32
        Exact signed distances of exactly these (rounded) positions, negative inside.
    """

    points: NDArray[np.float32]
    distances: NDArray[np.float32]


def surface_points(
    vertices: Any, faces: Any, n: int, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Points spread uniformly over the area of a mesh, stratified: one in each of `n` equal shares of the area.

    Parameters
    ----------
    vertices : (V, 3) array_like of float
    faces : (F, 3) array_like of int
    n : int
        How many points.
    rng : numpy.random.Generator
        The same state gives the same points.

    Returns
    -------
    points : (n, 3) float64
        In the order of `faces`: shuffle them where order matters.
    face : (n,) int64
        The face each lies on.

    Raises
    ------
    ValueError
        The mesh has no area.
    """
    vertices = np.asarray(vertices, dtype=np.float64)
    faces = np.asarray(faces, dtype=np.int64)
    origin, first, second = (vertices[faces[:, corner]] for corner in range(3))
    first, second = first - origin, second - origin  # edges, (F, 3)
    areas = np.linalg.norm(np.cross(first, second), axis=1) / 2
    ends = np.cumsum(areas)
    if not len(ends) or not ends[-1] > 0:
        raise ValueError("the mesh has no area to sample")
    position = (np.arange(n) + rng.random(n)) * (ends[-1] / n) if n else np.empty(0)
    face = np.searchsorted(ends, position, side="right")
    face = np.minimum(face, np.flatnonzero(areas)[-1])  # rounding may step past the last face that has an area
    # How far into its face's share a position falls is uniform in [0, 1) and itself stratified: it places the point
    # across the face, a free number places it along.
    across = np.sqrt(np.clip((position - (ends[face] - areas[face])) / areas[face], 0.0, 1.0))
    along = rng.random(n)
    points = origin[face] + (across * (1 - along))[:, None] * first[face] + (across * along)[:, None] * second[face]
    return points, face


def near_surface(
    oracle: DistanceOracle, vertices: Any, faces: Any, n: int, scales: Sequence[float], rng: np.random.Generator
) -> Samples:
    """Surface points moved by Gaussian noise, with their signed distances.

    Parameters
    ----------
    oracle : DistanceOracle
        Of the mesh.
    vertices, faces : array_like
        The mesh itself, in the oracle's frame.
    n : int
        How many points.
    scales : sequence of float
        Standard deviations of the noise, for each coordinate, in the mesh's unit. The points are shared out evenly
        between them, neighbouring surface points getting different ones. 0 keeps points on the surface.
    rng : numpy.random.Generator

    Returns
    -------
    Samples
        In the order of the faces: shuffle them where order matters.
    """
    points, _ = surface_points(vertices, faces, n, rng)
    sigma = np.resize(np.asarray(scales, dtype=np.float64), n)
    return _measured(oracle, points + sigma[:, None] * rng.standard_normal((n, 3)))


def uniform(
    oracle: DistanceOracle,
    n: int,
    rng: np.random.Generator,
    *,
    lower: Sequence[float] = (-1.0, -1.0, -1.0),
    upper: Sequence[float] = (1.0, 1.0, 1.0),
) -> Samples:
    """`n` points uniform in a box, by default the domain [-1, 1]^3, with their signed distances."""
    return _measured(oracle, rng.uniform(lower, upper, (n, 3)))


def _measured(oracle: DistanceOracle, points: NDArray[np.float64]) -> Samples:
    rounded = points.astype(np.float32)
    return Samples(rounded, oracle.signed(rounded).astype(np.float32))
