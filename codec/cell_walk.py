"""The order in which numbers of occupied cells are coded, and which numbers are near one."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from .occupancy import NEIGHBOURS, Cells, find_cells
from .parity import parity_passes

IntArray = npt.NDArray[np.int64]

# Part of the format, never change.
N_NEAR = 6  # numbers near a number
CENTRE_ORDER = np.argsort((NEIGHBOURS**2).sum(1), kind="stable")  # those across faces first, then edges, corners


class CellWalk:
    """Cells in eight passes by parity, and for each cell its neighbours in passes before its own.

    Parameters
    ----------
    cells : (M, 3) int32
        Sorted.

    Attributes
    ----------
    passes : list of (N,) int64
        Cells of each pass.
    order : (M,) int64
        Cells as they come.
    before : (M, 26) int64
        Neighbours that come before each cell, those across faces first; -1 where there is none.
    """

    def __init__(self, cells: Cells) -> None:
        self.passes = parity_passes(cells)
        self.order = np.concatenate(self.passes)
        self._rank = np.empty(len(cells), np.int64)
        self._rank[self.order] = np.arange(len(cells))
        around = find_cells(cells, cells[:, None].astype(np.int64) + NEIGHBOURS[CENTRE_ORDER])
        self.before = np.where((around >= 0) & (self._rank[around] < self._rank[:, None]), around, -1)

    def __len__(self) -> int:
        return len(self.order)

    def once_each(self, first: int) -> list[tuple[IntArray, IntArray]]:
        """Each pass over numbers of which a cell has one: its cells, and where numbers near theirs stand.

        Parameters
        ----------
        first : int
            Numbers that come before all of these.
        """
        places = np.where(self.before >= 0, first + self._rank[self.before], -1)
        return [(part, first_known(places[part])) for part in self.passes]


def first_known(near: IntArray) -> IntArray:
    """The first few of each row that are not -1, moved to the front."""
    order = np.argsort(near < 0, axis=1, kind="stable")[:, :N_NEAR]
    return np.take_along_axis(near, order, 1)
