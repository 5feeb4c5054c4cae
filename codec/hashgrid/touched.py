"""Which entries of a level's table count at all: those of nodes around points of occupied cells.

Both ends of a file know them from the cells, so that nothing is coded of the others, and a table costs what the surface
needs, however large it is. The cells are those of the finest level itself: its nodes are their corners. Coarser levels
are staggered against them (a level's scale is one less than its resolution), which integers say exactly: node n of a
level of resolution R lies at (n - 1/2) (2^d - 1) / (R - 1) + 1/2, counted in cells.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from ..occupancy import NEIGHBOURS, Cells
from .encoding import HashGrid

IntArray = npt.NDArray[np.int64]

_CHUNK = 1 << 15  # nodes whose neighbours are looked up at once: bounds the memory
_FACES_FIRST = NEIGHBOURS[np.argsort(np.abs(NEIGHBOURS).sum(1), kind="stable")].astype(np.int64)


def to_unit(points: Any, depth: int) -> Any:
    """Normalized points, in the cube [0, 1]^3 of the hash grid whose finest nodes are corners of 2^depth cells.

    Parameters
    ----------
    points : (N, 3) float32 array or tensor
    depth : int

    Returns
    -------
    unit : (N, 3) float32 array or tensor
    """
    n_cells = 1 << depth
    return ((points + 1) * (n_cells / 2) - 0.5) / (n_cells - 1)


class TouchedLevel:
    """Entries of a level that occupied cells touch, each with the first node that it stands for.

    Attributes
    ----------
    nodes : (N, 3) int64
        Sorted.
    entries : (N,) int64
        Positions in the level's table.
    n_cells : (N,) int64
        Occupied cells that use the node.
    """

    def __init__(self, grid: HashGrid, level: int, cells: Cells, depth: int) -> None:
        self.grid, self.level = grid, level
        self.resolution = grid.resolutions[level]
        nodes, n_cells = _nodes_around(cells, depth, self.resolution)
        entries, first = np.unique(grid.entries(level, nodes), return_index=True)
        order = np.argsort(first)
        self.nodes, self.n_cells, self.entries = nodes[first[order]], n_cells[first[order]], entries[order]
        self._place = np.full(grid.sizes[level], -1, np.int32)
        self._place[self.entries] = np.arange(len(self.entries), dtype=np.int32)

    def __len__(self) -> int:
        return len(self.entries)

    def places(self, nodes: npt.NDArray[np.integer]) -> npt.NDArray[np.int32]:
        """Positions in `entries` of what nodes (..., 3) use, -1 where that is not touched or outside the grid."""
        inside = ((nodes >= 0) & (nodes <= self.resolution)).all(-1)
        kept = np.where(np.expand_dims(inside, -1), nodes, 0)
        found = self._place[self.grid.entries(self.level, kept)]
        return np.where(inside, found, -1)

    def neighbours(self, nodes: IntArray) -> Iterator[IntArray]:
        """Places (n, 26) around nodes, face neighbours first, in chunks; -1 where there is none of its own."""
        for start in range(0, len(nodes), _CHUNK):
            around = nodes[start : start + _CHUNK, None] + _FACES_FIRST
            found = self.places(around).astype(np.int64)
            own = (self.nodes[np.maximum(found, 0)] == around).all(-1)
            yield np.where(own & (found >= 0), found, -1)

    def sum_around(self, finer: TouchedLevel, sizes: IntArray) -> IntArray:
        """(N',) sums of this level's `sizes` (N,) at the eight nodes around each node of a finer level."""
        scale, finer_scale = self.resolution - 1, finer.resolution - 1
        low = ((2 * finer.nodes - 1) * scale + finer_scale) // (2 * finer_scale)
        total = np.zeros(len(finer), np.int64)
        for step in itertools.product((0, 1), repeat=3):
            places = self.places(np.clip(low + np.array(step), 0, self.resolution))
            total += np.where(places >= 0, sizes[np.maximum(places, 0)], 0)
        return total


def _nodes_around(cells: Cells, depth: int, resolution: int) -> tuple[IntArray, IntArray]:
    """Nodes (N, 3), sorted, that interpolation uses in cells, from 0 to the resolution, and how many cells use each."""
    n_steps, scale = (1 << depth) - 1, resolution - 1
    doubled = 2 * cells.astype(np.int64)
    low = ((doubled - 1) * scale + n_steps) // (2 * n_steps)
    high = -((-(doubled + 1) * scale - n_steps) // (2 * n_steps))
    low, high = np.clip(low, 0, resolution), np.clip(high, 0, resolution)
    edge = resolution + 1
    n_cells = np.zeros(edge**3, np.int32)
    for step in itertools.product(range(int((high - low).max(initial=0)) + 1), repeat=3):
        nodes = low + np.array(step)
        nodes = nodes[(nodes <= high).all(1)]
        np.add.at(n_cells, (nodes[:, 0] * edge + nodes[:, 1]) * edge + nodes[:, 2], 1)
    keys = np.flatnonzero(n_cells)
    return np.stack([keys // edge**2, keys // edge % edge, keys % edge], 1), n_cells[keys].astype(np.int64)
