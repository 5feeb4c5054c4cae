"""The surface that a control mesh stands for: points of its limit surface at the vertices of a refined mesh."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .limit import Limit, limit
from .subdivision import SHARP, Creased, Refinement, Refinements, refine_times
from .topology import IntArray

FloatArray = NDArray[np.float64]


class LimitMesh:
    """A mesh with its vertices on the limit surface.

    Parameters
    ----------
    control : Creased
        The control mesh.
    levels : int
        Of subdivision; each makes four triangles of one.

    Attributes
    ----------
    faces : (F, 3) int64
        F is 4^levels times the faces of the control mesh.
    n_vertices : int
        V.

    Notes
    -----
    Limit points have a closed form where no edge is semi-sharp any more. If some still are after `levels`, the mesh is
    refined further: its vertices keep their numbers, so that the limit points of the first V of them are those wanted.
    """

    def __init__(self, control: Creased, levels: int) -> None:
        semi_sharp = control.sharpness[control.sharpness < SHARP]
        self._fine: Refinements = refine_times(control, max(levels, int(semi_sharp.max(initial=0))))
        coarse = self._fine.steps[levels - 1].mesh if levels else control
        self.faces: IntArray = coarse.faces
        self.n_vertices: int = coarse.n_vertices
        self._limit: Limit = limit(self._fine.mesh)

    def surface(self, points: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Vertices, as `vertices` gives them, and (V, 3) float64 normals of the limit surface there.

        Normals are of unit length, outward, of one of its sides at creases; zero where it has none.
        """
        fine, n = self._fine.apply(points), self.n_vertices
        return self._limit.position[:n] @ fine, self._limit.normals(fine)[:n]

    @property
    def steps(self) -> tuple[Refinement, ...]:
        """The levels, coarse to fine; more than asked for where edges are semi-sharp."""
        return self._fine.steps

    def vertices(self, points: FloatArray) -> FloatArray:
        """(V, 3) float64 vertices, on the limit surface of control points (C, 3)."""
        return self._limit.position[: self.n_vertices] @ self._fine.apply(points)


def enough_levels(control: Creased, points: FloatArray, tolerance: float, most_triangles: int) -> int:
    """Levels of subdivision after which flat triangles are near enough to the limit surface.

    Parameters
    ----------
    control : Creased
    points : (C, 3) float64
        Control points.
    tolerance : float
        Mean distance of the triangles from the surface that is allowed, in the unit of `points`.
    most_triangles : int
        Where to stop, whatever the distance.

    Notes
    -----
    Over a triangle that replaces a quadratic surface, the mean distance is the mean over its three edges of how far the
    surface is from the middles; the middles' counterparts are the vertices that the next level adds. Only the distance
    along the normal counts: where the middle lies along the surface is no error.
    """
    levels = max(int(np.log2(max(most_triangles / len(control.faces), 1)) / 2), 0)
    refined = LimitMesh(control, levels)
    vertices, normals = refined.surface(points)
    for level, mesh in enumerate([control, *(step.mesh for step in refined.steps[:levels])][:levels]):
        ends = vertices[mesh.topology.edges]  # (E, 2, 3)
        new = slice(mesh.n_vertices, mesh.n_vertices + len(ends))
        off = np.abs(np.einsum("ex,ex->e", normals[new], vertices[new] - ends.mean(axis=1)))
        # Long edges stand for more of the area.
        weights = ((ends[:, 0] - ends[:, 1]) ** 2).sum(axis=1)
        if (off * weights).sum() <= tolerance * weights.sum():
            return level
    return levels
