"""What an `lgcl` file says, as integers: the plain data between fitting and coding."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ..occupancy import Cells
from ..steps import StepScale

# Part of the format, never renumber.
METHOD_ID = 7
MAX_DEPTH = 10
MAX_KEY_POINTS = 1 << 14
MAX_CHANNELS = 16
MAX_NEIGHBOURS = 16
_STEPS = StepScale(128)  # a code of the step stands for 2^((code - 128) / 8)
step_of_code, code_of_step = _STEPS.step_of_code, _STEPS.code_of_step


@dataclass(frozen=True, eq=False)
class LocalSymbols:
    """Integers that describe a shape's field.

    Parameters
    ----------
    depth : int
        Key points are middles of cells of the 2**depth grid, 1 to 10.
    cells : (K, 3) int32
        Those cells, sorted, none twice.
    n_neighbours : int
        Of a key point in the graph, before edges are made to go both ways; 1 to 16.
    step_code : int
        Step of the codes, 0 to 255.
    codes : (K, C) int32
        z_G in steps.
    """

    depth: int
    cells: Cells
    n_neighbours: int
    step_code: int
    codes: npt.NDArray[np.int32]


def middles(cells: npt.NDArray[np.integer], depth: int) -> npt.NDArray[np.float32]:
    """(K, 3) middles of cells, normalized units; exact."""
    return ((2 * cells.astype(np.int64) + 1 - (1 << depth)) / (1 << depth)).astype(np.float32)
