"""Corner nodes of occupied cells: where they lie, how a point interpolates them, and their integer field.

Everything that selects a probability is here in integers: the running sum of the levels' latents (`upsample`,
`at_children`), in fixed point with 20 fractional bits.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..occupancy import OCTANTS, Cells, parents_of, sorted_cells


@dataclass(frozen=True)
class Lattice:
    """Corner nodes of the occupied cells of one level.

    Parameters
    ----------
    cells : (M, 3) int32
        Occupied cells, sorted.
    depth : int
        The grid has 2**depth cells along an axis.
    nodes : (N, 3) int32
        Their corners, in 0..2**depth, sorted.
    index : (2**depth + 1)**3 int32
        Position of a node in `nodes`, by its key; -1 where there is none.
    """

    cells: Cells
    depth: int
    nodes: Cells
    index: npt.NDArray[np.int32]

    @classmethod
    def of_cells(cls, cells: Cells, depth: int) -> Lattice:
        """The lattice of sorted occupied cells."""
        nodes = sorted_cells((cells[:, None] + OCTANTS).reshape(-1, 3), depth + 1)
        edge = (1 << depth) + 1
        index = np.full(edge**3, -1, np.int32)
        index[_key(nodes, edge)] = np.arange(len(nodes), dtype=np.int32)
        return cls(cells, depth, nodes, index)

    @property
    def edge(self) -> int:
        """Nodes along an axis."""
        return (1 << self.depth) + 1

    @property
    def cell_size(self) -> float:
        """Edge of a cell, normalized units."""
        return 2.0 / (1 << self.depth)

    def find(self, nodes: npt.NDArray[np.integer]) -> npt.NDArray[np.int32]:
        """Positions in `nodes` of the nodes at (..., 3) coordinates, -1 where there is none."""
        inside = ((nodes >= 0) & (nodes < self.edge)).all(-1)
        key = _key(np.where(np.expand_dims(inside, -1), nodes, 0), self.edge)
        return np.where(inside, self.index[key], -1)

    def n_cells_around(self) -> npt.NDArray[np.int64]:
        """(N,) occupied cells that a node is a corner of, 1 to 8."""
        return np.bincount(self._corners().ravel(), minlength=len(self.nodes))

    def cells_around(self) -> npt.NDArray[np.int64]:
        """(N,) which cells are occupied that a node is a corner of: bit o for the one in octant o of the node."""
        # Seen from a cell, its corner in octant o has the cell in the opposite octant.
        octants = np.broadcast_to(1 << np.arange(7, -1, -1), (len(self.cells), 8))
        return np.bincount(self._corners().ravel(), octants.ravel(), len(self.nodes)).astype(np.int64)

    def _corners(self) -> npt.NDArray[np.int32]:
        """(M, 8) nodes of each cell, by octant."""
        return self.index[_key(self.cells, self.edge)[:, None] + _key(OCTANTS, self.edge)]

    def upsample(self, values: npt.NDArray[np.int64], finer: Lattice) -> npt.NDArray[np.int64]:
        """Field at the nodes of the next finer level, by trilinear interpolation, in integers.

        Parameters
        ----------
        values : (N,) int64
            Fixed-point field at this level's nodes.
        finer : Lattice
            Of depth + 1, its cells children of this level's.

        Returns
        -------
        values : (N',) int64
            Rounded down.
        """
        odd = finer.nodes & 1
        # An even coordinate lies on a coarse node: both "corners" along that axis are the same one.
        corners = (finer.nodes >> 1)[:, None] + (OCTANTS[None] & odd[:, None])  # (N', 8, 3)
        return values[self.index[_key(corners, self.edge)]].sum(1) >> 3

    def at_children(self, values: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """Field at the centres of the eight children of each cell, (8, M) int64, by trilinear interpolation."""
        at_corners = values[self._corners()]  # (M, 8)
        near = np.where(OCTANTS[:, None] == OCTANTS[None], 3, 1).prod(-1)  # (child, corner): weights in 64ths
        return (at_corners @ near.T.astype(np.int64)).T >> 6

    def at_children_of(self, cells: Cells, values: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
        """As `at_children`, (8, T), for some of the cells."""
        own = Lattice.of_cells(cells, self.depth)
        return own.at_children(values[self.find(own.nodes)])

    def interpolation(self, points: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.float32]]:
        """Nodes and trilinear weights at points of occupied cells.

        Parameters
        ----------
        points : (N, 3) float32
            Normalized, each in an occupied cell.

        Returns
        -------
        nodes : (N, 8) int32
        weights : (N, 8) float32
            Sum to 1.
        """
        scaled = (points + 1) * np.float32((self.edge - 1) / 2)
        low = np.clip(scaled.astype(np.int32), 0, self.edge - 2)
        offset = scaled - low
        axes = np.stack([1 - offset, offset], 1)  # (N, 2, 3)
        weights = axes[:, OCTANTS[:, 0], 0] * axes[:, OCTANTS[:, 1], 1] * axes[:, OCTANTS[:, 2], 2]
        return self.index[_key(low, self.edge)[:, None] + _key(OCTANTS, self.edge)], weights


def _key(nodes: npt.NDArray[np.integer], edge: int) -> npt.NDArray[np.int64]:
    nodes = nodes.astype(np.int64)
    return (nodes[..., 0] * edge + nodes[..., 1]) * edge + nodes[..., 2]


def pyramid(cells: Cells, depth: int, n_levels: int) -> list[Lattice]:
    """Lattices of the finest `n_levels` levels of an octree, coarse to fine."""
    levels = [Lattice.of_cells(cells, depth)]
    for coarser in range(depth - 1, depth - n_levels, -1):
        levels.append(Lattice.of_cells(parents_of(levels[-1].cells, coarser + 1), coarser))
    return levels[::-1]
