"""Control meshes for tests of the scaffold: irregular connectivity, with creases anywhere."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import ConvexHull
from sdfz.codec.scaffold.subdivision import SHARP, Creased, creased
from sdfz.codec.scaffold.topology import topology
from shapes import Mesh


def irregular(rng: np.random.Generator) -> Mesh:
    """Points on the unit sphere and the faces of their hull, in a random order; every other time with a hole.

    Around the hole is a vertex without faces.
    """
    points = rng.normal(size=(int(rng.integers(6, 40)), 3))
    points /= np.linalg.norm(points, axis=1, keepdims=True)
    faces = ConvexHull(points).simplices.astype(np.int64)
    inward = np.linalg.det(points[faces] - points.mean(axis=0)) < 0
    faces[inward] = faces[inward][:, ::-1]
    if rng.random() < 0.5:
        faces = faces[(faces != 0).all(axis=1)]
    turn = rng.integers(3, size=(len(faces), 1))
    return points, np.take_along_axis(faces, (np.arange(3) + turn) % 3, axis=1)[rng.permutation(len(faces))]


def randomly_creased(rng: np.random.Generator, *, levels: int = SHARP) -> tuple[NDArray[np.float64], Creased]:
    """An irregular mesh, some of its edges of sharpness `levels`, some of its vertices pinned."""
    points, faces = irregular(rng)
    n_edges = topology(faces, len(points)).n_edges
    sharpness = np.where(rng.random(n_edges) < rng.choice([0, 0.15, 0.4, 1]), levels, 0)
    return points, creased(faces, len(points), sharpness, rng.random(len(points)) < 0.2)
