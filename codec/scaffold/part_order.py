"""The order in which the parts of a control mesh are coded, and where each begins: near where the one before began.

The first vertex of a part is coded against the first one of the part before, the next two against the first. The walk
takes parts in the order of their first faces and begins each with that face.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .halfedges import face_parts, opposites

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]

# Beyond so many parts a chain of nearest neighbours takes too long.
_MOST_PARTS = 2000


def in_coding_order(points: FloatArray, faces: IntArray) -> IntArray:
    """The faces of a mesh in an order in which its parts take few bits.

    Parameters
    ----------
    points : (V, 3) float64
    faces : (F, 3) int64
        An oriented manifold.

    Returns
    -------
    (F, 3) int64
        The same faces in another order, the first one of each part turned to begin with the vertex to code first.
        Those of a single part stay as they are.
    """
    part = face_parts(opposites(faces))
    n_parts = int(part.max(initial=-1)) + 1
    if not 1 < n_parts <= _MOST_PARTS:
        return faces
    # A corner stands for its vertex and its face: the best of a vertex is that of its largest face,
    # beside which small ones are easily predicted.
    corners = points[faces]
    size = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2).sum(axis=1)
    by_size = np.lexsort([-np.repeat(size, 3), faces.ravel()])
    first_of_vertex = by_size[np.unique(faces.ravel()[by_size], return_index=True)[1]]
    of_corner, places = part[first_of_vertex // 3], points[faces.ravel()[first_of_vertex]]
    is_left = np.ones(len(first_of_vertex), bool)
    starts, here = np.empty(n_parts, np.int64), places[0]
    for i in range(n_parts):
        left = np.flatnonzero(is_left)
        nearest = left[((places[left] - here) ** 2).sum(axis=1).argmin()]
        starts[i], here = first_of_vertex[nearest], places[nearest]
        is_left &= of_corner != of_corner[nearest]
    first_faces = starts // 3
    turned = faces[first_faces[:, None], (starts[:, None] + np.arange(3)) % 3]
    is_other = np.ones(len(faces), bool)
    is_other[first_faces] = False
    return np.concatenate([turned, faces[is_other]])
