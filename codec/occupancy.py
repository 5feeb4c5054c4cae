"""Which cells meet the surface: an octree, coded level by level with context, in integers only.

A level is coded in eight passes, one for each octant of the parents. A pass sees everything decoded before it: the
cells of earlier passes all around, and which of the rest can exist at all (their parent is occupied)::

    level d (known) --> children in octant 0, 1, ... 7 --> level d + 1

Where a coarse field is already decoded, its value at the child's centre says how likely the surface passes there.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from ..formats.limits import DEFAULT, Limits
from .context import LinearContext
from .entropy import SymbolDecoder, SymbolEncoder, TableFamily

Cells = npt.NDArray[np.int32]

# Part of the format, never renumber.
OCTANTS = np.array([[i >> 2 & 1, i >> 1 & 1, i & 1] for i in range(8)], np.int32)
NEIGHBOURS = np.array(
    [[i, j, k] for i in (-1, 0, 1) for j in (-1, 0, 1) for k in (-1, 0, 1) if (i, j, k) != (0, 0, 0)], np.int32
)
N_CLOSENESS = 9  # how close the coarse field says the surface is: 8 steps, and "no field yet"
NO_FIELD = N_CLOSENESS - 1
N_FEATURES = 2 * len(NEIGHBOURS) + N_CLOSENESS
FEATURE_ONE = 16
_CHUNK = 1 << 16  # cells whose neighbours are looked up at once: bounds the memory
_EMPTY, _OCCUPIED, _UNKNOWN = 0, 1, 2


def cells_of_points(points: npt.NDArray[np.floating], depth: int) -> Cells:
    """Cells of the 2**depth grid over [-1, 1]^3 that hold a point, sorted, without repeats.

    Parameters
    ----------
    points : (N, 3) float array
        Normalized; points outside the cube go to its nearest cell.
    depth : int
        The grid has 2**depth cells along an axis.

    Returns
    -------
    cells : (M, 3) int32
    """
    n_cells = 1 << depth
    cells = np.floor((points + 1) * (n_cells / 2)).astype(np.int64).clip(0, n_cells - 1)
    return sorted_cells(cells, depth)


def sorted_cells(cells: npt.NDArray[np.integer], depth: int) -> Cells:
    """Cells in lexicographic order without repeats, (M, 3) int32."""
    cells = cells.astype(np.int64)
    keys = np.unique((cells[:, 0] << 2 * depth) | (cells[:, 1] << depth) | cells[:, 2])
    mask = (1 << depth) - 1
    return np.stack([keys >> 2 * depth, keys >> depth & mask, keys & mask], 1).astype(np.int32)


def cell_names(cells: npt.NDArray[np.integer]) -> npt.NDArray[np.int64]:
    """One number a cell, in lexicographic order; coordinates from -1 up to 2**20 - 2."""
    cells = cells.astype(np.int64) + 1
    return (cells[..., 0] << 40) | (cells[..., 1] << 20) | cells[..., 2]


def find_cells(cells: Cells, wanted: npt.NDArray[np.integer]) -> npt.NDArray[np.int64]:
    """(...) positions of (..., 3) cells among sorted cells, -1 where there is none."""
    names, searched = cell_names(cells), cell_names(np.maximum(wanted, -1))
    found = np.minimum(np.searchsorted(names, searched), len(names) - 1)
    return np.where(names[found] == searched, found, -1)


def parents_of(cells: Cells, depth: int) -> Cells:
    """Cells of level depth - 1 that hold the cells of level depth."""
    return sorted_cells(cells >> 1, depth - 1)


class ChildPasses:
    """State of one level while its children are coded: which are occupied, which are unknown.

    Parameters
    ----------
    parents : (M, 3) int32
        Occupied cells of level `depth - 1`, sorted.
    depth : int
        Level of the children.
    """

    def __init__(self, parents: Cells, depth: int) -> None:
        self.parents = parents
        edge = (1 << depth) + 2  # one layer of empty cells all round, so that neighbours need no bounds check
        self._edge = edge
        self._state = np.zeros(edge**3, np.uint8)
        self._keys = [self._key(2 * parents + octant) for octant in OCTANTS]
        for keys in self._keys:
            self._state[keys] = _UNKNOWN
        steps = NEIGHBOURS.astype(np.int64)
        self._steps = (steps[:, 0] * edge + steps[:, 1]) * edge + steps[:, 2]

    def _key(self, cells: npt.NDArray[np.integer]) -> npt.NDArray[np.int64]:
        shifted = cells.astype(np.int64) + 1
        return (shifted[:, 0] * self._edge + shifted[:, 1]) * self._edge + shifted[:, 2]

    def features(self, octant: int, closeness: npt.NDArray[np.integer]) -> npt.NDArray[np.int32]:
        """(M, N_FEATURES) int32 features of the children in an octant, one row a parent."""
        keys = self._keys[octant]
        features = np.zeros((len(keys), N_FEATURES), np.int32)
        for start in range(0, len(keys), _CHUNK):
            part = slice(start, start + _CHUNK)
            around = self._state[keys[part, None] + self._steps]  # (M, 26)
            features[part, :26] = (around == _OCCUPIED) * FEATURE_ONE
            features[part, 26:52] = (around == _UNKNOWN) * FEATURE_ONE
        features[np.arange(len(keys)), 52 + closeness] = FEATURE_ONE
        return features

    def put(self, octant: int, occupied: npt.NDArray[np.integer]) -> None:
        """Enter what is now known of an octant's children, (M,) of 0 or 1."""
        self._state[self._keys[octant]] = occupied

    def children(self) -> Cells:
        """The occupied children once all passes are done, sorted."""
        found = [2 * self.parents[self._state[keys] == _OCCUPIED] + octant
                 for octant, keys in zip(OCTANTS, self._keys, strict=True)]  # fmt: skip
        depth = (self._edge - 2).bit_length() - 1
        return sorted_cells(np.concatenate(found), depth)


