"""The surface of a field over occupied cells: what the decoders of methods with cells have in common."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from .occupancy import Cells
from .trim import NO_CELLS, dropped, in_cells

if TYPE_CHECKING:
    from .tensor_field import TensorField

Progress = Callable[[str, int, int], None]
_Mesh = tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]


class CellSurface:
    """The surface of a field within its cells, without what is none of the shape's.

    Parameters
    ----------
    field : TensorField
    crumbs : float
        A separate piece that fits into this part of a cell is an accident of the field, not a part of the shape.
    margin : float
        How far the mesh may reach beyond the cells, in edges.
    trimmed, parts : (T, 3), (P, 3) int32
        Trimmed cells, and their parts that the surface meets (`trim`).
    """

    def __init__(
        self,
        field: TensorField,
        crumbs: float,
        *,
        margin: float = 0.25,
        trimmed: Cells = NO_CELLS,
        parts: Cells = NO_CELLS,
    ) -> None:
        self.field = field
        self._crumbs, self._margin = crumbs, margin
        self._trimmed, self._parts = trimmed, parts

    def mesh(self, resolution: int, progress: Progress | None = None, *, uniform: bool = False) -> _Mesh:
        """Vertices (V, 3) float64, normalized units, and faces (F, 3) int64.

        Parameters
        ----------
        resolution : int
            Voxels along the shape's longest side; rounded to a whole number of voxels a cell, at least one.
        progress : callable, optional
            Called with (stage, steps done, steps in all).
        uniform : bool
            Does not matter: all voxels are of one size.
        """
        # Imported here, not above, so that checking a file's symbols starts fast.
        from .crumbs import drop_crumbs
        from .device_mesher import surface_of

        region = self.field.region
        n_along = int((region.coords.max(0) - region.coords.min(0)).max()) + 1
        voxels_a_cell = max(round(resolution / n_along), 1)
        n_voxels = voxels_a_cell << region.depth
        vertices, faces = self._trim(*surface_of(self.field, n_voxels, margin=self._margin, progress=progress))
        # What lies wholly in the mesher's margin is extrapolated: it holds on to nothing.
        anchored = in_cells(vertices[faces].mean(1), region.coords, region.depth)
        return drop_crumbs(vertices, faces, self._crumbs * region.cell_size, anchored)

    def _trim(self, vertices: npt.NDArray[np.float64], faces: npt.NDArray[np.int64]) -> _Mesh:
        """The mesh without triangles where the surface is not."""
        if not len(self._trimmed) or not len(faces):
            return vertices, faces
        from .crumbs import without_unused

        region = self.field.region
        lost = dropped(vertices[faces].mean(1), region.coords, region.depth, self._trimmed, self._parts)
        return without_unused(vertices, faces[~lost])
