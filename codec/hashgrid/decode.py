"""From the section of a `hashgrid` file to a surface."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from ...formats.container import Section
from ...formats.limits import DEFAULT, Limits
from ..trim import in_cells
from .stream import unpack_symbols
from .symbols import HashgridSymbols

# A separate piece that fits into a cell is an accident of the field, not a part of the shape: a node far from the
# surface may share its entry with one at the surface.
_CRUMB_CELLS = 1.0

Progress = Callable[[str, int, int], None]


class HashgridSurface:
    """The surface of decoded symbols.

    Parameters
    ----------
    symbols : HashgridSymbols
    device, backend : str
        As of ``--device`` and ``--backend``.

    Raises
    ------
    BackendError
        What was asked for is not there.
    """

    def __init__(self, symbols: HashgridSymbols, device: str = "auto", backend: str = "auto") -> None:
        # Imported here and below, not above, so that checking a file's symbols starts fast.
        from ..backend import pick_device
        from .model import HashgridField

        self.symbols = symbols
        self.field = HashgridField(symbols, pick_device(device), backend)

    def mesh(
        self, resolution: int, progress: Progress | None = None, *, uniform: bool = False
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]:
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
        from ..crumbs import drop_crumbs
        from ..device_mesher import surface_of

        cells, depth = self.symbols.cells, self.symbols.depth
        n_along = int((cells.max(0) - cells.min(0)).max()) + 1
        voxels_a_cell = max(round(resolution / n_along), 1)
        vertices, faces = surface_of(self.field, voxels_a_cell << depth, progress=progress)
        # What lies wholly in the mesher's margin is extrapolated: it holds on to nothing.
        anchored = in_cells(vertices[faces].mean(1), cells, depth)
        return drop_crumbs(vertices, faces, _CRUMB_CELLS * self.field.region.cell_size, anchored)


def decode_hashgrid(
    sections: Sequence[Section],
    *,
    lod: int = 0,
    limits: Limits = DEFAULT,
    device: str = "auto",
    backend: str = "auto",
) -> HashgridSurface:
    """The surface that a section describes; it has no coarser ones, so that `lod` does not matter."""
    return HashgridSurface(unpack_symbols(sections, limits=limits), device, backend)


def check_hashgrid(sections: Sequence[Section], limits: Limits = DEFAULT) -> dict[str, object]:
    """Decode the symbols only, without torch, and say what there is, for ``sdfz verify`` and ``sdfz info``."""
    symbols = unpack_symbols(sections, limits=limits)
    grid = symbols.grid
    return {
        "depth": symbols.depth,
        "n_cells": len(symbols.cells),
        "n_levels": grid.n_levels,
        "log2_table": grid.log2_table,
        "n_hashed": sum(grid.is_hashed(level) for level in range(grid.n_levels)),
        "n_entries": [len(table) for table in symbols.tables],
        "n_nonzero": [int(np.count_nonzero(table)) for table in symbols.tables],
        "n_weights": sum(weights.size for weights in symbols.weights),
        "n_raw_bytes": 2 * grid.offsets[-1] * grid.n_features,
    }
