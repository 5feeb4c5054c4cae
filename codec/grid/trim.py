"""Trimmed cells (`codec.trim`) in the stream::

occupied cells --flag a cell--> trimmed cells --octree, one level, with the field as context--> parts that stay
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ...formats.limits import DEFAULT, Limits
from ..entropy import SymbolDecoder, SymbolEncoder
from ..gains import FIXED_ONE
from ..occupancy import NEIGHBOURS, Cells, cell_names, closeness_of, decode_children, encode_children
from ..parity import parity_passes
from .lattice import Lattice

if TYPE_CHECKING:
    from .tables import GridTables

# Part of the format, never change.
_FLAG_ROW, _FLAG_STEP, _MOST_FLAGGED = 18, 7, 4  # rows of the bit table: even odds between 31 and 32, four a logit


def put_trims(
    coder: SymbolEncoder,
    lattice: Lattice,
    field: npt.NDArray[np.int64],
    trimmed: Cells,
    parts: Cells,
    tables: GridTables,
) -> None:
    """Append which cells are trimmed, and to which parts.

    Parameters
    ----------
    coder : SymbolEncoder
    lattice : Lattice
        Finest level.
    field : (N,) int64
        Sum of all levels at its nodes, fixed point.
    trimmed : (T, 3) int32
        Trimmed cells, sorted, some of the lattice's cells.
    parts : (P, 3) int32
        Parts that stay: cells one level finer, sorted, all in trimmed cells.
    tables : GridTables
    """
    passes = _FlagPasses(lattice)
    flags = np.isin(cell_names(lattice.cells), cell_names(trimmed)).astype(np.int32)
    for cells in passes.passes:
        coder.put(flags[cells], passes.rows(cells), tables.bits)
        passes.flags[cells] = flags[cells]
    closeness = _closeness(lattice, field, trimmed)
    encode_children(coder, trimmed, parts, lattice.depth + 1, closeness, tables.occupancy, tables.bits)


def take_trims(
    coder: SymbolDecoder, lattice: Lattice, field: npt.NDArray[np.int64], tables: GridTables, limits: Limits = DEFAULT
) -> tuple[Cells, Cells]:
    """Trimmed cells and the parts that stay: the mirror of `put_trims`.

    Raises
    ------
    LimitError
        There are more parts than `limits` allow cells.
    """
    passes = _FlagPasses(lattice)
    for cells in passes.passes:
        passes.flags[cells] = coder.take(passes.rows(cells), tables.bits)
    trimmed = lattice.cells[passes.flags[:-1] == 1]
    closeness = _closeness(lattice, field, trimmed)
    depth = lattice.depth + 1
    return trimmed, decode_children(coder, trimmed, depth, closeness, tables.occupancy, tables.bits, limits)


class _FlagPasses:
    """The order in which cells are flagged, and the rows: a neighbour that is trimmed makes it likely."""

    def __init__(self, lattice: Lattice) -> None:
        edge = (1 << lattice.depth) + 2
        index = np.full(edge**3, len(lattice.cells), np.int32)  # the last flag stands for "no cell"

        def key(cells: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
            return ((cells[..., 0] + 1) * edge + cells[..., 1] + 1) * edge + cells[..., 2] + 1

        cells = lattice.cells.astype(np.int64)
        index[key(cells)] = np.arange(len(cells), dtype=np.int32)
        self._around = index[key(cells[:, None] + NEIGHBOURS)]
        self.passes = parity_passes(cells)
        self.flags = np.zeros(len(cells) + 1, np.int32)

    def rows(self, cells: npt.NDArray[np.intp]) -> npt.NDArray[np.int64]:
        """(N,) rows of the bit table for cells by position."""
        n_flagged = self.flags[self._around[cells]].sum(1)
        return _FLAG_ROW + _FLAG_STEP * np.minimum(n_flagged, _MOST_FLAGGED).astype(np.int64)


def _closeness(lattice: Lattice, field: npt.NDArray[np.int64], cells: Cells) -> npt.NDArray[np.int64]:
    """(8, T) closeness of the children of some of the lattice's cells."""
    own = Lattice.of_cells(cells, lattice.depth)
    values = own.at_children(field[lattice.find(own.nodes)])
    return np.stack([closeness_of(v, len(cells), lattice.depth + 1, FIXED_ONE) for v in values])