def closeness_of(values: npt.NDArray[np.int64] | None, n_cells: int, depth: int, one: int) -> npt.NDArray[np.int64]:
    """How close the surface is to cell centres, as a small class.

    Parameters
    ----------
    values : (M,) int64 or None
        Coarse field at the centres in fixed point (`one` is one normalized unit), or None where there is no field yet.
    n_cells : int
        Centres; used when there is no field.
    depth : int
        Level of the cells; their edge is 2 / 2**depth normalized units.
    one : int
        Fixed-point one.

    Returns
    -------
    closeness : (M,) int64
        0 (at the centre) to 7 (more than an edge and a half away), or `NO_FIELD`.
    """
    if values is None:
        return np.full(n_cells, NO_FIELD, np.int64)
    eighths = (np.abs(values) << (depth + 2)) // one  # eighths of the cell's edge
    return np.searchsorted(_CLOSENESS_EDGES, eighths, side="right")


_CLOSENESS_EDGES = np.array([1, 2, 3, 4, 6, 8, 12])


def encode_children(
    coder: SymbolEncoder, parents: Cells, children: Cells, depth: int, closeness: npt.NDArray[np.int64],
    context: LinearContext, tables: TableFamily,
) -> None:  # fmt: skip
    """Append one level of the octree.

    Parameters
    ----------
    coder : SymbolEncoder
    parents, children : (M, 3), (N, 3) int32
        Occupied cells of level depth - 1 and depth, sorted; every parent has a child.
    depth : int
        Level of the children.
    closeness : (8, M) int64
        Of each octant's children, see `closeness_of`.
    context : LinearContext
        Kinds 0-7 are the octants with a field, 8-15 those without.
    tables : TableFamily
        Two letters: empty, occupied.
    """
    passes = ChildPasses(parents, depth)
    n_cells = 1 << depth
    present = np.zeros((n_cells,) * 3, bool)
    present[tuple(children.T)] = True
    for octant, offset in enumerate(OCTANTS):
        occupied = present[tuple((2 * parents + offset).T)].astype(np.int32)
        coder.put(occupied, _rows(passes, octant, closeness[octant], context), tables)
        passes.put(octant, occupied)


def decode_children(
    coder: SymbolDecoder, parents: Cells, depth: int, closeness: npt.NDArray[np.int64],
    context: LinearContext, tables: TableFamily, limits: Limits = DEFAULT,
) -> Cells:  # fmt: skip
    """The next level of the octree: the mirror of `encode_children`.

    Raises
    ------
    LimitError
        It has more cells than the limits allow; raised as soon as they are.
    """
    passes = ChildPasses(parents, depth)
    n_children = 0
    for octant in range(len(OCTANTS)):
        occupied = coder.take(_rows(passes, octant, closeness[octant], context), tables)
        n_children += int(occupied.sum())
        limits.check("max_cells", n_children, f"occupied cells of level {depth}")
        passes.put(octant, occupied)
    return passes.children()


def _rows(
    passes: ChildPasses, octant: int, closeness: npt.NDArray[np.int64], context: LinearContext
) -> npt.NDArray[np.int64]:
    kind = octant + (8 if len(closeness) and closeness[0] == NO_FIELD else 0)
    return context.rows(kind, passes.features(octant, closeness))
