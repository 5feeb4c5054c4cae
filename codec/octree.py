"""Occupied cells of a grid as bytes: an octree, coded level by level with fixed integer tables (`occupancy`).

For methods whose files say where the surface is before anything else; no field is known that could tell.
"""

from __future__ import annotations

from functools import cache
from importlib import resources

import numpy as np
import numpy.typing as npt

from ..formats.errors import FormatError
from ..formats.limits import DEFAULT, Limits
from .context import LinearContext
from .entropy import SymbolDecoder, SymbolEncoder, TableFamily
from .occupancy import NO_FIELD, Cells, decode_children, encode_children, parents_of

_ROOT = np.zeros((1, 3), np.int32)


@cache
def octree_tables() -> tuple[LinearContext, TableFamily]:
    """The trained integers of the octree: which row codes a cell's bit, and the rows, from surely empty to surely full.

    They ship with the package and are part of the format.
    """
    with resources.as_file(resources.files(__package__) / "octree.npz") as path, np.load(path) as arrays:
        return LinearContext(arrays["weights"].astype(np.int32), len(arrays["bits"])), TableFamily(arrays["bits"])


def pack_cells(cells: Cells, depth: int) -> bytes:
    """Bytes of the sorted cells (M, 3) of a depth, M at least 1; none for depth 0."""
    levels = [cells]
    for d in range(depth, 0, -1):
        levels.append(parents_of(levels[-1], d))
    levels.reverse()
    coder, tables = SymbolEncoder(), octree_tables()
    for d in range(1, depth + 1):
        encode_children(coder, levels[d - 1], levels[d], d, _no_field(levels[d - 1]), *tables)
    return coder.finish()


def unpack_cells(data: bytes, depth: int, limits: Limits = DEFAULT) -> Cells:
    """Cells (M, 3) int32, sorted; the one of depth 0 where that is asked for.

    Raises
    ------
    FormatError
        No encoder makes such bytes, or a cell is without children.
    LimitError
        There are more cells or bits than the limits allow.
    """
    coder, tables = SymbolDecoder(data), octree_tables()
    cells, n_bits = _ROOT, 0
    for d in range(1, depth + 1):
        parents, n_bits = cells, n_bits + 8 * len(cells)
        limits.check("max_symbols", n_bits, "symbols")
        cells = decode_children(coder, parents, d, _no_field(parents), *tables, limits)
        if len(parents_of(cells, d)) != len(parents):
            raise FormatError(f"octree: an occupied cell of level {d - 1} has no child")
    coder.finish()
    return cells


def _no_field(parents: Cells) -> npt.NDArray[np.int64]:
    return np.full((8, len(parents)), NO_FIELD, np.int64)
