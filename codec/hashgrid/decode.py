"""From the section of a `hashgrid` file to a surface."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ...formats.container import Section
from ...formats.limits import DEFAULT, Limits
from ..cell_surface import CellSurface
from .stream import unpack_symbols
from .symbols import HashgridSymbols

# A separate piece that fits into a cell is an accident of the field, not a part of the shape: a node far from the
# surface may share its entry with one at the surface.
_CRUMB_CELLS = 1.0


class HashgridSurface(CellSurface):
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
        # Imported here, not above, so that checking a file's symbols starts fast.
        from ..backend import pick_device
        from .model import HashgridField

        self.symbols = symbols
        field = HashgridField(symbols, pick_device(device), backend)
        super().__init__(field, _CRUMB_CELLS, trimmed=symbols.trimmed, parts=symbols.parts)


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
        "n_trimmed": len(symbols.trimmed),
        "n_weights": sum(weights.size for weights in symbols.weights),
        "n_raw_bytes": 2 * grid.offsets[-1] * grid.n_features,
    }
