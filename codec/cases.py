"""Marching cubes' table of triangles, made from one rule, for use on a device.

Where the values at a face's corners alternate in sign, the rule parts the negative corners. It looks at the face alone,
so that two voxels agree on the face that they share, and a surface without holes comes out [1]_.

References
----------
.. [1] G. M. Nielson, B. Hamann, The asymptotic decider: resolving the ambiguity in marching cubes, Visualization 1991.
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from .occupancy import OCTANTS

IntArray = NDArray[np.int64]

# An edge is known by its lower corner and its axis: (12, 2).
EDGES = np.array([(corner, axis) for corner in range(8) for axis in range(3) if not OCTANTS[corner, axis]], np.int64)
_STRIDES = (4, 2, 1)  # from a corner to the next along an axis
_EDGE_OF = {(int(c), int(c) + _STRIDES[axis]): i for i, (c, axis) in enumerate(EDGES)}


@cache
def triangle_table() -> IntArray:
    """Triangles of every case: (256, T, 3) edges, -1 where there are no more.

    Bit c of a case is set where the value at corner c (`OCTANTS`) is negative. Triangles are counter-clockwise seen
    from the positive side.
    """
    fans = [_triangles(case) for case in range(256)]
    table = np.full((256, max(map(len, fans)), 3), -1, np.int64)
    for case, triangles in enumerate(fans):
        table[case, : len(triangles)] = np.reshape(triangles, (-1, 3))
    return table


def _triangles(case: int) -> list[tuple[int, int, int]]:
    following = dict(step for face in _faces() for step in _steps(case, face))
    triangles = []
    while following:
        start = min(following)
        loop = [start]
        while (edge := following.pop(loop[-1])) != start:
            loop.append(edge)
        triangles += _fan(loop)
    return triangles


def _steps(case: int, face: list[int]) -> list[tuple[int, int]]:
    """From edge to edge across a face, around each run of negative corners."""
    negative = [bool(case >> corner & 1) for corner in face]
    steps = []
    for i in range(4):
        if negative[i] and not negative[i - 1]:
            end = next(i + k for k in range(1, 4) if not negative[(i + k) % 4])
            steps.append((_edge(face[i - 1], face[i]), _edge(face[end - 1 & 3], face[end & 3])))
    return steps


def _fan(loop: list[int]) -> list[tuple[int, int, int]]:
    """Triangles of a loop from the corner from which the fewest diagonals lie in a face of the voxel.

    Such a diagonal may be the neighbour's as well, and an edge of four triangles then.
    """
    fans = []
    for start in range(len(loop)):
        turned = loop[start:] + loop[:start]
        diagonals = [(turned[0], turned[i]) for i in range(2, len(turned) - 1)]
        n_flat = sum(any(a in edges and b in edges for edges in _edges_of_faces()) for a, b in diagonals)
        fans.append((n_flat, [(turned[0], turned[i], turned[i + 1]) for i in range(1, len(turned) - 1)]))
    return min(fans, key=lambda fan: fan[0])[1]


@cache
def _faces() -> list[list[int]]:
    """Corners of the six faces, counter-clockwise seen from outside."""
    faces = []
    for axis in range(3):
        u, v = (_STRIDES[(axis + k) % 3] for k in (1, 2))
        faces += [[_STRIDES[axis], _STRIDES[axis] + u, _STRIDES[axis] + u + v, _STRIDES[axis] + v], [0, v, u + v, u]]
    return faces


@cache
def _edges_of_faces() -> list[set[int]]:
    return [{_edge(face[i - 1], face[i]) for i in range(4)} for face in _faces()]


def _edge(first: int, second: int) -> int:
    return _EDGE_OF[min(first, second), max(first, second)]
