"""What a `hashgrid` file says, as integers: the plain data between fitting and coding."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from ..occupancy import Cells
from ..trim import NO_CELLS
from .encoding import HashGrid

IntArray = npt.NDArray[np.int64]

# Part of the format, never renumber.
METHOD_ID = 5
MAX_DEPTH = 8
MAX_LEVELS = 6
MAX_FEATURES = 2
LOG2_TABLE_RANGE = (8, 23)
WIDTHS = (16, 32, 64)  # by width code: hidden units
WEIGHT_SCALE = 64  # network weights count 64ths
N_LOCAL = 3  # cosines of the position within a cell that the network sees; files of version 0.4.0 have none
LOCAL_SCALE = 8.0  # with them the network sees and answers distances in eighths of a cell, without in cells


@dataclass(frozen=True, eq=False)
class HashgridSymbols:
    """Integers that describe a shape's field.

    Parameters
    ----------
    depth : int
        Level of the occupied cells: 2**depth along an axis, as many as the finest level of the hash grid has nodes.
    cells : (M, 3) int32
        Occupied cells, sorted.
    grid : HashGrid
        Of resolution 2**depth at its finest level.
    gain_codes : tuple of int
        What the entries of each level count, coarse to fine (`grid.lattice.gain_of_code`, in edges of a cell).
    weights : tuple of (O, I) integer array
        The network's two layers, in 64ths; after the features it sees N_LOCAL cosines or none, and a constant 1.
    tables : tuple of (N_l, F) integer array
        The entries that occupied cells touch, in the order of `touched.TouchedLevel`; all others are 0.
    trimmed : (T, 3) int32
        Cells in which only some parts of the level set count, sorted; none in files without cosines.
    parts : (P, 3) int32
        Those parts: cells one level finer, sorted.
    """

    depth: int
    cells: Cells
    grid: HashGrid
    gain_codes: tuple[int, ...]
    weights: tuple[npt.NDArray[np.integer], ...]
    tables: tuple[npt.NDArray[np.integer], ...]
    trimmed: Cells = field(default_factory=lambda: NO_CELLS)
    parts: Cells = field(default_factory=lambda: NO_CELLS)

    @property
    def n_local(self) -> int:
        """Inputs of the network that say where in a cell a point lies: N_LOCAL or 0."""
        return self.weights[0].shape[1] - self.grid.n_levels * self.grid.n_features - 1

    @property
    def unit(self) -> float:
        """What the network counts distances in, in edges of a cell."""
        return 1 / LOCAL_SCALE if self.n_local else 1.0


def network_shapes(grid: HashGrid, width: int, n_local: int = N_LOCAL) -> tuple[tuple[int, int], tuple[int, int]]:
    """(outputs, inputs) of the two layers: features of all levels, cosines and a constant 1 go in, one value out."""
    return (width, grid.n_levels * grid.n_features + n_local + 1), (1, width)


def grid_of(depth: int, n_levels: int, log2_table: int, n_features: int = 1, smooth: bool = False) -> HashGrid:
    """The hash grid over cells of a depth: its finest level has as many nodes along an axis as there are cells."""
    return HashGrid(n_levels, 1 << (depth - n_levels + 1), log2_table, n_features, smooth)
