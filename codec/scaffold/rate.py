"""What the positions of a control mesh cost, as a quadratic term that a fit can minimize along with its error.

A vertex d is predicted from the triangle a, b, c in front of it as a + b - c, and codes what is left over in the frame
of that triangle, in steps. A number of n steps takes about log2 |n| bits, whose slope falls as the number grows: the
penalty lets large residuals be and pulls small ones to zero, which the surface allows along itself. It is minimized as
a sum of squares with weights from the present residuals.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from .vectors import unit_vectors

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

# d log2(x) / dx as the weight of a square: mu log2 |x| has the slope of (mu / (2 ln 2)) x^2 / x^2.
_SLOPE = 1 / (2 * np.log(2))
# Residuals below this share of a step are as good as zero.
_FLOOR = 0.5


def frames(points: FloatArray, parents: IntArray) -> FloatArray:
    """(N, 3, 3) unit vectors along a to b, across that away from c, and normal, of triangles `parents` (N, 3)."""
    a, b, c = (points[parents[:, k]] for k in range(3))
    along = unit_vectors(b - a)
    normal = unit_vectors(np.cross(along, c - a))
    return np.stack([along, np.cross(along, normal), normal], axis=1)


def rate_rows(points: FloatArray, parents: IntArray, steps: tuple[float, float]) -> csr_array:
    """Rows whose squares at `points` have the slope of the bits that the positions cost.

    Parameters
    ----------
    points : (V, 3) float64
        Control vertices.
    parents : (V, 3) int64
        The vertices a, b, c that each is predicted from; -1 where there are none.
    steps : (normal, tangential) float
        In the unit of `points`.

    Returns
    -------
    (R, 3 V) csr_array of float64
        Unknown 3 v + i is coordinate i of vertex v. Bits at x are about constant + |rows x|^2 near `points`.
    """
    vertices = np.flatnonzero(parents[:, 0] >= 0)
    a, b, c = parents[vertices].T
    axes = frames(points, parents[vertices])  # (N, 3, 3)
    left_over = np.einsum("nax,nx->na", axes, points[vertices] - points[a] - points[b] + points[c])
    floor = _FLOOR * np.array([steps[1], steps[1], steps[0]])
    weights = np.sqrt(_SLOPE / (left_over**2 + floor**2))
    each = axes * weights[:, :, None]  # (N, 3 axes, 3 coordinates)
    values = np.stack([each, -each, -each, each], axis=2)  # of d, a, b, c: (N, 3, 4, 3)
    unknowns = 3 * np.stack([vertices, a, b, c], axis=1)[:, None, :, None] + np.arange(3)
    columns = np.broadcast_to(unknowns, values.shape)
    starts = 12 * np.arange(3 * len(vertices) + 1)
    return csr_array((values.ravel(), columns.ravel(), starts), shape=(3 * len(vertices), points.size))
