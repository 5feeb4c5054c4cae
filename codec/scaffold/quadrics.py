"""Error quadrics of mesh vertices, and where two vertices merge best.

A quadric is ten numbers (a11, a12, a13, a22, a23, a33, b1, b2, b3, c): the error at x is x.A x + 2 b.x + c. That of a
vertex is the sum of squared distances to the planes of its faces, each weighted by a third of the face's area, so that
the quadrics of all vertices together integrate over the surface.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..compiled import njit

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

# Weight of the plane that stands on a boundary edge, per squared length of the edge.
BOUNDARY_WEIGHT = 0.2
# Pull of a merged vertex to the middle of its edge, as a share of the quadric's trace: enough to make every solution
# unique and too little to be seen where the surface has a say.
PULL = 1e-6
# Price of the squared length of an edge, as a share of the area around it: decides between edges in flat regions,
# where short ones are to go first.
LENGTH_PRICE = 1e-7


@njit(cache=True)
def add_plane(quadric: FloatArray, normal: FloatArray, point: FloatArray, weight: float) -> None:
    """Add the squared distance to the plane through a point with a unit normal, times a weight, to a (10,) quadric."""
    n0, n1, n2 = normal
    offset = -(n0 * point[0] + n1 * point[1] + n2 * point[2])
    quadric[0] += weight * n0 * n0
    quadric[1] += weight * n0 * n1
    quadric[2] += weight * n0 * n2
    quadric[3] += weight * n1 * n1
    quadric[4] += weight * n1 * n2
    quadric[5] += weight * n2 * n2
    quadric[6] += weight * n0 * offset
    quadric[7] += weight * n1 * offset
    quadric[8] += weight * n2 * offset
    quadric[9] += weight * offset * offset


@njit(cache=True)
def vertex_quadrics(vertices: FloatArray, faces: IntArray, opposite: IntArray) -> tuple[FloatArray, FloatArray]:
    """Quadrics of the vertices of a manifold, and a third of the area around each.

    Parameters
    ----------
    vertices : (V, 3) float64
    faces : (F, 3) int64
    opposite : (3 F,) int64
        -1 at boundary half-edges, which get planes across the face that keep the border in place.

    Returns
    -------
    quadrics : (V, 10) float64
    areas : (V,) float64
    """
    quadrics = np.zeros((len(vertices), 10))
    areas = np.zeros(len(vertices))
    for face in range(len(faces)):
        corners = faces[face]
        origin = vertices[corners[0]]
        normal = np.cross(vertices[corners[1]] - origin, vertices[corners[2]] - origin)
        length = np.sqrt((normal * normal).sum())
        if length == 0.0:
            continue
        normal /= length
        for corner in range(3):
            add_plane(quadrics[corners[corner]], normal, origin, length / 6)
            areas[corners[corner]] += length / 6
            if opposite[3 * face + corner] >= 0:
                continue
            first, second = corners[corner], corners[(corner + 1) % 3]
            along = vertices[second] - vertices[first]
            squared = (along * along).sum()
            if squared > 0.0:
                outward = np.cross(along, normal) / np.sqrt(squared)
                for vertex in (first, second):
                    add_plane(quadrics[vertex], outward, vertices[first], BOUNDARY_WEIGHT * squared)
    return quadrics, areas


@njit(cache=True)
def merge(
    first: FloatArray, second: FloatArray, start: FloatArray, end: FloatArray, area: float, place: FloatArray
) -> float:
    """The cost of merging two vertices with these quadrics (10,) and positions (3,); writes the best `place` (3,)."""
    m0, m1, m2 = (start[0] + end[0]) / 2, (start[1] + end[1]) / 2, (start[2] + end[2]) / 2
    a00, a01, a02 = first[0] + second[0], first[1] + second[1], first[2] + second[2]
    a11, a12, a22 = first[3] + second[3], first[4] + second[4], first[5] + second[5]
    # Seen from the middle: the gradient there, and the value.
    g0 = first[6] + second[6] + a00 * m0 + a01 * m1 + a02 * m2
    g1 = first[7] + second[7] + a01 * m0 + a11 * m1 + a12 * m2
    g2 = first[8] + second[8] + a02 * m0 + a12 * m1 + a22 * m2
    b0, b1, b2 = first[6] + second[6], first[7] + second[7], first[8] + second[8]
    value = first[9] + second[9] + (b0 + g0) * m0 + (b1 + g1) * m1 + (b2 + g2) * m2
    pull = PULL * (a00 + a11 + a22)
    length = (start[0] - end[0]) ** 2 + (start[1] - end[1]) ** 2 + (start[2] - end[2]) ** 2
    x0 = x1 = x2 = 0.0
    if pull > 0.0:
        # Cramer's rule: with the pull the matrix is positive definite, its condition at most 1 / PULL.
        d00, d11, d22 = a00 + pull, a11 + pull, a22 + pull
        c00, c01, c02 = d11 * d22 - a12 * a12, a02 * a12 - a01 * d22, a01 * a12 - a02 * d11
        c11, c12, c22 = d00 * d22 - a02 * a02, a01 * a02 - d00 * a12, d00 * d11 - a01 * a01
        determinant = d00 * c00 + a01 * c01 + a02 * c02
        x0 = -(c00 * g0 + c01 * g1 + c02 * g2) / determinant
        x1 = -(c01 * g0 + c11 * g1 + c12 * g2) / determinant
        x2 = -(c02 * g0 + c12 * g1 + c22 * g2) / determinant
        value += x0 * (2 * g0 + a00 * x0 + a01 * x1 + a02 * x2)
        value += x1 * (2 * g1 + a01 * x0 + a11 * x1 + a12 * x2)
        value += x2 * (2 * g2 + a02 * x0 + a12 * x1 + a22 * x2)
    place[0], place[1], place[2] = m0 + x0, m1 + x1, m2 + x2
    return max(value, 0.0) + LENGTH_PRICE * area * length
