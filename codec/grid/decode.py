"""From the sections of a `grid` file to a surface."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from ...formats.container import Section
from ...formats.limits import DEFAULT, Limits
from ...formats.model_pack import ModelPack
from ..trim import dropped, in_cells
from .stream import network_code, unpack_symbols
from .symbols import SHARED_NETWORK, GridSymbols

# A separate piece that fits into this part of a cell is an accident of the field, not a part of the shape.
_CRUMB_CELLS = 0.5

Progress = Callable[[str, int, int], None]
_Mesh = tuple[npt.NDArray[np.float64], npt.NDArray[np.int64]]


class GridSurface:
    """The surface of decoded symbols.

    Parameters
    ----------
    symbols : GridSymbols
    device, backend : str
        As of ``--device`` and ``--backend``.
    pack : ModelPack, optional
        Where the symbols say that the network is shared.

    Raises
    ------
    BackendError
        What was asked for is not there.
    PackMethodError, CorruptPackError, FormatError
        The pack is none for these symbols.
    """

    def __init__(
        self, symbols: GridSymbols, device: str = "auto", backend: str = "auto", pack: ModelPack | None = None
    ) -> None:
        # Imported here and below, not above, so that checking a file's symbols starts fast.
        from ..backend import pick_device
        from .model import GridField

        self.symbols = symbols
        self.field = GridField(symbols, pick_device(device), backend, pack)

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

        cells = self.symbols.cells
        n_along = int((cells.max(0) - cells.min(0)).max()) + 1
        voxels_a_cell = max(round(resolution / n_along), 1)
        vertices, faces = surface_of(self.field, voxels_a_cell << self.symbols.depth, progress=progress)
        vertices, faces = self._trim(vertices, faces)
        # What lies wholly in the mesher's margin is extrapolated: it holds on to nothing.
        anchored = in_cells(vertices[faces].mean(1), cells, self.symbols.depth)
        return drop_crumbs(vertices, faces, _CRUMB_CELLS * self.field.region.cell_size, anchored)

    def _trim(self, vertices: npt.NDArray[np.float64], faces: npt.NDArray[np.int64]) -> _Mesh:
        """The mesh without triangles where the surface is not."""
        s = self.symbols
        if not len(s.trimmed) or not len(faces):
            return vertices, faces
        lost = dropped(vertices[faces].mean(1), s.cells, s.depth, s.trimmed, s.parts)
        from ..crumbs import without_unused

        return without_unused(vertices, faces[~lost])


def decode_grid(
    sections: Sequence[Section],
    *,
    lod: int = 0,
    limits: Limits = DEFAULT,
    device: str = "auto",
    backend: str = "auto",
    pack: ModelPack | None = None,
) -> GridSurface:
    """The surface that sections describe; `check_grid` and the network's device in one."""
    return GridSurface(unpack_symbols(sections, lod=lod, limits=limits), device, backend, pack)


def needs_pack(sections: Sequence[Section]) -> bool:
    """Whether the network is a model pack's; FormatError where the payload does not begin as it must."""
    return network_code(sections) == SHARED_NETWORK


def check_grid(sections: Sequence[Section], limits: Limits = DEFAULT) -> dict[str, object]:
    """Decode the symbols only, without torch, and say what there is, for ``sdfz verify`` and ``sdfz info``."""
    symbols = unpack_symbols(sections, limits=limits)
    return {
        "depth": symbols.depth,
        "n_cells": len(symbols.cells),
        "n_levels": symbols.n_levels,
        "n_latents": [len(latents) for latents in symbols.latents],
        "n_weights": sum(weights.size for weights in symbols.weights),
        "n_trimmed": len(symbols.trimmed),
    }
