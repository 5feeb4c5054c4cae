"""What a `hashgrid` file says, as integers: the plain data between fitting and coding."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..occupancy import Cells
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
        The network's two layers, in 64ths; the last input is a constant 1.
    tables : tuple of (N_l, F) integer array
        The entries that occupied cells touch, in the order of `touched.TouchedLevel`; all others are 0.
    """

    depth: int
    cells: Cells
    grid: HashGrid
    gain_codes: tuple[int, ...]
    weights: tuple[npt.NDArray[np.integer], ...]
    tables: tuple[npt.NDArray[np.integer], ...]


def network_shapes(grid: HashGrid, width: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """(outputs, inputs) of the two layers: the features of all levels and a constant 1 go in, one value out."""
    return (width, grid.n_levels * grid.n_features + 1), (1, width)


def grid_of(depth: int, n_levels: int, log2_table: int, n_features: int = 1, smooth: bool = False) -> HashGrid:
    """The hash grid over cells of a depth: its finest level has as many nodes along an axis as there are cells."""
    return HashGrid(n_levels, 1 << (depth - n_levels + 1), log2_table, n_features, smooth)
