"""How fine a grid is: the frame and the depth in which about a wanted number of cells meets a shape."""

from __future__ import annotations

import math

from ..formats.frame import Frame
from .target import Target

MAX_DEPTH = 8
_FILLS = (0.475, 0.95)


def choose_grid(target: Target, n_cells: float) -> tuple[Frame, int]:
    """Frame and depth of the grid in which about `n_cells` cells meet the surface.

    The number of cells along the shape's longest side is a continuous choice: the depth gives powers of two, the
    share of the cube that the shape fills gives what is between.
    """
    side = 16.0  # cells along the longest side
    for _ in range(4):
        fill, depth = _fill_of(side)
        found = len(target.cells(target.frame(fill), depth))
        if abs(math.log(found / n_cells)) < 0.03:
            break
        # The exponent is 2 for a surface, 1 for a wire that is thinner than a cell.
        side = min(max(side * (n_cells / found) ** 0.5, 2.0), _FILLS[1] * (1 << MAX_DEPTH))
    fill, depth = _fill_of(side)
    return target.frame(fill), depth


def _fill_of(side: float) -> tuple[float, int]:
    depth = min(max(math.ceil(math.log2(side / _FILLS[1])), 2), MAX_DEPTH)
    return min(max(side / (1 << depth), 0.25), _FILLS[1]), depth
