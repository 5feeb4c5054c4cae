"""Cells of key points to numbers and back: an octree whose flags adapt to points that stand apart.

The tables of `occupancy` are of surfaces, whose cells have neighbours; those of key points mostly have none. A level is
coded in eight passes, one for each octant of the parents, as there.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ...formats.errors import FormatError
from ...formats.limits import Limits
from ..numbers import NumberDecoder, NumberEncoder
from ..occupancy import NEIGHBOURS, OCTANTS, Cells, cell_names, parents_of, sorted_cells
from .symbols import MAX_KEY_POINTS

IntArray = npt.NDArray[np.int64]

_ROOT = np.zeros((1, 3), np.int32)
_MOST_SIBLINGS = 7
# Those that share a face come first, then an edge, then a corner.
_AROUND = NEIGHBOURS[np.argsort(np.abs(NEIGHBOURS).sum(1), kind="stable")].astype(np.int64)


def put_cells(coder: NumberEncoder, cells: Cells, depth: int) -> int:
    """Append sorted cells of the 2**depth grid; how many flags that took."""
    levels = [cells]
    for level in range(depth, 0, -1):
        levels.append(parents_of(levels[-1], level))
    levels.reverse()
    n_flags = 0
    for level in range(1, depth + 1):
        walk = _Level(levels[level - 1], level, n_flags)
        names = cell_names(levels[level])
        for octant in range(8):
            flags = np.isin(cell_names(walk.children(octant)), names).astype(np.int64)
            coder.put(flags, *walk.contexts(octant))
            walk.put(octant, flags)
        n_flags += walk.n_flags
    return n_flags


def take_cells(
    coder: NumberDecoder, depth: int, limits: Limits, what: str = "lgcl payload", most: int = MAX_KEY_POINTS
) -> tuple[Cells, int]:
    """Cells, sorted, and how many flags they took: the mirror of `put_cells`.

    `what` starts the messages, `most` is how many the format allows.

    Raises
    ------
    FormatError
        A flag is neither 0 nor 1, a cell has no child, or there are more cells than the format allows.
    LimitError
        More cells or symbols than the limits allow; raised before the next level is read.
    """
    cells, n_flags = _ROOT, 0
    for level in range(1, depth + 1):
        limits.check("max_symbols", n_flags + 8 * len(cells), "symbols")
        walk = _Level(cells, level, n_flags)
        for octant in range(8):
            flags = coder.take(*walk.contexts(octant))
            if ((flags != 0) & (flags != 1)).any():
                raise FormatError(f"{what}: a flag of the octree is neither 0 nor 1")
            walk.put(octant, flags)
        if not walk.flags.any(1).all():
            raise FormatError(f"{what}: a cell of level {level - 1} has no child")
        cells = walk.cells()
        n_flags += walk.n_flags
        limits.check("max_cells", len(cells), f"points of level {level}")
        if len(cells) > most:
            raise FormatError(f"{what}: {len(cells)} points, but the format allows {most}")
    return cells, n_flags


class _Level:
    """A level of the octree while it is coded.

    Parameters
    ----------
    parents : (M, 3) int32
        Cells of the level above, sorted.
    level : int
        Of the children.
    first : int
        Numbers coded before.
    """

    def __init__(self, parents: Cells, level: int, first: int) -> None:
        self._parents, self._level, self._first = parents, level, first
        self._names = cell_names(parents)
        self.flags = np.zeros((len(parents), 8), np.int64)

    @property
    def n_flags(self) -> int:
        """Flags of the level."""
        return self.flags.size

    def children(self, octant: int) -> npt.NDArray[np.int32]:
        """(M, 3) the cells that a pass is about."""
        return 2 * self._parents + OCTANTS[octant]

    def contexts(self, octant: int) -> tuple[IntArray, IntArray, IntArray]:
        """Kinds, places and near of a pass, as `NumberEncoder.put` takes them."""
        n = len(self._parents)
        siblings = self.flags[:, :octant].sum(1).clip(max=_MOST_SIBLINGS)
        around = (self.children(octant)[:, None] + _AROUND).reshape(-1, 3)
        parents, names = around >> 1, cell_names(around >> 1)
        row = np.minimum(np.searchsorted(self._names, names), n - 1)
        which = (around - 2 * parents) @ np.array([4, 2, 1])
        # Passes follow each other, so that a flag's position is its pass, then its parent.
        known = (self._names[row] == names) & (which < octant)
        near = np.where(known, self._first + which * n + row, -1).reshape(n, -1)
        return np.full(n, self._level), 8 * octant + siblings, near

    def put(self, octant: int, flags: IntArray) -> None:
        """Enter what is now known of a pass."""
        self.flags[:, octant] = flags

    def cells(self) -> Cells:
        """The children that there are, sorted."""
        found = [self.children(octant)[self.flags[:, octant] == 1] for octant in range(8)]
        return sorted_cells(np.concatenate(found), self._level)
