"""Trimmed cells (`codec.trim`) among the coded numbers of a `hashgrid` file::

occupied cells --number a cell--> trimmed cells --number for each eighth--> parts that stay
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ...formats.errors import FormatError
from ..cell_walk import CellWalk
from ..numbers import NumberDecoder, NumberEncoder
from ..occupancy import OCTANTS, Cells, cell_names, sorted_cells

IntArray = npt.NDArray[np.int64]

# Part of the format, never change.
_TRIMMED, _PART = 62, 63  # kinds
_BESIDE = np.arange(8)[:, None] ^ np.array([4, 2, 1])  # eighths across a face


def put_trims(coder: NumberEncoder, n_before: int, cells: Cells, trimmed: Cells, parts: Cells) -> None:
    """Append which cells are trimmed, and to which parts.

    Parameters
    ----------
    coder : NumberEncoder
    n_before : int
        Numbers coded so far.
    cells, trimmed : (M, 3), (T, 3) int32
        Occupied cells, and those of them that are trimmed; both sorted.
    parts : (P, 3) int32
        Parts that stay: cells one level finer, all in trimmed cells.
    """
    flags = np.isin(cell_names(cells), cell_names(trimmed)).astype(np.int64)
    for part, near in CellWalk(cells).once_each(n_before):
        coder.put(flags[part], *_alike(len(part), _TRIMMED), near)
    stays = np.isin(cell_names(_eighths(trimmed)), cell_names(parts)).astype(np.int64)
    coder.put(stays, *_of_eighths(len(trimmed), n_before + len(cells)))


def take_trims(coder: NumberDecoder, n_before: int, cells: Cells, depth: int) -> tuple[Cells, Cells]:
    """Trimmed cells and the parts that stay, both sorted: the mirror of `put_trims`; `depth` is that of the cells.

    Raises
    ------
    FormatError
        A number is neither 0 nor 1.
    """
    flags = np.zeros(len(cells), np.int64)
    for part, near in CellWalk(cells).once_each(n_before):
        flags[part] = _checked(coder.take(*_alike(len(part), _TRIMMED), near))
    trimmed = cells[flags == 1]
    stays = _checked(coder.take(*_of_eighths(len(trimmed), n_before + len(cells))))
    return trimmed, sorted_cells(_eighths(trimmed)[stays == 1], depth + 1)


def _eighths(cells: Cells) -> Cells:
    """(8 N, 3) children of cells, those of a cell together."""
    return (2 * cells[:, None] + OCTANTS).reshape(-1, 3).astype(np.int32)


def _of_eighths(n_cells: int, first: int) -> tuple[IntArray, IntArray, IntArray]:
    """Kinds, places and what is near of the numbers of so many cells' eighths: those of the cell that come before."""
    octants = np.tile(np.arange(8), n_cells)
    starts = first + 8 * np.repeat(np.arange(n_cells), 8)
    beside = _BESIDE[octants]
    near = np.where(beside < octants[:, None], starts[:, None] + beside, -1)
    return np.full(8 * n_cells, _PART), octants, near


def _alike(n: int, kind: int) -> tuple[IntArray, IntArray]:
    """Kinds and places of numbers that are all of one sort."""
    return np.full(n, kind), np.zeros(n, np.int64)


def _checked(flags: IntArray) -> IntArray:
    if flags.size and not 0 <= flags.min() <= flags.max() <= 1:
        raise FormatError("hashgrid payload: whether a cell is trimmed is neither 0 nor 1")
    return flags
