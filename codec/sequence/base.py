"""Which frame of a sequence is the base shape: one whose parts keep apart.

A coded surface joins sheets that nearly touch, and then they cannot part in other frames.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..closest import Triangles
from ..sample import surface_points
from .tracks import face_normals

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]

_N_SAMPLES = 3000
_HEIGHTS = (0.005, 0.01, 0.02, 0.04)  # above the surface, of the diagonal
_TOO_NEAR = 0.6  # of the height


def reference_of(vertices: FloatArray, faces: IntArray) -> int:
    """The frame of (T, V, 3) vertices and (F, 3) triangles that touches itself least; of equal ones the first."""
    return int(np.argmin([contact(frame, faces) for frame in vertices]))


def contact(vertices: FloatArray, faces: IntArray) -> float:
    """How much of a surface another part of it lies opposite, close by: a share, near parts counted more than once."""
    points, face = surface_points(vertices, faces, _N_SAMPLES, np.random.default_rng(0))
    normals, tree = face_normals(vertices, faces)[face], Triangles(vertices, faces)
    diagonal = float(np.linalg.norm(np.ptp(vertices, axis=0)))
    above = np.concatenate([points + height * diagonal * normals for height in _HEIGHTS])
    wanted = np.repeat(_HEIGHTS, len(points)) * diagonal
    return float((tree.distances(above)[0] < _TOO_NEAR * wanted).mean())
