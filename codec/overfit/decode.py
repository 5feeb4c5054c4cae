"""From the sections of an `overfit` file to a surface."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from ...formats.container import Section
from ...formats.limits import DEFAULT, Limits
from .stream import unpack_symbols
from .symbols import CRUMB_UNIT, OverfitSymbols

# Part of a cell that the surface may reach beyond those that its input met: it moves by what is lost.
MARGIN = 0.25

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]
Progress = Callable[[str, int, int], None]


class OverfitSurface:
    """The surface of decoded symbols.

    Parameters
    ----------
    symbols : OverfitSymbols
    device, backend : str
        As of ``--device`` and ``--backend``.

    Raises
    ------
    BackendError
        What was asked for is not there.
    """

    def __init__(self, symbols: OverfitSymbols, device: str = "auto", backend: str = "auto") -> None:
        # Imported here and below, not above, so that checking a file's symbols starts fast.
        from ..backend import pick_device
        from .model import field_of

        self.symbols = symbols
        self.field = field_of(symbols, pick_device(device), backend)

    def mesh(
        self, resolution: int, progress: Progress | None = None, *, uniform: bool = False
    ) -> tuple[FloatArray, IntArray]:
        """Vertices (V, 3) float64, normalized units, and faces (F, 3) int64.

        Parameters
        ----------
        resolution : int
            Voxels along the shape's longest side, about: a whole number for each cell.
        progress : callable, optional
            Called with (stage, steps done, steps in all).
        uniform : bool
            Does not matter: all voxels are of one size.
        """
        from ..crumbs import drop_crumbs
        from ..whole import FILL

        vertices, faces = self.whole(round(resolution / FILL), progress)
        return drop_crumbs(vertices, faces, self.symbols.crumbs * CRUMB_UNIT)

    def whole(self, n_voxels: int, progress: Progress | None = None) -> tuple[FloatArray, IntArray]:
        """The mesh on so many voxels along the cube, with the pieces that are none of the shape's.

        It may reach a little beyond the cells, but what lies wholly there is extrapolated: it holds on to nothing.
        """
        from ..crumbs import drop_crumbs
        from ..device_mesher import surface_of
        from ..trim import in_cells

        vertices, faces = surface_of(self.field, n_voxels, margin=MARGIN, progress=progress)
        anchored = in_cells(vertices[faces].mean(1), self.symbols.cells, self.symbols.depth)
        return drop_crumbs(vertices, faces, 0.0, anchored)


def decode_overfit(
    sections: Sequence[Section],
    *,
    lod: int = 0,
    limits: Limits = DEFAULT,
    device: str = "auto",
    backend: str = "auto",
) -> OverfitSurface:
    """The surface that sections describe; a network has no levels to leave out."""
    return OverfitSurface(unpack_symbols(sections, limits=limits), device, backend)


def check_overfit(sections: Sequence[Section], limits: Limits = DEFAULT) -> dict[str, object]:
    """Decode the symbols only, without torch, and say what there is, for ``sdfz verify`` and ``sdfz info``."""
    symbols = unpack_symbols(sections, limits=limits)
    architecture = symbols.architecture
    return {
        "width": architecture.width,
        "n_hidden": architecture.n_hidden,
        "activation": architecture.activation,
        "n_weights": architecture.n_weights,
        "n_zeros": sum(int((weights == 0).sum()) for weights in symbols.weights),
        "depth": symbols.depth,
        "n_cells": len(symbols.cells),
    }
