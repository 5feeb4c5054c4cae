"""Where the level set is not the surface: cells that are trimmed to the parts the surface meets.

A field has no border and no wall without two sides: it runs on to the end of its cells where an open surface ends, and
adds a sheet where two sides of thin parts meet. The encoder looks for such pieces; their cells are coded one octree
level finer, and triangles in parts that the surface does not meet are dropped::

    occupied cells --flag a cell--> trimmed cells --octree, one level, with the field as context--> parts that stay
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from ...formats.limits import DEFAULT, Limits
from ..entropy import SymbolDecoder, SymbolEncoder
from ..occupancy import NEIGHBOURS, Cells, cell_names, closeness_of, decode_children, encode_children
from .lattice import FIXED_ONE, Lattice, parity_passes

if TYPE_CHECKING:
    from .tables import GridTables

# Part of the format, never change.
_FLAG_ROW, _FLAG_STEP, _MOST_FLAGGED = 18, 7, 4  # rows of the bit table: even odds between 31 and 32, four a logit

NO_CELLS = np.zeros((0, 3), np.int32)


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


def dropped(
    points: npt.NDArray[np.float64], cells: Cells, depth: int, trimmed: Cells, parts: Cells
) -> npt.NDArray[np.bool_]:
    """Whether points lie where the surface is not.

    Parameters
    ----------
    points : (N, 3) float64
        Normalized.
    cells, trimmed : (M, 3), (T, 3) int32
        Occupied and trimmed cells.
    depth : int
        Their level.
    parts : (P, 3) int32
        Parts that stay.

    Returns
    -------
    dropped : (N,) bool
        The point is in a part of a trimmed cell that does not stay; or outside the occupied cells, within a part (26
        neighbours) of a trimmed cell, and not across a face from an occupied cell that is whole.
    """
    part = np.floor((points + 1) * (1 << depth)).astype(np.int64)
    occupied, trims = cell_names(cells), cell_names(trimmed)
    lost = np.isin(cell_names(part >> 1), trims)
    lost[lost] = ~np.isin(cell_names(part[lost]), cell_names(parts))
    outside = np.flatnonzero(~np.isin(cell_names(part >> 1), occupied))
    near_trimmed, held = np.zeros((2, len(outside)), bool)
    for step in NEIGHBOURS.astype(np.int64):
        neighbour = cell_names(part[outside] + step >> 1)
        beside = np.isin(neighbour, trims)
        near_trimmed |= beside
        if np.abs(step).sum() == 1:
            held |= np.isin(neighbour, occupied) & ~beside
    lost[outside] = near_trimmed & ~held
    return lost


def in_cells(points: npt.NDArray[np.float64], cells: Cells, depth: int) -> npt.NDArray[np.bool_]:
    """(N,) whether points (N, 3), normalized, lie in some cells of a depth."""
    return np.isin(cell_names(np.floor((points + 1) * (1 << depth - 1)).astype(np.int64)), cell_names(cells))


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
