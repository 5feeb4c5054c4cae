"""The zero set of a field over the whole cube, for methods whose files do not say which cells the surface meets."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from .crumbs import drop_crumbs
from .device_mesher import surface_of
from .region import Region
from .tensor_field import TensorField

Progress = Callable[[str, int, int], None]

WHOLE = Region(0, np.zeros((1, 3), np.int32))  # one cell: the cube
# The share of the cube that the shape's longest side fills; the field is to close around the shape within the rest.
FILL = 0.9
# A separate piece that fits into so many voxels is an accident of the field, not a part of the shape.
_CRUMB_VOXELS = 4.0


class WholeSurface:
    """The surface of a field over the cube.

    The mesher looks for it from coarse to fine: a tile is left out where the value at its middle is farther from zero
    than a distance could be with the surface in the tile.

    Parameters
    ----------
    field : TensorField
        Of the region `WHOLE`. Near the surface its values are about distances; farther away they may be less, but
        not much more.
    """

    def __init__(self, field: TensorField) -> None:
        self.field = field

    def mesh(
        self, resolution: int, progress: Progress | None = None, *, uniform: bool = False
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
        """Vertices (V, 3) float64, normalized units, and faces (F, 3) int64.

        Parameters
        ----------
        resolution : int
            Voxels along the shape's longest side.
        progress : callable, optional
            Called with (stage, steps done, steps in all).
        uniform : bool
            Does not matter: all voxels are of one size.
        """
        n_voxels = round(resolution / FILL)
        vertices, faces = surface_of(self.field, n_voxels, margin=0, progress=progress)
        return drop_crumbs(vertices, faces, _CRUMB_VOXELS * 2 / n_voxels)
