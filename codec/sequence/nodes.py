"""Where nodes are in the base shape, their order from coarse to fine, and those before it that a node may move with.

All of it follows from decoded integers, in integers, so that both sides agree.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from ..lgcl.key_points import farthest_points
from ..lgcl.symbols import middles
from ..occupancy import Cells, cells_of_points
from .head import MAX_DEPTH

IntArray = npt.NDArray[np.int64]

_CELLS_A_SPACING = 8.0


# Part of the format, never change: base shapes of all methods lie in [-2, 2]^3.
_HALF_EDGE = 2


def middles_of(cells: npt.NDArray[np.integer], depth: int) -> npt.NDArray[np.float64]:
    """(K, 3) middles of cells of the 2**depth grid over [-2, 2]^3, normalized units; exact."""
    return _HALF_EDGE * middles(cells, depth).astype(np.float64)


def cells_around(points: npt.NDArray[np.floating], spacing: float) -> tuple[int, Cells]:
    """Depth and cells of points, sorted, none twice, so fine that middles are an eighth of a spacing away at most."""
    depth = int(np.clip(math.ceil(math.log2(2 * _HALF_EDGE * _CELLS_A_SPACING / spacing)), 1, MAX_DEPTH))
    return depth, cells_of_points(points / _HALF_EDGE, depth)


def order_of(cells: npt.NDArray[np.integer]) -> IntArray:
    """(K,) nodes, each as far as possible from those before it, of equally far ones the first; node 0 begins."""
    # Squares of differences below 2^11 and their sums are exact.
    return farthest_points(cells.astype(np.float64), len(cells))


def candidates_of(cells: npt.NDArray[np.integer], n: int) -> IntArray:
    """The nearest of the nodes before each.

    Parameters
    ----------
    cells : (K, 3) integer array
        In the order of `order_of`, of sizes below 2^10.
    n : int
        How many.

    Returns
    -------
    candidates : (K, n) int64
        Nearest first, of equally near ones the earlier first; then -1.
    """
    cells = cells.astype(np.int64)
    found = np.full((len(cells), n), -1, np.int64)
    for k in range(1, len(cells)):
        # One number orders by distance and then by position.
        square = ((cells[:k] - cells[k]) ** 2).sum(1) * len(cells) + np.arange(k)
        nearest = np.sort(np.partition(square, n - 1)[:n] if k > n else square)
        found[k, : len(nearest)] = nearest % len(cells)
    return found
