"""Where the level set is not the surface: cells that are trimmed to the parts the surface meets.

A field has no border and no wall without two sides: it runs on to the end of its cells where an open surface ends, and
adds a sheet where two sides of thin parts meet. The encoder looks for such pieces (`astray`); their cells are coded one
octree level finer, and triangles in parts that the surface does not meet are dropped.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .occupancy import NEIGHBOURS, Cells, cell_names

NO_CELLS = np.zeros((0, 3), np.int32)


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
    return np.isin(cell_names(np.floor((points + 1) * ((1 << depth) / 2)).astype(np.int64)), cell_names(cells))
